"""The footprint of a config: the bytes that measuring it takes at the peak, from the plan of its cone alone.

A block of probes goes forward and back through the steps. What is alive at the peak is added up as it is allocated:

- the probes, and the weights as they are drawn and as they are multiplied;
- of every step what its VJP needs: a mask or the slope of its activation, the places of a max pooling;
- of one step, in one direction, what it is given, what it makes, and its scratch space;
- behind the last step the gradient by the input, and its magnitude in float64.
"""

from math import prod
from typing import NamedTuple

from pipeline.gradient.cone import Cone
from pipeline.gradient.scratch import BLOCK, Bulk, padded, rows_at_once, scratch_back, scratch_forward
from pipeline.gradient.step import EVERYTHING, Step
from pipeline.stem.layers import (
    Activate,
    AvgPool,
    BatchNorm,
    Conv,
    Convolution,
    Depthwise,
    GlobalAvgPool,
    Group,
    LayerNorm,
    MaxPool,
    PreResidual,
    Residual,
    Transposed,
    Upsample,
)
from pipeline.stem.network import walk

KEPT = 2**24
"""Bytes up to which a thread keeps an array for the next step and the next config; see `buffer`."""
_ACTIVATED = 5 * BLOCK
"""Bytes between a number and the slope of its smooth activation, which are made in blocks."""
_BYTES_PER_STEP = 40_000
"""Of the views that a step is bound to, both ways."""


class _Use(NamedTuple):
    """Bytes of a step in one direction: what it is given, what it makes, its scratch space, what stays for its VJP."""

    given: int
    made: int
    scratch: int
    saved: int = 0


def peak(plan: Cone, n: int, item: int) -> int:
    """Bytes that a block of `n` probes takes at the peak, weights left out; `item` is 4 in float32, 8 in float64.

    What is small is kept for the next step: two arrays that steps hand on, and the scratch space. What is not is there
    while its step runs.
    """
    pixels = plan.box.height * plan.box.width * plan.steps[0].node.given.channels * n
    probes = 4 * pixels + (item * pixels if item == 8 else 0)
    uses = [(_forward(step, n, item), _back(step, n, item)) for step in walk(plan.steps)]
    kept = 2 * max(min(use.made, KEPT) for both in uses for use in both)
    kept += max(use.scratch if use.scratch <= KEPT else 0 for both in uses for use in both)
    saved = highest = 0
    for there, _ in uses:
        saved += there.saved
        highest = max(highest, saved + _passing(there))
    highest = max(highest, *(saved + _passing(back) for _, back in uses))
    gradient = (8 + item // 4) * pixels + (item * pixels if item * pixels > KEPT else 0)
    drawing = (2 * 4 + 4 // plan.steps[0].node.given.channels) * pixels
    return max(drawing, probes + kept + max(highest, saved + gradient)) + _BYTES_PER_STEP * len(uses)


def _passing(use: _Use) -> int:
    """Bytes of a step that are there while it runs, and not kept."""
    return sum(size for size in (use.given, use.made, use.scratch) if size > KEPT)


def weights(plan: Cone, item: int) -> int:
    """Bytes of the weights: as they are drawn, as they are cut out of these, and as one step multiplies them."""
    drawn = cut = largest = 0
    for step in walk(plan.steps):
        if isinstance(step.node.layer, Convolution):
            whole, own = prod(step.node.weight_shape), prod(step.weight_shape)
            drawn += 4 * whole
            cut += item * own if own < whole or item != 4 else 0
            exchanged = isinstance(step.node.layer, Transposed)  # its channels and features change places in a copy
            largest = max(largest, item * own * (2 if exchanged else 1))
    return drawn + cut + largest


def _forward(step: Step, n: int, item: int) -> _Use:
    """What a step takes on its way forward."""
    given, made = _ends(step, n, item)
    block, pixel = Bulk(*step.product, n, item), made // (step.y.size_out * step.x.size_out)
    smooth = _has_slope(step)
    saved = made if smooth else made // item if step.node.activation != "linear" else 0
    scratch = min(_ACTIVATED, 5 * made) if smooth else 0
    read = given if step.read is not EVERYTHING else 0
    match step.node.layer:
        case Conv() | Depthwise():
            scratch = max(scratch, scratch_forward(block, step.ties))
        case Transposed():
            scratch = max(scratch, scratch_back(block, False))
        case MaxPool():
            tap = 1 if step.y.kernel * step.x.kernel < 128 else 4
            saved += made // item * tap
            scratch += _pooled(step, n, item)
        case AvgPool():
            scratch += padded(step.y, step.x, pixel) + made * step.x.size_in // max(step.x.size_out, 1)
        case Upsample():
            scratch += made // step.x.stride + made
        case BatchNorm() | Activate():
            scratch += made
        case LayerNorm():
            saved += made
            scratch += 2 * made
        case GlobalAvgPool() | Residual() | PreResidual():
            pass
    return _Use(given, made, scratch + read, saved)


def _back(step: Step, n: int, item: int) -> _Use:
    """What a step takes on its way back: it is given what it made, and makes what it was given."""
    given, made = _ends(step, n, item)
    block, pixel = Bulk(*step.product, n, item), made // (step.y.size_out * step.x.size_out)
    bound = isinstance(step.node.layer, Conv | Depthwise | Group)
    scratch = made if bound and _has_slope(step) else 0  # others multiply the gradient in its place
    spread = given if step.read is not EVERYTHING else 0
    match step.node.layer:
        case Conv() | Depthwise():
            masked = step.node.activation == "relu"
            scratch += scratch_back(block, masked)
        case Transposed():
            scratch += scratch_forward(block)
        case MaxPool():
            scratch += padded(step.y, step.x, pixel) + min(
                2 * made, 3 * BLOCK + 12 * made // max(step.y.size_out, 1) // item
            )
        case AvgPool():
            rows = made * (step.x.size_in + step.x.before + step.x.after) // max(step.x.size_out, 1)
            scratch += made + rows + given + padded(step.y, step.x, pixel)
        case Upsample():
            scratch += 2 * made
        case BatchNorm():
            scratch += made
        case LayerNorm():
            scratch += 2 * made
        case Activate() | GlobalAvgPool() | Residual() | PreResidual():
            pass
    return _Use(made, given, scratch + spread)


def _has_slope(step: Step) -> bool:
    """Whether the slope of its activation is kept as numbers."""
    return step.node.activation not in ("relu", "linear")


def _ends(step: Step, n: int, item: int) -> tuple[int, int]:
    """(bytes that it is given, bytes that it makes)."""
    _, _, inputs, features = step.weight_shape
    made = item * step.y.size_out * step.x.size_out * features * n
    channels = inputs * step.groups if isinstance(step.node.layer, Convolution) else features
    return item * step.y.size_in * step.x.size_in * channels * n, made


def _pooled(step: Step, n: int, item: int) -> int:
    """Scratch space of max pooling: columns apart by phase, and the largest and its tap, in both directions."""
    y, x = step.y, step.x
    channels = step.features[1] - step.features[0]
    line = (x.size_out + (x.kernel - 1) // x.stride) * channels * n * item
    phases = min(x.stride, x.kernel)
    rows = rows_at_once(y.size_out, phases * y.stride * line)
    read = (rows - 1) * y.stride + y.kernel
    return (phases + 2) * read * line + 3 * rows * line
