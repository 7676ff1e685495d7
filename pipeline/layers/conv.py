"""Convolution: the chooser between the ways it can be done.

The choice follows from the shapes alone, so that a config yields the same bits wherever and whenever it runs.
"""

import numpy as np

from pipeline.layers import folded, unfolded
from pipeline.layers.array import Array
from pipeline.layers.bound import Bound, run
from pipeline.layers.buffer import empty
from pipeline.layers.folded import Shape
from pipeline.layers.span import placed
from pipeline.network import Axis


def bound_forward(x: Array, shape: Shape, y: Axis, across: Axis, groups: int) -> Bound:
    """The convolution of x [rows, C, columns, n] with a weight of `shape` [kh, kw, C // groups, F], not yet run."""
    _, _, channels, features = shape
    if y.dilation > 1 or across.stride > 1 or across.size_out == 1 or 4 * channels <= features // groups:
        return unfolded.forward(x, shape, y, across, groups)
    return folded.forward(x, shape, y, across, groups)


def bound_vjp(g: Array, shape: Shape, y: Axis, across: Axis, groups: int, mask: Array | None) -> Bound:
    """Its transpose, of g [rows', F, columns', n] times mask, not yet run."""
    if y.dilation > 1 or y.stride > 1 or across.stride > 1 or y.size_out == 1 or y.before < 0 or y.after < 0:
        return unfolded.vjp(g, shape, y, across, groups, mask)
    return folded.vjp(g, shape, y, across, groups, mask)


def forward(x: Array, weight: Array, y: Axis, across: Axis, groups: int = 1) -> Array:
    """The convolution of x [rows, C, columns, n] with weight [kh, kw, C // groups, F]: [rows', F, columns', n]."""
    if is_dilated(y, across):
        return _dilated_forward(x, weight, y, across, groups)
    return run(bound_forward(x, weight.shape, y, across, groups), weight)


def vjp(g: Array, weight: Array, y: Axis, across: Axis, groups: int = 1, mask: Array | None = None) -> Array:
    """The gradient by x, given that by the convolution, g [rows', F, columns', n] times mask: [rows, C, columns, n]."""
    if is_dilated(y, across):
        return _dilated_vjp(g, weight, y, across, groups, mask)
    return run(bound_vjp(g, weight.shape, y, across, groups, mask), weight)


def is_dilated(y: Axis, across: Axis) -> bool:
    """Rows are taken apart by phase, and each phase is a convolution of its own."""
    return y.dilation > 1 and y.stride == 1 and across.stride == 1 and y.size_out > 1


def _dilated_forward(x: Array, weight: Array, y: Axis, across: Axis, groups: int) -> Array:
    """Rows d apart are a plane of their own, on which the kernel is not dilated."""
    padded = np.zeros((y.size_in + y.before + y.after, *x.shape[1:]), x.dtype)
    there, source = placed(y)
    padded[there] = x[source]
    made = empty((y.size_out, weight.shape[3], across.size_out, x.shape[3]), x.dtype)
    for phase in range(min(y.dilation, y.size_out)):
        rows = padded[phase :: y.dilation]
        made[phase :: y.dilation] = forward(rows, weight, _phase(y, len(rows), phase), across, groups)
    return made


def _dilated_vjp(g: Array, weight: Array, y: Axis, across: Axis, groups: int, mask: Array | None) -> Array:
    rows, channels = y.size_in + y.before + y.after, weight.shape[2] * groups
    padded = np.zeros((rows, channels, across.size_in, g.shape[3]), g.dtype)
    for phase in range(min(y.dilation, y.size_out)):
        own = padded[phase :: y.dilation]
        masked = None if mask is None else mask[phase :: y.dilation]
        axis = _phase(y, len(own), phase)
        own[...] = vjp(g[phase :: y.dilation], weight, axis, across, groups, masked)
    there, source = placed(y)
    made = np.zeros((y.size_in, *padded.shape[1:]), g.dtype)
    made[source] = padded[there]
    return made


def _phase(y: Axis, size_in: int, phase: int) -> Axis:
    size_out = -(-(y.size_out - phase) // y.dilation)
    return Axis(size_in, size_out, y.kernel, 1)
