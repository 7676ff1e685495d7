"""The footprint of a config: the bytes that measuring it takes at the peak, from its cone alone.

A block of probes goes forward and back through the steps. What is alive at the peak is added up as it is allocated:

- the probes, of the whole plane too where they are made for it, and the weights as they are drawn and multiplied;
- of every step what its VJP needs: a mask or the slope of its activation, the places of a max pooling;
- of all steps the places where results and scratch memory lie, each as large as any step made it, as each stays with
  the thread for the next step; of one step, in one direction, what is too large to stay;
- behind the last step the gradient by the input, and its magnitude in float64.
"""

import itertools
from collections.abc import Iterator
from math import prod
from typing import NamedTuple

from pipeline.config import Probes
from pipeline.gradient.cone import Cone
from pipeline.gradient.load import Load
from pipeline.gradient.scratch import Room, padded, scratch_back, scratch_forward, together
from pipeline.gradient.step import Step
from pipeline.limits import LARGEST_KEPT
from pipeline.ops.span import BLOCK, even_rows
from pipeline.stem import (
    Activate,
    AdaptiveAvgPool,
    Add,
    Affine,
    AvgPool,
    BatchNorm,
    Bilinear,
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
    Network,
    Plane,
    PReLU,
    PreResidual,
    Residual,
    Transposed,
    Upsample,
    only_moves,
)

_BYTES_PER_STEP = 40_000
"""Bytes of the views that a step is bound to, both ways."""


class Use(NamedTuple):
    """Bytes of a step in one direction, besides its operands and its result.

    room: its scratch memory by place. passing: that of it which is too large to be kept. saved: what stays for its VJP.
    """

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
    there, back = (use._replace(room=Room._make(map(_kept, use.room))) for use in (_forward(own), _back(own)))
    return Uses(there, back, together(there.room, back.room))


def _kept(size: int) -> int:
    """Returns the bytes of the block kept for so many, rounded up by an eighth at most; 0 beyond LARGEST_KEPT."""
    if not size:
        return 0  # as most places of most steps are
    eighth: int = 2 ** max(size.bit_length() - 4, 0)
    return -(-size // eighth) * eighth if size <= LARGEST_KEPT else 0


def peak(cone: Cone, n: int, item: int, steps: list[Uses]) -> int:
    """Returns the bytes that a block of `n` probes takes at the peak, without the weights.

    item: bytes of a number, 4 or 8. steps: what each step of the cone takes, for so many probes. What is small is kept
    for the next step: in each place of results, and in each place of the scratch memory, the largest that any step
    asked for. What is not is there while it is needed.
    """
    channels = cone.steps[0].node.input.channels
    pixels = cone.box.height * cone.box.width * channels * n
    probes = 4 * pixels + (item * pixels if item == 8 else 0)
    places = _places(cone.steps, n * item)
    results: Iterator[int] = itertools.repeat(0)
    gradients: Iterator[int] = itertools.repeat(0)
    if max(places.values()) > LARGEST_KEPT:
        results, gradients = _results_alive(cone.steps, n * item), _gradients_alive(cone.steps, n * item)
    saved = highest = 0
    for (there, _, _), passing in zip(steps, results, strict=False):
        saved += there.saved
        highest = max(highest, saved + there.passing + passing)
    for (_, back, _), passing in zip(reversed(steps), gradients, strict=False):
        highest = max(highest, saved + back.passing + passing)
    kept = sum(map(_kept, places.values())) + sum(together(*(room for _, _, room in steps)))
    gradient = (8 + item // 4) * pixels + (item * pixels if item * pixels > LARGEST_KEPT else 0)
    drawing = (2 * 4 + 4 // channels) * pixels
    return max(drawing, probes + kept + max(highest, saved + gradient)) + _BYTES_PER_STEP * len(steps)


def _places(steps: tuple[Step, ...], unit: int) -> dict[int, int]:
    """Returns the bytes of each place of results and gradients: those of the largest that lies there.

    unit: bytes of a number of all probes.
    """
    found: dict[int, int] = {}
    for step in steps:
        shape = step.shape
        arrays = [(step.place, shape), (step.sloped, shape)]
        for source in step.sources:
            arrays += ((source.copied, source.shape), (source.gradient, source.shape), (source.spread, source.whole))
        for place, (rows, channels, columns) in arrays:
            if place is not None:
                size = unit * rows * channels * columns
                if size > found.get(place, 0):
                    found[place] = size
    return found


def _results_alive(steps: tuple[Step, ...], unit: int) -> Iterator[int]:
    """Yields the bytes of the results and copies that are alive while each step runs, of those too large to be kept."""
    alive: dict[int, int] = {}
    for number, step in enumerate(steps):
        alive[number] = _passing(step.shape, unit)
        copies = sum(_passing(source.shape, unit) for source in step.sources if source.copied is not None)
        yield sum(alive.values()) + copies
        for ended in step.ended:
            del alive[ended]


def _gradients_alive(steps: tuple[Step, ...], unit: int) -> Iterator[int]:
    """Yields the bytes of the gradients that are alive while each step runs, of those too large to be kept.

    The steps are those of the way back. A gradient that is handed on as it is counts once, however many hold it.
    """
    alive: dict[int, list[tuple[object, int]]] = {len(steps) - 1: [(object(), 0)]}
    for number in reversed(range(len(steps))):
        step, (own, *others) = steps[number], alive.pop(number)
        most = _sizes([own, *others], *alive.values())
        if step.sloped is not None:
            sloped = object(), _passing(step.shape, unit)
            most, own = max(most, _sizes([own, sloped], *alive.values())), sloped
        for source in step.sources:
            part = own if source.gradient is None else (object(), _passing(source.shape, unit))
            spread = part if source.spread is None else (object(), _passing(source.whole, unit))
            most = max(most, _sizes([own, part, spread], *alive.values()))
            alive.setdefault(source.step, []).insert(0 if source.is_base else len(alive[source.step]), spread)
        yield most


def _sizes(*several: list[tuple[object, int]]) -> int:
    """Returns the bytes of some arrays, each counted once."""
    return sum(dict(itertools.chain(*several)).values())


def _passing(shape: tuple[int, ...], unit: int) -> int:
    """Returns the bytes of an array that is too large to be kept; 0 for one that is kept in its place."""
    size: int = unit * prod(shape)
    return size if size > LARGEST_KEPT else 0


def stored(nodes: Network) -> int:
    """Returns the bytes of a file with the weights of a whole network, as float32."""
    return sum(4 * prod(node.weight_shape) for node in nodes if isinstance(node.layer, Convolution))


def whole_probes(probes: Probes, plane: Plane, block: int, content: int) -> tuple[int, int]:
    """Returns (bytes kept, bytes at most while they are made) of probes that are made for the whole plane.

    That is two blocks of images, or all probes of a file or of the original's stream; random ones are drawn inside the
    cone, and have neither. content: bytes of the file, or of the images packed. See `pipeline.draws`.
    """
    numbers, count = plane.height * plane.width * plane.channels, len(probes.span)
    match probes.kind:
        case "images":
            size, blocks = 4 * block * numbers, -(-count // block)
            return content + min(blocks, 2) * size, content + (min(blocks - 1, 2) + 2) * size  # scaled, then moved
        case "file":
            return content, 3 * content  # the file, what is read of it, and its array
        case "neural_api":
            return 4 * count * numbers, 24 * count * numbers  # three arrays of 8 bytes a number
        case _:
            return 0, 0


def weights(cone: Cone, item: int, stored: int = 0) -> int:
    """Returns the bytes of the weights: as drawn, as cut out of these, and as one step multiplies them.

    stored: bytes of a file that they are read from, which holds those of other layers too; 0 if they are drawn.
    """
    drawn = cut = largest = 0
    for step in cone.steps:
        if isinstance(step.node.layer, Convolution):
            whole, own = prod(step.node.weight_shape), prod(step.weight_shape)
            drawn += 4 * whole
            cut += item * own if own < whole or item != 4 else 0
            exchanged = isinstance(step.node.layer, Transposed)  # its channels and features change places in a copy
            largest = max(largest, item * own * (2 if exchanged else 1))
    return max(drawn, stored) + cut + largest


def _use(room: Room, saved: int = 0) -> Use:
    return Use(room, sum(size for size in room if size > LARGEST_KEPT), saved)


def _forward(own: Load) -> Use:
    """Returns what a step takes on its way forward. Raises TypeError for a layer that has no use here."""
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
        case BatchNorm() | Affine() | Activate():
            room = together(room, Room(more=result))
        case LayerNorm() | GroupNorm() | InstanceNorm():
            wide = own.numbers_in * own.normalised_item
            saved += wide
            room = together(room, Room(more=wide))
        case LocalResponseNorm():
            saved += operand + 2 * result
            room = together(room, Room(sums=operand))
        case PReLU():
            saved += result // item
            room = together(room, Room(sums=result))
        case Mul():
            saved += operand
        case Bilinear() | AdaptiveAvgPool():
            room = together(room, _resampled(own))
        case GlobalAvgPool():
            room = together(room, Room(sums=operand // y.size_in))
        case Add() | Cat() | Residual() | PreResidual():
            pass
        case layer if only_moves(layer):
            pass
        case layer:
            raise TypeError(f"{type(layer).__name__} has no footprint; give it one here")
    return _use(together(room, _scattering(own)), saved)


def _back(own: Load) -> Use:
    """Returns what a step takes on its way back, from the gradient by its result to that by its operands.

    Raises TypeError for a layer that has no use here.
    """
    item, y, x = own.item, own.y, own.x
    result = item * own.numbers_out
    pixel = result // (y.size_out * x.size_out)
    room = Room()
    match own.layer:
        case Conv() | Depthwise():
            room = scratch_back(own.product, own.is_masked)
        case Transposed():
            room = scratch_forward(own.product)
        case MaxPool():
            numbers = min(own.numbers_out, max(BLOCK // 4, own.numbers_out // max(y.size_out, 1)))
            masked = item * numbers if own.is_masked else 0
            room = Room(padded(y, x, pixel), 8 * numbers, 4 * numbers, 4 * numbers, more=masked + 4 * numbers)
        case AvgPool():
            rows = result * (x.size_in + x.before + x.after) // max(x.size_out, 1)
            room = Room(operand=result, sums=rows, plane=padded(y, x, pixel))
        case Upsample():
            room = Room(plane=2 * result)
        case BatchNorm() | Affine():
            room = Room(more=result)
        case LayerNorm() | GroupNorm() | InstanceNorm():
            wide = own.normalised_item
            made, asked = own.numbers_in * wide, own.numbers_out * wide
            room = Room(operand=0 if wide == item else made, product=asked, sums=asked, more=made)
        case LocalResponseNorm():
            room = Room(sums=result)
        case Mul():
            room = Room(product=result)
        case Bilinear() | AdaptiveAvgPool():
            room = _resampled(own)
        case GlobalAvgPool():
            room = Room(operand=result)
        case PReLU():
            room = Room(sums=result)
        case Activate() | Add() | Cat() | Residual() | PreResidual():
            pass
        case layer if only_moves(layer):
            pass
        case layer:
            raise TypeError(f"{type(layer).__name__} has no footprint; give it one here")
    return _use(together(room, _scattering(own)))


def _scattering(own: Load) -> Room:
    """Returns the room of a copy of listed pixels, or of its transpose: what lies between its rows and columns."""
    if own.scattered is None:
        return Room()
    rows, columns = own.scattered
    is_both = rows != own.y.size_in and columns != own.x.size_in
    return Room(plane=own.item * own.channels * own.n * own.y.size_in * columns if is_both else 0)


def _resampled(own: Load) -> Room:
    """Returns the room of two products with matrices: what lies between them, and a copy of an operand in pieces."""
    line, y, x = own.item * own.channels * own.n, own.y, own.x
    between = max(y.size_in * x.size_out, y.size_out * x.size_in)
    return Room(operand=line * max(y.size_in * x.size_in, y.size_out * x.size_out), product=line * between)


def _pooled(own: Load) -> Room:
    """Returns the scratch memory of max pooling on its way forward.

    It holds columns split by phase, the largest numbers and their taps.
    """
    y, x, n, item = own.y, own.x, own.n, own.item
    channels = own.shape[3]
    line = (x.size_out + (x.kernel - 1) * x.dilation // x.stride) * channels * n * item
    phases = min(x.stride, (x.kernel - 1) * x.dilation + 1)
    rows = even_rows(y.size_out, phases * y.stride * line)
    read = (rows - 1) * y.stride + (y.kernel - 1) * y.dilation + 1
    tap = 1 if y.kernel * x.kernel < 128 else 4
    numbers = read * line // item
    return Room(phases * read * line, read * line, rows * line, tap * numbers, more=numbers * (1 + 2 * tap))
