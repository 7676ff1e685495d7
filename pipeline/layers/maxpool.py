"""Max pooling: the largest of each window, and the way back to where it stood.

The largest of each row's window is found first, then the largest of those: k + k comparisons for k * k pixels. Columns
are taken apart by phase of the stride s, so that what tap j reads for all windows of all lines is one piece of memory,
phase j mod s from column j // s on. Lines thus go on for (k - 1) // s columns behind the last window; what is there is
neither read nor given back.
"""

from functools import partial
from math import prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.layers.array import Array
from pipeline.layers.bound import Bound, Calls
from pipeline.layers.buffer import room, scratch
from pipeline.layers.lines import pixels
from pipeline.layers.phases import behind, merge, split
from pipeline.layers.span import padded_taps, placed
from pipeline.network import Axis

_BOOL = np.dtype(np.bool_)

Numbers = npt.NDArray[np.integer[Any]]


class Places(NamedTuple):
    """Which tap was the largest: `row` of what is [rows', C, pitch], `column` of [padded rows, C, pitch]."""

    row: Numbers
    column: Numbers


def forward(x: Array, y: Axis, across: Axis, slot: str | None = None) -> Bound:
    """The largest of each window and, in `saved`, its Places: the first of ties in row-major order. Pads with -inf.

    A NaN is passed on.
    """
    _, channels, _, n = x.shape
    height = y.size_in + y.before + y.after
    pitch = (across.size_out + behind(across)) * n
    calls: Calls = []
    phases = _apart(calls, x, y, across, (height, channels, pitch))
    flat = phases.reshape(len(phases), -1)
    size = flat.shape[1] - behind(across) * n
    widest = scratch("widest", (height, channels, pitch), x.dtype)
    places = Places(_numbers(y, (y.size_out, channels, pitch)), _numbers(across, widest.shape))
    starts = [(tap % across.stride, tap // across.stride * n) for tap in range(across.kernel)]
    columns = [flat[phase, start : start + size] for phase, start in starts]
    _compare(calls, columns, widest.reshape(-1)[:size], places.column.reshape(-1)[:size])
    calls.append((widest.reshape(-1)[size:].fill, (0,)))
    made = room(slot, x, (y.size_out, channels, across.size_out, n), x.dtype)
    largest = scratch("largest", places.row.shape, x.dtype) if behind(across) else made.reshape(places.row.shape)
    _compare(calls, [widest[rows] for rows in padded_taps(y)], largest, places.row)
    if behind(across):
        calls.append((np.copyto, (made, pixels(largest, across.size_out, n))))
    return Bound(x, None, None, made, calls, places)


def _apart(calls: Calls, x: Array, y: Axis, across: Axis, shape: tuple[int, int, int]) -> Array:
    """x with its padding, its columns apart by phase, [phases, *shape]."""
    if across.stride == 1 and x.flags.c_contiguous and x.size == prod(shape):
        return x.reshape(1, *shape)
    there, source = placed(y)
    phases = scratch("phases", (min(across.stride, across.kernel), *shape), x.dtype)
    for margin in (phases[:, : there.start], phases[:, there.stop :]):
        if margin.size:
            calls.append((margin.fill, (-np.inf,)))
    split(calls, x[source], across.before, across.stride, phases[:, there], -np.inf)
    return phases


def _compare(calls: Calls, taps: list[Array], largest: Array, place: Numbers) -> None:
    """Calls: the largest of the taps, and the number of the first that is."""
    best, *others = taps
    if not others:
        calls += [(np.copyto, (largest, best)), (place.fill, (0,))]
    larger, here = (scratch(name, place.shape, dtype) for name, dtype in (("larger", _BOOL), ("here", place.dtype)))
    for number, tap in enumerate(others, 1):
        calls.append((np.greater, (tap, best, larger)))
        if number == 1:
            calls.append((np.copyto, (place, larger)))
        else:
            calls.append((np.multiply, (larger, place.dtype.type(number), here)))
            calls.append((partial(np.maximum, out=place), (place, here)))
        calls.append((partial(np.maximum, out=largest), (best, tap)))
        best = largest


def vjp(g: Array, places: Places, y: Axis, across: Axis, mask: Array | None = None, slot: str | None = None) -> Bound:
    """The gradient by x: that by each output, g times mask, goes to the pixel that was the largest."""
    _, channels, columns, n = g.shape
    calls: Calls = []
    lines = scratch("lines", places.row.shape, g.dtype)
    target = pixels(lines, columns, n)
    calls.append((np.copyto, (target, g)) if mask is None else (np.multiply, (g, mask, target)))
    if behind(across):
        calls.append((lines[..., columns * n :].fill, (0,)))
    wide = _given_to_rows(calls, lines, places, y)
    phases = _given_to_columns(calls, wide, places, across, n)
    made = room(slot, g, (y.size_in, channels, across.size_in, n), g.dtype)
    there, source = placed(y)
    if there.stop - there.start < y.size_in:
        calls.append((made.fill, (0,)))
    merge(calls, phases[:, there], across.before, across.stride, made[source])
    return Bound(g, places, None, made, calls)


def _given_to_rows(calls: Calls, lines: Array, places: Places, y: Axis) -> Array:
    """Calls: each number of the lines at its row among the padded ones, zeros elsewhere."""
    wide, share = scratch("wide", places.column.shape, lines.dtype), scratch("share", lines.shape, lines.dtype)
    here = scratch("larger", lines.shape, _BOOL)
    unread = wide if y.stride > y.kernel else wide[y.size_out * y.stride :]
    calls.append((unread.fill, (0,)))
    for tap, rows in enumerate(padded_taps(y)):
        calls.append((np.equal, (places.row, tap, here)))
        if tap < y.stride:
            calls.append((np.multiply, (lines, here, wide[rows])))
        else:
            calls.append((np.multiply, (lines, here, share)))
            calls.append((np.add, (wide[rows], share, wide[rows])))
    return wide


def _given_to_columns(calls: Calls, wide: Array, places: Places, across: Axis, n: int) -> Array:
    """Calls: each number of the lines at its column among the phases, zeros elsewhere."""
    phases = scratch("phases", (min(across.stride, across.kernel), *wide.shape), wide.dtype)
    share, here = scratch("share", wide.shape, wide.dtype), scratch("larger", wide.shape, _BOOL)
    given = share.reshape(-1)
    for tap in range(across.kernel):
        shift, phase = divmod(tap, across.stride)
        calls.append((np.equal, (places.column, tap, here)))
        if shift == 0:
            calls.append((np.multiply, (wide, here, phases[phase])))
        else:
            added = phases[phase].reshape(-1)[shift * n :]
            calls.append((np.multiply, (wide, here, share)))
            calls.append((np.add, (added, given[: len(added)], added)))
    return phases


def _numbers(axis: Axis, shape: tuple[int, ...]) -> Numbers:
    return np.zeros(shape, np.uint8 if axis.kernel <= 256 else np.int32)
