"""The footprint of a config: the bytes that measuring it takes at the peak, from its cone alone.

A block of probes goes forward and back through the steps. What is alive at the peak is added up as it is allocated:

- the probes, and the weights as they are drawn and as they are multiplied;
- of every step what its VJP needs: a mask or the slope of its activation, the places of a max pooling;
- of one step, in one direction, its operand, its result, and its scratch memory;
- behind the last step the gradient by the input, and its magnitude in float64.
"""

from math import prod
from typing import NamedTuple

from pipeline.gradient.cone import Cone
from pipeline.gradient.load import Load
from pipeline.gradient.scratch import padded, scratch_back, scratch_forward
from pipeline.gradient.step import takes_mask
from pipeline.ops.span import BLOCK, rows_at_once
from pipeline.stem.layers import (
    Activate,
    AvgPool,
    BatchNorm,
    Conv,
    Convolution,
    Depthwise,
    GlobalAvgPool,
    LayerNorm,
    MaxPool,
    PreResidual,
    Residual,
    Transposed,
    Upsample,
)
from pipeline.stem.network import walk

MAX_KEPT = 2**24
"""Bytes up to which a thread keeps an array for the next step and the next config; see `buffer`."""
_ACTIVATED = 5 * BLOCK
"""Bytes between numbers and the slopes of their smooth activation, which are computed in blocks."""
_BYTES_PER_STEP = 40_000
"""Bytes of the views that a step is bound to, both ways."""


class Use(NamedTuple):
    """Bytes of a step in one direction.

    They are its result, its scratch memory, those of its arrays that are too large to be kept (`passing`), and what
    stays for its VJP (`saved`).
    """

    result: int
    scratch: int
    passing: int
    saved: int = 0


class Uses(NamedTuple):
    """The use of a step in both directions."""

    forward: Use
    back: Use


def uses(own: Load) -> Uses:
    """Returns the bytes that a step takes on its way forward and on its way back."""
    return Uses(_forward(own), _back(own))


def peak(cone: Cone, n: int, item: int, steps: list[Uses]) -> int:
    """Returns the bytes that a block of `n` probes takes at the peak, without the weights.

    item: bytes of a number, 4 or 8. steps: what each step of the cone takes, for so many probes. What is small is kept
    for the next step: two arrays that steps hand on, and the scratch memory. What is not is there while its step runs.
    """
    channels = cone.steps[0].node.input.channels
    pixels = cone.box.height * cone.box.width * channels * n
    probes = 4 * pixels + (item * pixels if item == 8 else 0)
    handed_on = shared = saved = highest = 0
    for there, back in steps:
        for use in (there, back):
            handed_on = max(handed_on, min(use.result, MAX_KEPT))
            if use.scratch <= MAX_KEPT:
                shared = max(shared, use.scratch)
        saved += there.saved
        highest = max(highest, saved + there.passing)
    highest = max(highest, saved + max(back.passing for _, back in steps))
    gradient = (8 + item // 4) * pixels + (item * pixels if item * pixels > MAX_KEPT else 0)
    drawing = (2 * 4 + 4 // channels) * pixels
    kept = 2 * handed_on + shared
    return max(drawing, probes + kept + max(highest, saved + gradient)) + _BYTES_PER_STEP * len(steps)


def weights(cone: Cone, item: int) -> int:
    """Returns the bytes of the weights: as drawn, as cut out of these, and as one step multiplies them."""
    drawn = cut = largest = 0
    for step in walk(cone.steps):
        if isinstance(step.node.layer, Convolution):
            whole, own = prod(step.node.weight_shape), prod(step.weight_shape)
            drawn += 4 * whole
            cut += item * own if own < whole or item != 4 else 0
            exchanged = isinstance(step.node.layer, Transposed)  # its channels and features change places in a copy
            largest = max(largest, item * own * (2 if exchanged else 1))
    return drawn + cut + largest


def _use(operand: int, result: int, scratch: int, saved: int = 0) -> Use:
    return Use(result, scratch, sum(size for size in (operand, result, scratch) if size > MAX_KEPT), saved)


def _forward(own: Load) -> Use:
    """Returns what a step takes on its way forward."""
    item, y, x = own.item, own.y, own.x
    operand, result = item * own.numbers_in, item * own.numbers_out
    pixel = result // (y.size_out * x.size_out)
    smooth = own.has_slope
    saved = result if smooth else result // item if own.activation != "linear" else 0
    scratch = min(_ACTIVATED, 5 * result) if smooth else 0
    read = operand if own.is_cut else 0
    match own.layer:
        case Conv() | Depthwise():
            scratch = max(scratch, scratch_forward(own.product, own.ties))
        case Transposed():
            if own.ties:
                spread = own.windows.bytes_in
                scratch = max(scratch, scratch_forward(own.windows, True) + spread)
            else:
                scratch = max(scratch, scratch_back(own.product, False))
        case MaxPool():
            tap = 1 if y.kernel * x.kernel < 128 else 4
            saved += result // item * tap
            scratch += _pooled(own)
        case AvgPool():
            scratch += padded(y, x, pixel) + result * x.size_in // max(x.size_out, 1)
        case Upsample():
            scratch += result // x.stride + result
        case BatchNorm() | Activate():
            scratch += result
        case LayerNorm():
            saved += result
            scratch += 2 * result
        case GlobalAvgPool() | Residual() | PreResidual():
            pass
    return _use(operand, result, scratch + read, saved)


def _back(own: Load) -> Use:
    """Returns what a step takes on its way back, from the gradient by its result to that by its operand."""
    item, y, x = own.item, own.y, own.x
    operand, result = item * own.numbers_in, item * own.numbers_out
    pixel = result // (y.size_out * x.size_out)
    scratch = result if own.has_slope or (own.activation == "relu" and not takes_mask(own.layer)) else 0
    spread = operand if own.is_cut else 0
    match own.layer:
        case Conv() | Depthwise():
            masked = own.activation == "relu"
            scratch += scratch_back(own.product, masked)
        case Transposed():
            scratch += scratch_forward(own.product)
        case MaxPool():
            scratch += padded(y, x, pixel) + min(2 * result, 3 * BLOCK + 12 * result // max(y.size_out, 1) // item)
        case AvgPool():
            rows = result * (x.size_in + x.before + x.after) // max(x.size_out, 1)
            scratch += result + rows + operand + padded(y, x, pixel)
        case Upsample():
            scratch += 2 * result
        case BatchNorm():
            scratch += result
        case LayerNorm():
            scratch += 2 * result
        case Activate() | GlobalAvgPool() | Residual() | PreResidual():
            pass
    spread_out = isinstance(own.layer, GlobalAvgPool)  # its gradient is one number, seen all over the plane
    return _use(result, 0 if spread_out else operand, scratch + spread)


def _pooled(own: Load) -> int:
    """Returns the scratch memory of max pooling, in both directions.

    It holds columns split by phase, the largest numbers and their taps.
    """
    y, x, n, item = own.y, own.x, own.n, own.item
    channels = own.shape[3]
    line = (x.size_out + (x.kernel - 1) // x.stride) * channels * n * item
    phases = min(x.stride, x.kernel)
    rows = rows_at_once(y.size_out, phases * y.stride * line)
    read = (rows - 1) * y.stride + y.kernel
    return (phases + 2) * read * line + 3 * rows * line
