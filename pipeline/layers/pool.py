"""Max, average and global average pooling."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.layers.array import Array
from pipeline.layers.bound import Calls, perform
from pipeline.layers.buffer import empty
from pipeline.layers.lines import items
from pipeline.layers.refold import refold
from pipeline.layers.span import placed
from pipeline.network import Axis


def _padded(x: Array, y: Axis, across: Axis, value: float) -> Array:
    _, channels, _, n = x.shape
    if not (y.before or y.after or across.before or across.after):
        return x
    padded = np.full(
        (y.size_in + y.before + y.after, channels, across.size_in + across.before + across.after, n), value, x.dtype
    )
    (rows, source_rows), (columns, source_columns) = placed(y), placed(across)
    padded[rows, :, columns] = x[source_rows, :, source_columns]
    return padded


def _unpadded(g: Array, y: Axis, across: Axis) -> Array:
    if not (y.before or y.after or across.before or across.after):
        return g
    (rows, source_rows), (columns, source_columns) = placed(y), placed(across)
    cut = np.zeros((y.size_in, g.shape[1], across.size_in, g.shape[3]), g.dtype)
    cut[source_rows, :, source_columns] = g[rows, :, columns]
    return cut


def _taps(axis: Axis) -> list[slice]:
    """Where each tap of the window stands in the padded line, for all outputs."""
    return [slice(i, i + (axis.size_out - 1) * axis.stride + 1, axis.stride) for i in range(axis.kernel)]


class Places(NamedTuple):
    """Which tap was the largest: `row` of the column that is [rows', C, columns', n], `column` [padded rows, ...]."""

    row: npt.NDArray[np.integer[Any]]
    column: npt.NDArray[np.integer[Any]]


def max_forward(x: Array, y: Axis, across: Axis) -> tuple[Array, Places]:
    """The largest of each window and its place, the first of ties in row-major order; pads with -inf.

    The largest of each row's window first, then of those. A NaN is passed on. Windows are copied, tap by tap, before
    they are compared: NumPy computes on strided pixels a few numbers at a time.
    """
    padded = items(_padded(x, y, across, -np.inf))
    shape = len(padded), x.shape[1], across.size_out, x.shape[3]
    value = empty(shape, x.dtype)

    def windows() -> Iterator[Array]:
        for columns in _taps(across):
            items(value)[...] = padded[:, :, columns]
            yield value

    widest, column = _largest(windows(), shape, across.kernel, x.dtype)
    rows = (widest[rows] for rows in _taps(y))
    largest, row = _largest(rows, (y.size_out, *shape[1:]), y.kernel, x.dtype)
    return largest, Places(row, column)


def _largest(
    taps: Iterator[Array], shape: tuple[int, ...], count: int, dtype: np.dtype[Any]
) -> tuple[Array, npt.NDArray[np.integer[Any]]]:
    """(the largest of `count` taps, the number of the first that is)."""
    largest = empty(shape, dtype)
    place = np.zeros(shape, np.uint8 if count <= 256 else np.int32)
    here, larger = np.empty_like(place), np.empty(shape, np.bool_)
    for number, value in enumerate(taps):
        if number == 0:
            np.copyto(largest, value)
            continue
        np.greater(value, largest, out=larger)
        np.multiply(larger, place.dtype.type(number), out=here)
        np.maximum(place, here, out=place)
        np.maximum(largest, value, out=largest)
    return largest, place


def max_vjp(g: Array, places: Places, y: Axis, across: Axis) -> Array:
    """The gradient by x: each output's goes to the pixel that was the largest."""
    wide = empty((y.size_in + y.before + y.after, *g.shape[1:]), g.dtype)
    wide.fill(0)
    for number, rows in enumerate(_taps(y)):
        wide[rows] += g * (places.row == number)
    there, source = placed(y)
    wide, column = wide[there], places.column[there]
    made = empty((y.size_in, g.shape[1], across.size_in, g.shape[3]), g.dtype)
    if across.stride == 1 or source != slice(0, y.size_in):  # else every pixel is put in its place
        made.fill(0)
    share, here = empty(wide.shape, g.dtype), np.empty(wide.shape, np.bool_)
    calls: Calls = []

    def shares() -> Iterator[Array]:
        for number in range(across.kernel):
            calls.append((np.equal, (column, number, here)))
            calls.append((np.multiply, (wide, here, share)))
            yield share

    refold(calls, shares(), across, made[source])
    perform(calls)
    return made


def average_forward(x: Array, y: Axis, across: Axis) -> Array:
    """The mean of each window; pads zeros and counts them."""
    padded = _padded(x, y, across, 0.0)
    rows = np.zeros((y.size_out, *padded.shape[1:]), x.dtype)
    for taps in _taps(y):
        rows += padded[taps]
    made = np.zeros((y.size_out, x.shape[1], across.size_out, x.shape[3]), x.dtype)
    for taps in _taps(across):
        made += rows[:, :, taps]
    made /= y.kernel * across.kernel
    return made


def average_vjp(g: Array, y: Axis, across: Axis) -> Array:
    """The gradient by x: each output's spread evenly over its window."""
    height, width = y.size_in + y.before + y.after, across.size_in + across.before + across.after
    rows = np.zeros((y.size_out, g.shape[1], width, g.shape[3]), g.dtype)
    share = g / g.dtype.type(y.kernel * across.kernel)
    for taps in _taps(across):
        rows[:, :, taps] += share
    padded = np.zeros((height, g.shape[1], width, g.shape[3]), g.dtype)
    for taps in _taps(y):
        padded[taps] += rows
    return _unpadded(padded, y, across)


def global_forward(x: Array) -> Array:
    """The mean over the plane, as a 1x1 plane."""
    mean: Array = x.mean(axis=(0, 2), keepdims=True)
    return mean


def global_vjp(g: Array, y: Axis, across: Axis) -> Array:
    """The gradient by x: the output's spread evenly over the plane."""
    share = g / g.dtype.type(y.size_in * across.size_in)
    return np.broadcast_to(share, (y.size_in, g.shape[1], across.size_in, g.shape[3]))
