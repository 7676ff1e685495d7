"""The cone of a unit: for each layer the piece of the plane it must read and make, and nothing more.

The network is walked back from the unit. Along an axis, outputs [a, b] of a convolution or a pool read the padded
pixels [a*s - before, b*s - before + (k-1)*d]; those that exist are handed over by the layer before, the rest is padding
of the piece itself. A unit that reads nothing but padding is handed the nearest pixel, which then lies outside its
window. Channels narrow as well: where one channel is read out, the layers before make only what that channel reads. So
does a kernel: taps that meet nothing but padding, in all outputs, are left out, and so a kernel far wider than its
plane costs what the plane asks for. A single output of a dilated kernel reads pixels that lie apart: it is handed these
alone, and its kernel is not dilated.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import msgspec

from pipeline.gradient.step import EVERYTHING, Range, Read, Step
from pipeline.gradient.ties import mark_ties
from pipeline.stem import (
    SMOOTH,
    Activation,
    Axis,
    Box,
    Convolution,
    GlobalAvgPool,
    Group,
    LayerNorm,
    MaxPool,
    Network,
    Node,
    Plane,
    Transposed,
    Upsample,
    feeding_taps,
    folded,
    network,
    read_taps,
    walk,
)


class Piece(msgspec.Struct, frozen=True):
    """A box of a plane and a range of its channels."""

    box: Box
    channels: Range


class Cone(msgspec.Struct, frozen=True):
    """The cone of one unit: the box of the input plane that it reads, the steps, and where its channels are.

    is_smooth: whether any of its activations is.
    """

    box: Box
    steps: tuple[Step, ...]
    features: Range
    is_smooth: bool


@lru_cache(maxsize=256)
def cone(stem: str, plane: Plane, unit: tuple[int, int], channel: int | None, repeated: bool = False) -> Cone:
    """Returns the cone of a unit of a stem on a plane, for one channel or for all (None).

    `repeated`: whether pixels of the input may be equal.
    """
    nodes = network(stem, plane)
    channels = (0, nodes[-1].output.channels) if channel is None else (channel, channel + 1)
    piece = Piece(Box(unit[0], unit[0] + 1, unit[1], unit[1] + 1), channels)
    steps, asked = _chain(nodes, piece)
    # The input has all its channels: the first step takes those that it reads.
    steps = (_reading_channels(steps[0], asked.channels, (0, plane.channels)), *steps[1:])
    is_smooth = any(step.node.activation in SMOOTH for step in walk(steps))
    return Cone(asked.box, mark_ties(steps, repeated), steps[-1].features, is_smooth)


def _chain(nodes: Network, piece: Piece) -> tuple[tuple[Step, ...], Piece]:
    """Returns the steps that compute a piece of the last node's plane, and the piece that the first of them reads."""
    steps: list[Step] = []
    for node in reversed(nodes):
        step, asked = _group(node, piece) if isinstance(node.layer, Group) else _step(node, piece)
        if steps:
            steps[-1] = _reading_channels(steps[-1], piece.channels, step.features)
        steps.append(step)
        piece = asked
    return pooled_first(reversed(steps)), piece


def pooled_first(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Returns the steps with each ReLU behind the max pooling that it stood before, where it rectifies fewer numbers.

    Both orders give the same to the bit. The largest pixel of a window is the same one where it is positive; where it
    is not, both give zero, and the gradient stops.
    """
    swapped: list[Step] = []
    for step in steps:
        if isinstance(step.node.layer, MaxPool) and swapped and swapped[-1].node.activation == "relu":
            swapped[-1] = _activated(swapped[-1], "linear")
            step = _activated(step, "relu")
        swapped.append(step)
    return tuple(swapped)


def _activated(step: Step, activation: Activation) -> Step:
    return msgspec.structs.replace(step, node=msgspec.structs.replace(step.node, activation=activation))


def _reading_channels(step: Step, wanted: Range, available: Range) -> Step:
    """Returns the step, reading the channels that it wants out of those that are available."""
    if wanted == available:
        return step
    channels = slice(wanted[0] - available[0], wanted[1] - available[0])
    return msgspec.structs.replace(step, read=msgspec.structs.replace(step.read, channels=channels))


def _step(node: Node, piece: Piece) -> tuple[Step, Piece]:
    y = _restricted(node, node.y, piece.box.top, piece.box.bottom - 1)
    x = _restricted(node, node.x, piece.box.left, piece.box.right - 1)
    features, channels, groups = _channels(node, piece.channels)
    step = Step(node, y.axis, x.axis, _read(None, y.pixels, x.pixels), features, (y.taps, x.taps), groups)
    return step, Piece(Box(y.first, y.last + 1, x.first, x.last + 1), channels)


class _Side(NamedTuple):
    """One axis of a node, restricted to some of its outputs.

    first, last: the pixels that it is handed, and `axis` its geometry on them. taps: those of the kernel that are used,
    half-open. pixels: the pixels that are read, counted from `first`, where some are read twice or left out.
    """

    axis: Axis
    first: int
    last: int
    taps: Range
    pixels: tuple[int, ...] | None = None


def _restricted(node: Node, axis: Axis, a: int, b: int) -> _Side:
    """Returns what outputs a to b, both included, need of one axis of a node."""
    count, last, everything = b - a + 1, axis.size_in - 1, (0, axis.kernel)
    if isinstance(node.layer, GlobalAvgPool):
        return _Side(axis, 0, last, everything)
    if isinstance(node.layer, Upsample):
        first, stop = a // axis.stride, b // axis.stride
        before = a - first * axis.stride
        size = stop - first + 1
        after = size * axis.stride - before - count
        return _Side(Axis(size, count, axis.kernel, axis.stride, 1, before, after), first, stop, everything)
    if isinstance(node.layer, Transposed):
        taps = feeding_taps(axis, a, b) or range(axis.kernel)
        reach, before = (len(taps) - 1) * axis.dilation, axis.before - taps.start * axis.dilation
        first = min(max(-((reach - a - before) // axis.stride), 0), last)
        stop = max(min((b + before) // axis.stride, last), first)
        before += a - first * axis.stride
        after = (stop - first) * axis.stride + reach + 1 - before - count
        line = Axis(stop - first + 1, count, len(taps), axis.stride, axis.dilation, before, after)
        return _Side(line, first, stop, (taps.start, taps.stop))
    taps = range(axis.kernel)
    if isinstance(node.layer, Convolution) and node.padding_mode == "zeros":
        taps = read_taps(axis, a, b, 0, last) or taps
    first = a * axis.stride - axis.before + taps.start * axis.dilation
    stop = b * axis.stride - axis.before + (taps.stop - 1) * axis.dilation
    used = taps.start, taps.stop
    if node.padding_mode != "zeros" and (first < 0 or stop > last):
        sources = folded(node.padding_mode, first, stop, axis.size_in)
        low, high = min(sources), max(sources)
        line = Axis(stop - first + 1, count, len(taps), axis.stride, axis.dilation)
        return _Side(line, low, high, used, tuple(source - low for source in sources))
    low, high = min(max(first, 0), last), min(max(stop, 0), last)
    if count == 1 and axis.dilation > 1 and (low, high) == (first, stop):
        return _Side(Axis(len(taps), 1, len(taps)), low, high, used, tuple(range(0, high - low + 1, axis.dilation)))
    piece = Axis(high - low + 1, count, len(taps), axis.stride, axis.dilation, low - first, stop - high)
    return _Side(piece, low, high, used)


def _channels(node: Node, wanted: Range) -> tuple[Range, Range, int]:
    """Returns (features computed, input channels read, groups among them) where `wanted` features are asked for."""
    everything = (0, node.input.channels)
    if isinstance(node.layer, LayerNorm):
        return everything, everything, 1
    if not isinstance(node.layer, Convolution):
        return wanted, wanted, 1
    inputs, outputs = node.input.channels // node.groups, node.output.channels // node.groups
    first, stop = wanted[0] // outputs, (wanted[1] - 1) // outputs + 1
    if stop - first > 1:  # several groups: whole ones only, so that they stay of one shape
        wanted = (first * outputs, stop * outputs)
    return wanted, (first * inputs, stop * inputs), stop - first


def _group(node: Node, piece: Piece) -> tuple[Step, Piece]:
    body, asked = _chain(node.body, piece)
    result = Piece(piece.box, body[-1].features)
    shortcut, beside = (None, result) if node.shortcut is None else _step(node.shortcut, result)
    read = _hull(asked, beside)
    body = (_reading(body[0], asked, read), *body[1:])
    if shortcut is not None:
        shortcut = _reading(shortcut, beside, read)
    identity = Axis(result.box.height, result.box.height, 1), Axis(result.box.width, result.box.width, 1)
    step = Step(node, *identity, EVERYTHING, result.channels, ((0, 1), (0, 1)), 1, body, shortcut, _cut(beside, read))
    return step, read


def _read(
    channels: slice | None, rows: slice | tuple[int, ...] | None, columns: slice | tuple[int, ...] | None
) -> Read:
    """Returns a Read, EVERYTHING itself where nothing is left out: it is recognised by identity."""
    return EVERYTHING if channels is rows is columns is None else Read(channels, rows, columns)


def _hull(one: Piece, other: Piece) -> Piece:
    box = Box(
        min(one.box.top, other.box.top),
        max(one.box.bottom, other.box.bottom),
        min(one.box.left, other.box.left),
        max(one.box.right, other.box.right),
    )
    return Piece(box, (min(one.channels[0], other.channels[0]), max(one.channels[1], other.channels[1])))


def _cut(piece: Piece, larger: Piece) -> Read:
    """Returns the part of an array that holds the `larger` piece which is `piece`."""
    box, whole = piece.box, larger.box
    rows = slice(box.top - whole.top, box.bottom - whole.top)
    columns = slice(box.left - whole.left, box.right - whole.left)
    channels = slice(piece.channels[0] - larger.channels[0], piece.channels[1] - larger.channels[0])
    return _read(
        None if piece.channels == larger.channels else channels,
        None if box.height == whole.height else rows,
        None if box.width == whole.width else columns,
    )


def _reading(step: Step, piece: Piece, larger: Piece) -> Step:
    """Returns the step, reading its piece out of a larger one; pixels that it repeats are counted from there."""
    cut = _cut(piece, larger)
    box, whole = piece.box, larger.box
    rows = _shifted(step.read.rows, box.top - whole.top) or cut.rows
    columns = _shifted(step.read.columns, box.left - whole.left) or cut.columns
    return msgspec.structs.replace(step, read=_read(cut.channels, rows, columns))


def _shifted(pixels: slice | tuple[int, ...] | None, by: int) -> tuple[int, ...] | None:
    return tuple(pixel + by for pixel in pixels) if isinstance(pixels, tuple) else None
