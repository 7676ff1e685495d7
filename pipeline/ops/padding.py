"""Padding by zeros, cropping, and keeping every stride-th pixel: output o is input o * stride - before, or zero.

Arrays are [rows, C, columns, n]; results go to the place of a number; see `buffer.room`.
"""

from pipeline.ops.bound import Bound, Calls
from pipeline.ops.buffer import Array, room
from pipeline.ops.passes import copy_call
from pipeline.ops.span import tap
from pipeline.stem import Axis


def forward(x: Array, y: Axis, across: Axis, place: int | None = None) -> Bound:
    """Returns the bound pixels of x [rows, C, columns, n], among zeros: [rows', C, columns', n], of its dtype."""
    out = room(place, (y.size_out, x.shape[1], across.size_out, x.shape[3]), x.dtype)
    (there, here), (across_there, across_here) = tap(y, 0), tap(across, 0)
    return Bound(x, out, _among_zeros(out, out[there, :, across_there], x[here, :, across_here]))


def vjp(g: Array, y: Axis, across: Axis, place: int | None = None) -> Bound:
    """Returns the bound gradient by x [rows, C, columns, n], of the dtype of g [rows', C, columns', n]."""
    out = room(place, (y.size_in, g.shape[1], across.size_in, g.shape[3]), g.dtype)
    (there, here), (across_there, across_here) = tap(y, 0), tap(across, 0)
    return Bound(g, out, _among_zeros(out, out[here, :, across_here], g[there, :, across_there]))


def _among_zeros(out: Array, target: Array, source: Array) -> Calls:
    """Returns the calls that copy `source` to `target`, a view of `out`, and zero to what else there is."""
    zeros: Calls = [] if target.size == out.size else [(out.fill, (0,))]
    return [*zeros, copy_call(target, source)]
