"""The footprint of a config: the bytes that measuring it takes at the peak, from its cone alone.

A block of probes goes forward and back through the steps. What is alive at the peak is added up as it is allocated:

- the probes, and the weights as they are drawn and as they are multiplied;
- of every step what its VJP needs: a mask or the slope of its activation, the places of a max pooling;
- of all steps the places where results and scratch memory lie, each as large as any step made it, as each stays with
  the thread for the next step; of one step, in one direction, what is too large to stay;
- behind the last step the gradient by the input, and its magnitude in float64.
"""

from collections import defaultdict
from collections.abc import Iterable
from math import prod
from typing import NamedTuple

from pipeline.gradient.cone import Cone
from pipeline.gradient.load import Load
from pipeline.gradient.scratch import Room, padded, scratch_back, scratch_forward, together
from pipeline.gradient.step import Step, takes_mask
from pipeline.ops.span import BLOCK, even_rows
from pipeline.stem import (
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
    walk,
)

MAX_KEPT = 2**24
"""Bytes up to which a thread keeps an array for the next step and the next config; see `buffer`."""
_BYTES_PER_STEP = 40_000
"""Bytes of the views that a step is bound to, both ways."""


class Use(NamedTuple):
    """Bytes of a step in one direction.

    results: in their order, what it makes, and where there are any the copy of what it reads, and the gradient times
    its slope or spread out. room: its scratch memory by place. passing: what is too large to be kept of both, and of
    what it is given. saved: what stays for its VJP.
    """

    results: tuple[int, ...]
    room: Room
    passing: int
    saved: int = 0


class Uses(NamedTuple):
    """The use of a step in both directions, as far as it is kept, and the room that is kept for either."""

    forward: Use
    back: Use
    room: Room


def uses(own: Load) -> Uses:
    """Returns the bytes that a step takes on its way forward and on its way back."""
    there, back = (
        use._replace(results=tuple(map(_kept, use.results)), room=Room._make(map(_kept, use.room)))
        for use in (_forward(own), _back(own))
    )
    return Uses(there, back, together(there.room, back.room))


def _kept(size: int) -> int:
    """Returns the bytes of the block that is kept for so many, rounded up by an eighth at most; 0 beyond MAX_KEPT."""
    eighth: int = 2 ** max(size.bit_length() - 4, 0)
    return -(-size // eighth) * eighth if size <= MAX_KEPT else 0


def peak(cone: Cone, n: int, item: int, steps: list[Uses]) -> int:
    """Returns the bytes that a block of `n` probes takes at the peak, without the weights.

    item: bytes of a number, 4 or 8. steps: what each step of the cone takes, for so many probes. What is small is kept
    for the next step: the two arrays that the steps of each level of nesting hand on in turn, and in each place of the
    scratch memory the largest that any step asked for. What is not is there while its step runs.
    """
    channels = cone.steps[0].node.input.channels
    pixels = cone.box.height * cone.box.width * channels * n
    probes = 4 * pixels + (item * pixels if item == 8 else 0)
    saved = highest = 0
    for there, _, _ in steps:
        saved += there.saved
        highest = max(highest, saved + there.passing)
    highest = max(highest, saved + max(back.passing for _, back, _ in steps))
    kept = _handed_on(cone.steps, steps) + sum(together(*(room for _, _, room in steps)))
    gradient = (8 + item // 4) * pixels + (item * pixels if item * pixels > MAX_KEPT else 0)
    drawing = (2 * 4 + 4 // channels) * pixels
    return max(drawing, probes + kept + max(highest, saved + gradient)) + _BYTES_PER_STEP * len(steps)


def _handed_on(steps: tuple[Step, ...], each: list[Uses]) -> int:
    """Returns the bytes of the places that results are kept in.

    Those of a level of nesting take two in turn, in each direction. each: what the steps take, in their order.
    """
    by_level = defaultdict[int, list[Uses]](list)
    for level, own in zip(_levels(steps, 0), each, strict=True):
        by_level[level].append(own)
    size = 0
    for some in by_level.values():
        there = [result for own in some for result in own.forward.results]
        back = [result for own in reversed(some) for result in own.back.results]
        size += max(*there[::2], *back[::2]) + max(*there[1::2], *back[1::2], 0, 0)
    return size


def _levels(steps: Iterable[Step], level: int) -> list[int]:
    """Returns the level of nesting of each step, in the order of `walk`."""
    found: list[int] = []
    for step in steps:
        if step.body:
            found += _levels(step.body, level + 1)
        if step.shortcut is not None:
            found.append(level + 2)
        found.append(level)
    return found


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


def _use(operand: int, result: int, room: Room, saved: int = 0) -> Use:
    return Use((result,), room, sum(size for size in (operand, result, *room) if size > MAX_KEPT), saved)


def _forward(own: Load) -> Use:
    """Returns what a step takes on its way forward."""
    item, y, x = own.item, own.y, own.x
    operand, result = item * own.numbers_in, item * own.numbers_out
    pixel = result // (y.size_out * x.size_out)
    smooth = own.has_slope
    saved = result if smooth else result // item if own.activation != "linear" else 0
    part = min(BLOCK, result) if smooth else 0
    room = Room(part, part, part, part, more=part)
    match own.layer:
        case Conv() | Depthwise():
            room = together(room, scratch_forward(own.product, own.ties))
        case Transposed():
            if own.ties:
                apart = Room(plane=own.windows.bytes_in)
                room = together(room, apart, scratch_forward(own.windows, True))
            else:
                room = together(room, scratch_back(own.product, False))
        case MaxPool():
            tap = 1 if y.kernel * x.kernel < 128 else 4
            saved += result // item * tap
            room = together(room, _pooled(own))
        case AvgPool():
            sums = result * (x.size_in + x.before + x.after) // max(x.size_out, 1)
            room = together(room, Room(plane=padded(y, x, pixel), sums=sums))
        case Upsample():
            room = together(room, Room(plane=result))
        case BatchNorm() | Activate():
            room = together(room, Room(more=result))
        case LayerNorm():
            saved += result
            room = together(room, Room(more=result))
        case GlobalAvgPool() | Residual() | PreResidual():
            pass
    return _read(own, _use(operand, result, room, saved))


def _back(own: Load) -> Use:
    """Returns what a step takes on its way back, from the gradient by its result to that by its operand."""
    item, y, x = own.item, own.y, own.x
    operand, result = item * own.numbers_in, item * own.numbers_out
    pixel = result // (y.size_out * x.size_out)
    room = Room()
    match own.layer:
        case Conv() | Depthwise():
            room = scratch_back(own.product, own.activation == "relu")
        case Transposed():
            room = scratch_forward(own.product)
        case MaxPool():
            numbers = min(own.numbers_out, max(BLOCK // 4, own.numbers_out // max(y.size_out, 1)))
            masked = item * numbers if own.activation == "relu" else 0
            room = Room(padded(y, x, pixel), 8 * numbers, 4 * numbers, 4 * numbers, more=masked + 4 * numbers)
        case AvgPool():
            rows = result * (x.size_in + x.before + x.after) // max(x.size_out, 1)
            room = Room(operand=result, sums=rows, plane=padded(y, x, pixel))
        case Upsample():
            room = Room(plane=2 * result)
        case BatchNorm():
            room = Room(more=result)
        case LayerNorm():
            room = Room(sums=result, more=result)
        case Activate() | GlobalAvgPool() | Residual() | PreResidual():
            pass
    sloped = own.has_slope or (own.activation == "relu" and not takes_mask(own.layer))
    use = _use(result, operand, room)
    if sloped:
        use = use._replace(results=(result, operand), passing=use.passing + (result if result > MAX_KEPT else 0))
    return _read(own, use, is_back=True)


def _read(own: Load, use: Use, is_back: bool = False) -> Use:
    """Returns a use with a further result: the copy of what is read, or its gradient spread over the whole operand."""
    if own.scattered is None:
        return use
    rows, columns = own.scattered
    line = own.item * own.channels * own.n
    read = line * (rows * columns if is_back else own.y.size_in * own.x.size_in)
    results = (*use.results, read) if is_back else (read, *use.results)
    is_both = rows != own.y.size_in and columns != own.x.size_in
    room = together(use.room, Room(plane=line * own.y.size_in * columns if is_both else 0))
    return Use(results, room, use.passing + (read if read > MAX_KEPT else 0), use.saved)


def _pooled(own: Load) -> Room:
    """Returns the scratch memory of max pooling on its way forward.

    It holds columns split by phase, the largest numbers and their taps.
    """
    y, x, n, item = own.y, own.x, own.n, own.item
    channels = own.shape[3]
    line = (x.size_out + (x.kernel - 1) // x.stride) * channels * n * item
    phases = min(x.stride, x.kernel)
    rows = even_rows(y.size_out, phases * y.stride * line)
    read = (rows - 1) * y.stride + y.kernel
    tap = 1 if y.kernel * x.kernel < 128 else 4
    numbers = read * line // item
    return Room(phases * read * line, read * line, rows * line, tap * numbers, more=numbers * (1 + 2 * tap))
