"""Channels taken out of an array, in any order. Arrays are [rows, C, columns, n]."""

from collections.abc import Sequence

from pipeline.ops.bound import Bound, Calls
from pipeline.ops.buffer import Array, room
from pipeline.ops.passes import copy_call


def forward(x: Array, sources: Sequence[int], place: int | None = None) -> Bound:
    """Returns the bound channels of x [rows, C, columns, n] that are numbered in `sources`, in that order.

    The result is [rows, len(sources), columns, n], of the dtype of x.
    """
    out = room(place, (len(x), len(sources), *x.shape[2:]), x.dtype)
    calls: Calls = [copy_call(out[:, there], x[:, here]) for there, here in _runs(sources)]
    return Bound(x, out, calls)


def vjp(g: Array, sources: Sequence[int], channels: int, place: int | None = None) -> Bound:
    """Returns the bound gradient by x [rows, channels, columns, n], of the dtype of g; no source may be named twice."""
    out = room(place, (len(g), channels, *g.shape[2:]), g.dtype)
    calls: Calls = [] if len(sources) == channels else [(out.fill, (0,))]
    calls += [copy_call(out[:, here], g[:, there]) for there, here in _runs(sources)]
    return Bound(g, out, calls)


def _runs(sources: Sequence[int]) -> list[tuple[slice, slice]]:
    """Returns (results, sources) as few slices as there are runs of evenly spaced sources."""
    found: list[tuple[slice, slice]] = []
    first = 0
    while first < len(sources):
        step = sources[first + 1] - sources[first] if first + 1 < len(sources) else 1
        stop = first + 1
        while step > 0 and stop < len(sources) and sources[stop] - sources[stop - 1] == step:
            stop += 1
        found.append((slice(first, stop), slice(sources[first], sources[stop - 1] + 1, max(step, 1))))
        first = stop
    return found
