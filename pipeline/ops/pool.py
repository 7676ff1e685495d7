"""Average and global average pooling.

Arrays are [rows, channels, columns, n]; results go to the place of a number; see `buffer.room`.

The sum over a window is divided by the number of pixels that count, which is that along y times that across. Where
padding counts, these are all pixels of the window but those beyond the padding, over which only ceil mode lets it hang;
where it does not, they are those of the plane.
"""

from typing import NamedTuple

import numpy as np

from pipeline.ops.bound import Bound, Calls
from pipeline.ops.buffer import Array, Place, room, scalar, scratch
from pipeline.ops.planes import copy_inside, is_padded, padded_copy, padded_room
from pipeline.ops.span import padded_taps
from pipeline.stem import Axis


class Counts(NamedTuple):
    """How many pixels of the window of each row, and of each column, of the result count."""

    rows: tuple[int, ...]
    columns: tuple[int, ...]


def average_forward(x: Array, y: Axis, across: Axis, counted: Counts | None = None, place: int | None = None) -> Bound:
    """Returns the bound mean of each window of x [rows, C, columns, n], among zeros.

    The result is [rows', C, columns', n], of the dtype of x. counted: what its windows count, all of them where it is
    None.
    """
    calls: Calls = []
    padded = padded_copy(calls, Place.PLANE, x, y, across) if is_padded(y, across) else x
    rows = scratch(Place.SUMS, (y.size_out, *padded.shape[1:]), x.dtype)
    out = room(place, (y.size_out, x.shape[1], across.size_out, x.shape[3]), x.dtype)
    calls.append((rows.fill, (0,)))
    calls += [(np.add, (rows, padded[taps], rows)) for taps in padded_taps(y, y.size_out)]
    calls.append((out.fill, (0,)))
    calls += [(np.add, (out, rows[:, :, taps], out)) for taps in padded_taps(across, across.size_out)]
    calls.append((np.divide, (out, _divisor(y, across, counted, x), out)))
    return Bound(x, out, calls)


def _divisor(y: Axis, across: Axis, counted: Counts | None, x: Array) -> Array:
    """Returns what each window's sum is divided by, of the dtype of x: [()] or [rows', 1, columns', 1]."""
    whole = y.kernel * across.kernel
    if counted is None or min(counted.rows) * min(counted.columns) == whole:
        return scalar(whole, x.dtype)
    sizes: Array = np.multiply.outer(counted.rows, counted.columns).astype(x.dtype)
    return sizes[:, None, :, None]


def average_vjp(g: Array, y: Axis, across: Axis, counted: Counts | None = None, place: int | None = None) -> Bound:
    """Returns the bound gradient by x [rows, C, columns, n]: each number of g is spread evenly over its window.

    g: float32 or float64 [rows', C, columns', n]. counted: see `average_forward`.
    """
    out = room(place, (y.size_in, g.shape[1], across.size_in, g.shape[3]), g.dtype)
    padded = padded_room(Place.PLANE, g, y, across) if is_padded(y, across) else out
    rows = scratch(Place.SUMS, (y.size_out, *padded.shape[1:]), g.dtype)
    share = scratch(Place.OPERAND, g.shape, g.dtype)
    calls: Calls = [
        (np.divide, (g, _divisor(y, across, counted, g), share)),
        (rows.fill, (0,)),
        (padded.fill, (0,)),
    ]
    for taps in padded_taps(across, across.size_out):
        calls.append((np.add, (rows[:, :, taps], share, rows[:, :, taps])))
    for taps in padded_taps(y, y.size_out):
        calls.append((np.add, (padded[taps], rows, padded[taps])))
    if padded is not out:
        copy_inside(calls, padded, y, across, out)
    return Bound(g, out, calls)


def global_forward(x: Array, place: int | None = None) -> Bound:
    """Returns the bound mean over the plane of x [rows, C, columns, n]: [1, C, 1, n], of the dtype of x.

    Rows are added up first: a sum over both axes at once runs along the n probes alone, which may be few.
    """
    rows, channels, columns, n = x.shape
    total = scratch(Place.SUMS, (1, channels, columns, n), x.dtype)
    out = room(place, (1, channels, 1, n), x.dtype)
    calls: Calls = [
        (np.add.reduce, (x, 0, None, total, True)),
        (np.add.reduce, (total, 2, None, out, True)),
        (np.divide, (out, scalar(rows * columns, x.dtype), out)),
    ]
    return Bound(x, out, calls)


def global_vjp(g: Array, y: Axis, across: Axis, place: int | None = None) -> Bound:
    """Returns the bound gradient by x [rows, C, columns, n]: g [1, C, 1, n] spread evenly, of its dtype."""
    out = room(place, (y.size_in, g.shape[1], across.size_in, g.shape[3]), g.dtype)
    share = scratch(Place.OPERAND, g.shape, g.dtype)
    divided = np.divide, (g, scalar(y.size_in * across.size_in, g.dtype), share)
    return Bound(g, out, [divided, (np.copyto, (out, share))])
