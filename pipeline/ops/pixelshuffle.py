"""Pixel shuffle and its inverse: channels laid out as the pixels of a block, and back (Shi et al. 2016).

Arrays are [rows, channels, columns, n]; results go to the place of `buffer.room` that is named. With factors fy and fx,
channel (c fy + i) fx + j of the deep array at pixel (y, x) is channel c of the wide array at (y fy + i, x fx + j). For
each of the fy fx phases (i, j) that is one copy of every fy-th row and fx-th column, whichever way it goes.

A piece of the wide array begins `before` rows and columns behind the first of the block that it begins in, and either
array has a range of its channels only.
"""

from collections.abc import Iterator
from itertools import product

from pipeline.ops.bound import Bound, Calls
from pipeline.ops.buffer import Array, room
from pipeline.ops.passes import copy_call
from pipeline.stem import Axis


def to_pixels(deep: Array, shape: tuple[int, ...], y: Axis, across: Axis, first: int, place: int | None) -> Bound:
    """Returns the bound wide array of `shape` [rows', C', columns', n] from the deep one [rows, C, columns, n].

    Both are of one dtype. y, across: their strides are the factors, their `before` is that of the wide array. first:
    the number of the deep array's first channel, counted from that of the wide array's first block. What no channel of
    the deep array stands for is zero.
    """
    wide = room(place, shape, deep.dtype)
    calls: Calls = [] if wide.size == deep.size else [(wide.fill, (0,))]
    calls += [copy_call(pixels, channels) for pixels, channels in _phases(wide, deep, y, across, first)]
    return Bound(deep, wide, calls)


def to_channels(wide: Array, shape: tuple[int, ...], y: Axis, across: Axis, first: int, place: int | None) -> Bound:
    """Returns the bound deep array of `shape` [rows, C, columns, n] from the wide one [rows', C', columns', n].

    Both are of one dtype. It is the transpose of `to_pixels`; see there. What no pixel of the wide array stands for is
    zero.
    """
    deep = room(place, shape, wide.dtype)
    calls: Calls = [] if wide.size == deep.size else [(deep.fill, (0,))]
    calls += [copy_call(channels, pixels) for pixels, channels in _phases(wide, deep, y, across, first)]
    return Bound(wide, deep, calls)


def _phases(wide: Array, deep: Array, y: Axis, across: Axis, first: int) -> Iterator[tuple[Array, Array]]:
    """Yields, for each phase, views of its pixels in the wide array and of its channels in the deep one."""
    depth = y.stride * across.stride
    for number, (i, j) in enumerate(product(range(y.stride), range(across.stride))):
        skipped = (number - first) % depth
        channels = deep[:, skipped::depth]
        block = (first + skipped) // depth
        (rows, deep_rows), (columns, deep_columns) = (
            _met(phase, axis.before, axis.stride, size)
            for phase, axis, size in ((i, y, wide.shape[0]), (j, across, wide.shape[2]))
        )
        pixels = wide[rows, block : block + channels.shape[1], columns]
        channels = channels[deep_rows.start : deep_rows.start + pixels.shape[0]]
        channels = channels[:, :, deep_columns.start : deep_columns.start + pixels.shape[2]]
        if pixels.size:
            yield pixels, channels


def _met(phase: int, before: int, stride: int, size: int) -> tuple[slice, slice]:
    """Returns (every stride-th of `size` pixels that is of a phase, the blocks that these are in)."""
    block = max(-((phase - before) // stride), 0)
    return slice(block * stride + phase - before, size, stride), slice(block, None)
