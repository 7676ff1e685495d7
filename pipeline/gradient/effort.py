"""The effort of a step and of what is drawn for a config; see `rates`."""

from math import prod

from pipeline.gradient import conv_effort
from pipeline.gradient.cone import Cone
from pipeline.gradient.footprint import Uses
from pipeline.gradient.load import Load
from pipeline.gradient.rates import RATES, Effort
from pipeline.gradient.step import Step
from pipeline.limits import DRAWN_KEPT, LARGEST_KEPT
from pipeline.ops.choice import LARGEST
from pipeline.ops.span import rows_at_once
from pipeline.stem import (
    Activate,
    AdaptiveAvgPool,
    Add,
    Affine,
    AvgPool,
    BatchNorm,
    Bilinear,
    Box,
    Cat,
    Conv,
    Convolution,
    Depthwise,
    GlobalAvgPool,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    LocalResponseNorm,
    MaxPool,
    Mul,
    Plane,
    PReLU,
    PreResidual,
    Residual,
    Slice,
    Transposed,
    Upsample,
    curve,
    only_moves,
)


def multiply_adds(step: Step) -> int:
    """Returns the multiply-adds of the direct way, forward and back, for one probe; 0 but for convolutions."""
    if not isinstance(step.node.layer, Convolution):
        return 0
    is_transposed = isinstance(step.node.layer, Transposed)  # there each pixel that is read meets each tap
    pixels = step.y.size_in * step.x.size_in if is_transposed else step.y.size_out * step.x.size_out
    return 2 * pixels * prod(step.weight_shape)


def draws(cone: Cone, plane: Plane, count: int, block: int) -> Effort:
    """Returns the effort of drawing the weights of a cone and `count` probes in blocks.

    Probes cost nothing where a block of them is small enough to be kept for the next config.
    """
    numbers = sum(prod(step.node.weight_shape) for step in cone.steps if isinstance(step.node.layer, Convolution))
    box = cone.box
    pixels = box.height * box.width * plane.channels
    probes = count * (RATES.drawn * _image(box, plane) + RATES.cut_out * pixels) if block * pixels > DRAWN_KEPT else 0
    return Effort(copies=RATES.weight_drawn * numbers + probes)


def _image(box: Box, plane: Plane) -> int:
    """Returns the numbers of a random image that are drawn to cut a box of the plane out of it; see `probes`."""
    y, x = plane.height // 2, plane.width // 2
    far = max(abs(box.top - y), abs(box.bottom - 1 - y), abs(box.left - x), abs(box.right - 1 - x))
    return (2 * far + 1) ** 2 * plane.channels


def both_ways(own: Load) -> Effort:
    """Returns the effort of a step on its way forward and on its way back, in memory that it has."""
    return _forward(own) + _back(own) + Effort(copies=RATES.unbound * _unbound(own))


def fresh_memory(own: Load, uses: Uses) -> Effort:
    """Returns the effort of the arrays and of the scratch memory of a step that are too large to be kept."""
    arrays = own.item * own.numbers_out, own.item * own.numbers_in, uses.forward.saved
    size = uses.forward.passing + uses.back.passing + sum(array for array in arrays if array > LARGEST_KEPT)
    return Effort(copies=RATES.fresh * size / 4)


def _unbound(own: Load) -> int:
    """Returns in how many directions a step is bound anew for each block."""
    return 0 if max(own.numbers_in, own.numbers_out) * own.item <= LARGEST else 2


def _forward(own: Load) -> Effort:
    """Returns the effort of a step on its way forward. Raises TypeError for a layer that has none here."""
    wide, y, x, results = own.item / 4, own.y, own.x, own.numbers_out
    total, convolved = 0.0, Effort()
    if own.scattered:
        total += wide * RATES.cut * own.numbers_in
    if own.activation != "linear":
        total += wide * _activation(own.activation) * results
    match own.layer:
        case Conv() | Depthwise():
            convolved = conv_effort.forward(own.product, own.ties)
        case Transposed():
            if own.ties:
                convolved = conv_effort.forward(own.windows, True)
            else:
                convolved = conv_effort.back(own.product, masked=False)
        case MaxPool():
            line = (x.size_out + (x.kernel - 1) * x.dilation // x.stride) * own.channels * own.n
            phases = min(x.stride, (x.kernel - 1) * x.dilation + 1)
            at = rows_at_once(y.size_out, phases * y.stride * line * own.item)
            rows = -(-y.size_out // at) * ((at - 1) * y.stride + (y.kernel - 1) * y.dilation + 1)
            compared = rows * line * (x.kernel - 1) + results * (y.kernel - 1)
            pieces = rows * own.channels * x.size_in if x.stride > 1 else 0
            total += wide * (RATES.compared * compared + RATES.split * rows * line * phases) + RATES.piece * pieces
        case AvgPool():
            total += _averaged(own)
        case Upsample():
            total += wide * RATES.repeated * results
        case Bilinear() | AdaptiveAvgPool():
            total += _resampled(own)
        case GlobalAvgPool():
            total += wide * RATES.mean * own.numbers_in
        case LayerNorm() | GroupNorm() | InstanceNorm():
            total += own.normalised_item / 4 * RATES.normalized * own.numbers_in
        case LocalResponseNorm(channels=size):
            total += wide * (RATES.power + RATES.scaled * size) * own.numbers_in
        case PReLU():
            total += wide * RATES.split * results
        case BatchNorm() | Affine() | Cat():
            total += wide * RATES.scaled * results
        case layer if only_moves(layer):
            total += wide * RATES.scaled * results
        case Add() | Residual() | PreResidual():
            total += wide * RATES.scaled * results * max(len(own.operands) - 1, 1)
        case Mul():
            total += wide * RATES.scaled * (own.numbers_in + results * len(own.operands))
        case Activate():
            pass
        case layer:
            raise TypeError(f"{type(layer).__name__} has no effort; give it one here")
    return convolved + Effort(copies=total)


def _back(own: Load) -> Effort:
    """Returns the effort of a step on its way back. Raises TypeError for a layer that has none here."""
    wide, results = own.item / 4, own.numbers_out
    total, convolved = 0.0, Effort()
    if own.activation != "linear" and not own.is_masked:
        total += wide * RATES.slope * results
    if own.scattered:
        total += wide * RATES.scattered * own.numbers_in
    total += wide * RATES.returned * own.returned * own.n
    match own.layer:
        case Conv() | Depthwise():
            convolved = conv_effort.back(own.product, own.is_masked)
        case Transposed():
            convolved = conv_effort.forward(own.product)
        case MaxPool():
            total += wide * (RATES.placed * results + RATES.passed * own.numbers_in)
        case AvgPool():
            total += _averaged(own)
        case Upsample():
            total += wide * RATES.merged * results + RATES.block * results / own.n
        case Bilinear() | AdaptiveAvgPool():
            total += _resampled(own)
        case LayerNorm() | GroupNorm() | InstanceNorm():
            total += own.normalised_item / 4 * RATES.normalized * own.numbers_in
        case LocalResponseNorm(channels=size):
            total += wide * RATES.scaled * (size + 3) * own.numbers_in
        case PReLU():
            total += wide * RATES.split * results
        case BatchNorm() | Affine() | GlobalAvgPool():
            total += wide * RATES.scaled * own.numbers_in
        case Mul():
            total += wide * RATES.scaled * results * len(own.operands) ** 2
        case Activate() | Slice() | Add() | Residual() | PreResidual() | Cat():
            pass  # the gradient is handed on
        case layer if only_moves(layer):
            total += wide * RATES.scaled * own.numbers_in
        case layer:
            raise TypeError(f"{type(layer).__name__} has no effort; give it one here")
    return convolved + Effort(copies=total)


def _resampled(own: Load) -> float:
    """Returns the effort of the products with a matrix along y and one across, in either direction."""
    y, x = own.y, own.x
    along_first = y.size_out * x.size_in * (y.size_in + x.size_out)
    across_first = y.size_in * x.size_out * (x.size_in + y.size_out)
    products = min(along_first, across_first) * own.channels * own.n
    calls = own.channels * max(y.size_in, y.size_out)
    return own.item / 4 * RATES.interpolated * products + RATES.call / 8 * calls


def _averaged(own: Load) -> float:
    """Returns the effort of an average pooling, rows and columns, each tap added to a sum, in either direction."""
    y, x, lines = own.y, own.x, own.y.size_out * own.channels
    taps = lines * own.n * ((x.size_in + x.before + x.after) * y.kernel + x.size_out * x.kernel)
    return own.item / 4 * (RATES.averaged * taps + RATES.padded * own.numbers_in) + RATES.line * lines * x.kernel


def _activation(kind: str) -> float:
    """Returns the effort of an activation and its slope, for one float32 number; that of silu if it has no rate."""
    return {
        "relu": RATES.relu,
        "relu6": 2 * RATES.relu,
        "hardtanh": 2 * RATES.relu,
        "hardsigmoid": RATES.sigmoid,
        "leaky_relu": RATES.leaky_relu,
        "sigmoid": RATES.sigmoid,
        "tanh": RATES.tanh,
        "gelu": RATES.gelu,
        "gelu_tanh": RATES.gelu_tanh,
    }.get(curve(kind).name, RATES.silu)
