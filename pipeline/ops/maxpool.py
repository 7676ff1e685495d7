"""Max pooling: the largest of each window, and the way back to where it stood.

The largest of each row's window is found first, then the largest of those: k + k comparisons for k * k pixels. Columns
are taken apart by phase of the stride s, so that what tap j reads for all windows of all lines is one piece of memory,
phase j d mod s from column j d // s on, with d the dilation. Lines thus go on for (k - 1) d // s columns behind the
last window; what is there is not handed on. Taps are numbered row by row, so that of two numbers that of the later tap
is the larger one:

    number = max(number, number of the tap where it is larger than all before it, else 0)

On the way back each output is added to the pixel that it came from. The number of that pixel is that of the first one
of its window, which is planned, and what its row and its column add. Rows are taken in blocks, so that what is between
the two arrays stays in the cache.
"""

from collections.abc import Sequence
from functools import lru_cache, partial, reduce
from math import prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.ops.bound import Bound, Calls
from pipeline.ops.buffer import Array, Place, room, scalar, scratch
from pipeline.ops.lines import pixels
from pipeline.ops.passes import copy_call, fill_calls, mask_calls
from pipeline.ops.phases import columns_behind, split
from pipeline.ops.planes import copy_inside, is_padded, padded_room
from pipeline.ops.span import blocks, padded_slices, padded_taps
from pipeline.stem import Axis

_BOOL, _INDEX = np.dtype(np.bool_), np.dtype(np.intp)

Numbers = npt.NDArray[np.signedinteger[Any]]


class Places(NamedTuple):
    """Which tap of its window each output is, counted row by row: int8 or int32 [rows', C, columns', n]."""

    tap: Numbers


def forward(x: Array, y: Axis, across: Axis, place: int | None = None) -> Bound:
    """Returns the bound max pooling of x [rows, C, columns, n], padded with -inf: [rows', C, columns', n].

    It is of the dtype of x. `saved` is its Places: of equal numbers the first in row-major order. A NaN is passed on.
    """
    _, channels, _, n = x.shape
    out = room(place, (y.size_out, channels, across.size_out, n), x.dtype)
    places = Places(np.empty(out.shape, np.int8 if y.kernel * across.kernel < 128 else np.int32))
    pitch = (across.size_out + columns_behind(across)) * n
    count = min(across.stride, (across.kernel - 1) * across.dilation + 1)
    calls: Calls = []
    for rows in blocks(y.size_out, count * y.stride * channels * pitch * x.itemsize):
        read = range(rows.start * y.stride, (rows.stop - 1) * y.stride + (y.kernel - 1) * y.dilation + 1)
        phases = _split_columns(calls, x, read, y, across, (count, len(read), channels, pitch))
        _pool(calls, phases, y, across, out[rows.start : rows.stop], places.tap[rows.start : rows.stop])
    return Bound(x, out, calls, saved=places)


def _split_columns(
    calls: Calls, x: Array, read: range, y: Axis, across: Axis, shape: tuple[int, int, int, int]
) -> Array:
    """Returns the rows `read` of padded x, their columns split by phase: [phases, rows, C, pitch]."""
    there, _ = padded_slices(y)
    start, stop = (min(max(row, read.start), read.stop) for row in (there.start, there.stop))
    source = x[start - y.before : stop - y.before]
    if across.stride == 1 and source.flags.c_contiguous and source.size == prod(shape):
        return source.reshape(shape)
    phases = scratch(Place.PHASES, shape, x.dtype)
    own = slice(start - read.start, stop - read.start)
    for margin in (phases[:, : own.start], phases[:, own.stop :]):
        calls += fill_calls(margin, -np.inf)
    beyond = -np.inf if across.before or across.after else None
    split(calls, source, across.before, across.stride, phases[:, own], beyond)
    return phases


def _pool(calls: Calls, phases: Array, y: Axis, across: Axis, out: Array, tap: Numbers) -> None:
    """Adds the calls for the largest number of each window of a block of rows, and the tap that it is."""
    rows, _, columns, n = out.shape
    lines = phases.shape[1:]
    widest, column = scratch(Place.ROW_LARGEST, lines, out.dtype), scratch(Place.ROW_TAP, lines, tap.dtype)
    size = widest.size - columns_behind(across) * n
    starts = [divmod(number * across.dilation, across.stride) for number in range(across.kernel)]
    taps = [phases[phase].reshape(-1)[shift * n :][:size] for shift, phase in starts]
    numbers = [scalar(number, tap.dtype) for number in range(across.kernel)]
    _compare(calls, taps, widest.reshape(-1)[:size], column.reshape(-1)[:size], numbers)
    calls += fill_calls(widest.reshape(-1)[size:])
    below = padded_taps(y, rows)
    shape = rows, *lines[1:]
    largest, number = scratch(Place.LARGEST, shape, out.dtype), scratch(Place.TAP, shape, tap.dtype)
    _compare(calls, [widest[row] for row in below], largest, number, [column[row] for row in below], across.kernel)
    for target, source in ((out, largest), (tap, number)):
        calls.append(copy_call(target, pixels(source, columns, n)))


def _compare(
    calls: Calls, taps: list[Array], largest: Array, number: Numbers, numbers: Sequence[Any], step: int = 0
) -> None:
    """Adds the calls for the largest tap and the number of the first that is: tap t's is `numbers[t] + t * step`."""
    best, before = taps[0], numbers[0]
    if len(taps) == 1:
        calls += [(np.copyto, (largest, best)), (np.copyto, (number, before))]
    larger, share = scratch(Place.IS_LARGER, largest.shape, _BOOL), scratch(Place.SHARE, number.shape, number.dtype)
    for t in range(1, len(taps)):
        calls.append((np.greater, (taps[t], best, larger)))
        own = numbers[t]
        if step:
            calls.append((np.add, (own, scalar(t * step, number.dtype), share)))
            own = share
        if t == 1 and not step:  # the first number is zero
            calls.append((np.multiply, (larger.view(np.int8), own, number)))
        else:
            calls.append((np.multiply, (larger.view(np.int8), own, share)))
            calls.append((partial(np.maximum, out=number), (before, share)))
        calls.append((partial(np.maximum, out=largest), (best, taps[t])))
        best, before = largest, number


def vjp(g: Array, places: Places, y: Axis, across: Axis, mask: Array | None = None, place: int | None = None) -> Bound:
    """Returns the bound gradient by x [rows, C, columns, n]: each number of g goes to the pixel that was the largest.

    g: float32 or float64 [rows', C, columns', n]. mask: bool, of its shape, which is multiplied by it first.
    """
    rows, channels, columns, n = g.shape
    out = room(place, (y.size_in, channels, across.size_in, n), g.dtype)
    padded = padded_room(Place.POOLED, g, y, across) if is_padded(y, across) else out
    calls: Calls = [(padded.fill, (0,))]
    for block in blocks(rows, 4 * channels * columns * n * _INDEX.itemsize):
        here = slice(block.start, block.stop)
        part = g[here]
        if mask is not None or not part.flags.c_contiguous:
            part = scratch(Place.GRADIENT, part.shape, g.dtype)
            calls += mask_calls(part, g[here], None if mask is None else mask[here])
        target = padded[block.start * y.stride :]
        pixel = _pixel(calls, places.tap[here], target, y, across)
        calls.append((np.add.at, (target.reshape(-1), pixel.reshape(-1), part.reshape(-1))))
    if padded is not out:
        copy_inside(calls, padded, y, across, out)
    return Bound(g, out, calls)


def _pixel(calls: Calls, tap: Numbers, padded: Array, y: Axis, across: Axis) -> npt.NDArray[np.intp]:
    """Returns the number of each output's pixel in padded [rows, C, columns, n], for which it adds the calls.

    A pixel stands row * y.dilation lines and (tap - row * kernel) * across.dilation columns from its window's first.
    They compute in 32 bits where these are enough, as that is quicker.
    """
    _, channels, width, n = padded.shape
    line, column = channels * width * n, across.dilation * n
    kind = np.dtype(np.int32 if padded.size < 2**31 else np.intp)
    row = scratch(Place.ROW, tap.shape, tap.dtype)
    index = scratch(Place.INDEX, tap.shape, _INDEX)
    pixel, more = (scratch(place, tap.shape, kind) for place in (Place.PIXEL, Place.OFFSET))
    calls += [
        (np.floor_divide, (tap, scalar(across.kernel, tap.dtype), row)),
        (np.copyto, (pixel, row)),
        (np.multiply, (pixel, scalar(y.dilation * line - across.kernel * column, kind), pixel)),
        (np.copyto, (more, tap)),
        (np.multiply, (more, scalar(column, kind), more)),
        (np.add, (pixel, more, pixel)),
        (np.add, (pixel, _corners(tap.shape, (y.stride * line, width * n, across.stride * n), kind), pixel)),
        (np.copyto, (index, pixel)),
    ]
    return index


@lru_cache(maxsize=16)
def _corners(shape: tuple[int, int, int, int], far: tuple[int, int, int], kind: np.dtype[Any]) -> npt.NDArray[Any]:
    """Returns the numbers of the first pixels of windows [rows, C, columns, n]; `far` is the step along each axis."""
    steps = zip(shape, (*far, 1), strict=True)
    corners: npt.NDArray[Any] = reduce(
        np.add.outer, [np.arange(count, dtype=kind) * kind.type(far) for count, far in steps]
    )
    corners.flags.writeable = False
    return corners
