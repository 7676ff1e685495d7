"""What a step reads of the array that it is handed, and the way back: the gradient spread over that array.

Arrays are [rows, channels, columns, n]. Slices are views, forward; everything else is bound like an operation.
"""

from typing import Any

import numpy as np

from pipeline.gradient.step import EVERYTHING, Read
from pipeline.ops.bound import Bound, Calls
from pipeline.ops.buffer import Array, Place, room, scratch
from pipeline.ops.passes import copy_call


def view(x: Array, read: Read) -> Array:
    """Returns the slices of a Read of x [rows, C, columns, n] of any dtype, as a view; it ignores lists of pixels."""
    if read is EVERYTHING:
        return x
    parts = (part if isinstance(part, slice) else slice(None) for part in (read.rows, read.channels, read.columns))
    slices: Array = x[tuple(parts)]
    return slices


def forward(x: Array, read: Read, place: int | None = None) -> Bound:
    """Returns the bound copy of what is read of x [rows, C, columns, n], of its dtype.

    Pixels that padding repeats are in it more than once.
    """
    calls: Calls = []
    out = view(x, read)
    lists = [(part, axis) for part, axis in ((read.rows, 0), (read.columns, 2)) if isinstance(part, tuple)]
    for number, (part, axis) in enumerate(lists):
        shape = (*out.shape[:axis], len(part), *out.shape[axis + 1 :])
        is_last = number + 1 == len(lists)
        target = room(place, shape, x.dtype) if is_last else scratch(Place.PLANE, shape, x.dtype)
        calls.append((np.take, (out, np.array(part), axis, target, "clip")))
        out = target
    return Bound(x, out, calls)


def vjp(g: Array, read: Read, shape: tuple[int, ...], place: int | None = None) -> Bound:
    """Returns the bound gradient by the array of `shape` [rows, C, columns, n] that was read.

    g: the gradient by what was read, of the same dtype. The gradients of repeated pixels add up.
    """
    out = room(place, shape, g.dtype)
    target = view(out, read)
    calls: Calls = [] if read is EVERYTHING else [(out.fill, (0,))]
    part = g
    if isinstance(read.columns, tuple):
        part = _spread(calls, part, read.columns, 2, target, Place.PLANE if isinstance(read.rows, tuple) else None)
    if isinstance(read.rows, tuple):
        part = _spread(calls, part, read.rows, 0, target, None)
    if part is not target:
        calls.append(copy_call(target, part))
    return Bound(g, out, calls)


def _spread(calls: Calls, g: Array, pixels: tuple[int, ...], axis: int, target: Array, place: Place | None) -> Array:
    """Adds g to the `pixels` of one axis of zeros, in a place of its own or the target, which is returned."""
    spread = target
    if place is not None:
        spread = scratch(place, (*g.shape[:axis], target.shape[axis], *g.shape[axis + 1 :]), g.dtype)
        calls.append((spread.fill, (0,)))
    index: tuple[Any, ...] = (slice(None),) * axis
    calls.append((np.add.at, (spread, (*index, np.array(pixels)), g)))
    return spread
