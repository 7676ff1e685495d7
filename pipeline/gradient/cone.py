"""The cone of a unit: for each node of the network the piece of its plane that the unit needs, and nothing more.

The nodes are walked back from the unit. Each is asked for the hull of what the nodes behind it read, and asks those
before it for what it reads itself; a node that nobody asks makes no step, and what several nodes read is made once.
Along an axis, outputs [a, b] of a convolution or a pool read the padded pixels [a*s - before, b*s - before + (k-1)*d];
those that exist are handed over by the node before, the rest is padding of the piece itself. A unit that reads nothing
but padding is handed the nearest pixel, which then lies outside its window. Channels narrow as well: where one channel
is read out, the layers before make only what that channel reads. So does a kernel: taps that meet nothing but padding,
in all outputs, are left out, and so a kernel far wider than its plane costs what the plane asks for. A single output of
a dilated kernel reads pixels that lie apart: it is handed these alone, and its kernel is not dilated.
"""

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

import msgspec
from msgspec.structs import replace

from pipeline.gradient.places import placed
from pipeline.gradient.restriction import Side, restricted
from pipeline.gradient.step import EVERYTHING, Range, Read, Source, Step
from pipeline.gradient.ties import mark_ties
from pipeline.stem import (
    INPUT,
    SMOOTH,
    Activation,
    Box,
    Convolution,
    GroupNorm,
    LayerNorm,
    MaxPool,
    Node,
    Plane,
    channel_range,
    channels_read,
    curve,
    network,
)


class Piece(msgspec.Struct, frozen=True):
    """A box of a plane and a range of its channels."""

    box: Box
    channels: Range


class Cone(msgspec.Struct, frozen=True):
    """The cone of one unit: the box of the input plane that it reads, the steps, and where its channels are.

    The steps are in running order; the last one makes the unit. is_smooth: whether any of its activations is.
    """

    box: Box
    steps: tuple[Step, ...]
    features: Range
    is_smooth: bool


@lru_cache(maxsize=256)
def cone(
    stem: str,
    plane: Plane,
    unit: tuple[int, int],
    channel: int | None,
    repeated: bool = False,
    layer: int | None = None,
) -> Cone:
    """Returns the cone of a unit of a layer (None: the last) of a stem on a plane, for one channel or for all (None).

    `repeated`: whether pixels of the input may be equal.
    """
    nodes = network(stem, plane, layer)
    channels = (0, nodes[-1].output.channels) if channel is None else (channel, channel + 1)
    asked = {nodes[-1].index: Piece(Box(unit[0], unit[0] + 1, unit[1], unit[1] + 1), channels)}
    cuts: list[_Cut] = []
    for node in reversed(nodes):
        if node.index in asked:
            cuts.append(_cut(node, asked[node.index]))
            for operand in cuts[-1].operands:
                other = asked.get(operand.node)
                asked[operand.node] = operand.piece if other is None else _hull(operand.piece, other)
    box = asked[INPUT].box
    # The input has all its channels: the steps that read it take those that they read.
    steps = pooled_first(_steps(reversed(cuts), Piece(box, (0, plane.channels))))
    is_smooth = any(curve(step.node.activation).name in SMOOTH for step in steps)
    return Cone(box, placed(mark_ties(steps, repeated)), steps[-1].features, is_smooth)


class _Operand(msgspec.Struct, frozen=True):
    """What a node reads of one of its inputs: of which node, the piece, and the pixels of it where these are listed."""

    node: int
    slot: int
    piece: Piece
    pixels: tuple[tuple[int, ...] | None, tuple[int, ...] | None] = (None, None)


class _Cut(msgspec.Struct, frozen=True):
    """A node that makes a piece of its plane, and its operands."""

    node: Node
    made: Piece
    y: Side
    x: Side
    operands: tuple[_Operand, ...]
    groups: int


def _cut(node: Node, asked: Piece) -> _Cut:
    """Returns what a node must read, and make, where a piece of its plane is asked for."""
    box = asked.box
    y = restricted(node, node.y, box.top, box.bottom - 1)
    x = restricted(node, node.x, box.left, box.right - 1)
    features, groups = _features(node, asked.channels)
    wanted = (1 << features[1]) - (1 << features[0])
    operands = []
    for slot, (index, plane) in enumerate(zip(node.inputs, node.planes, strict=True)):
        channels = channels_read(node, slot, wanted)
        if not channels:
            continue
        read = Box(y.first, y.last + 1, x.first, x.last + 1)
        if node.geometry == "join" and (plane.height, plane.width) == (1, 1):  # a single pixel counts for all
            read = Box(0, 1, 0, 1)
        operands.append(_Operand(index, slot, Piece(read, channel_range(channels)), (y.pixels, x.pixels)))
    return _Cut(node, Piece(box, features), y, x, tuple(operands), groups)


def _features(node: Node, wanted: Range) -> tuple[Range, int]:
    """Returns (features that a node makes, groups among them) where `wanted` ones are asked for."""
    if isinstance(node.layer, LayerNorm):
        return (0, node.output.channels), 1
    if isinstance(node.layer, GroupNorm):
        groups = node.layer.groups
    elif isinstance(node.layer, Convolution):
        groups = node.groups
    else:
        return wanted, 1
    outputs = node.output.channels // groups
    first, stop = wanted[0] // outputs, (wanted[1] - 1) // outputs + 1
    if stop - first > 1 or isinstance(node.layer, GroupNorm):  # whole groups only, so that they stay of one shape
        wanted = (first * outputs, stop * outputs)
    return wanted, stop - first


def _steps(cuts: Iterable[_Cut], given: Piece) -> tuple[Step, ...]:
    """Returns the steps of cuts in running order; `given` is the input piece."""
    numbers, pieces = {INPUT: INPUT}, {INPUT: given}
    steps: list[Step] = []
    for cut in cuts:
        sources = tuple(_source(one, numbers[one.node], pieces[one.node]) for one in cut.operands)
        box, features = cut.made.box, cut.made.channels
        taps = cut.y.taps, cut.x.taps
        steps.append(Step(cut.node, cut.y.axis, cut.x.axis, sources, box, features, taps, cut.groups))
        numbers[cut.node.index], pieces[cut.node.index] = len(steps) - 1, cut.made
    return tuple(steps)


def _source(operand: _Operand, step: int, larger: Piece) -> Source:
    """Returns the operand as a part of the larger piece that the step of this number makes."""
    piece, (listed_rows, listed_columns) = operand.piece, operand.pixels
    box, whole = piece.box, larger.box
    of_whole = whole.height, larger.channels[1] - larger.channels[0], whole.width
    if listed_rows is listed_columns is None and piece == larger:
        return Source(step, operand.slot, EVERYTHING, piece.channels, of_whole, of_whole)
    read = Read(
        _slice(piece.channels, larger.channels),
        _pixels(listed_rows, (box.top, box.bottom), (whole.top, whole.bottom)),
        _pixels(listed_columns, (box.left, box.right), (whole.left, whole.right)),
    )
    height = box.height if listed_rows is None else len(listed_rows)
    width = box.width if listed_columns is None else len(listed_columns)
    shape = height, piece.channels[1] - piece.channels[0], width
    return Source(step, operand.slot, read, piece.channels, shape, of_whole)


def _pixels(listed: tuple[int, ...] | None, part: Range, whole: Range) -> slice | tuple[int, ...] | None:
    """Returns which pixels of a larger line are read, where `part` of it is, or the pixels of it that are listed."""
    return _slice(part, whole) if listed is None else tuple(part[0] - whole[0] + pixel for pixel in listed)


def _slice(part: Range, whole: Range) -> slice | None:
    return None if part == whole else slice(part[0] - whole[0], part[1] - whole[0])


def _hull(one: Piece, other: Piece) -> Piece:
    box = Box(
        min(one.box.top, other.box.top),
        max(one.box.bottom, other.box.bottom),
        min(one.box.left, other.box.left),
        max(one.box.right, other.box.right),
    )
    return Piece(box, (min(one.channels[0], other.channels[0]), max(one.channels[1], other.channels[1])))


def pooled_first(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Returns the steps with each ReLU behind the max pooling that it stood before, where it rectifies fewer numbers.

    So it is where nothing else reads what was rectified. Both orders give the same to the bit. The largest pixel of a
    window is the same one where it is positive; where it is not, both give zero, and the gradient stops.
    """
    readers = Counter(source.step for step in steps for source in step.sources)
    swapped: list[Step] = []
    for step in steps:
        before = step.sources[0].step
        if (
            isinstance(step.node.layer, MaxPool)
            and before != INPUT
            and readers[before] == 1
            and swapped[before].node.activation == "relu"
        ):
            swapped[before] = _activated(swapped[before], "linear")
            step = _activated(step, "relu")
        swapped.append(step)
    return tuple(swapped)


def _activated(step: Step, activation: Activation) -> Step:
    return replace(step, node=replace(step.node, activation=activation))
