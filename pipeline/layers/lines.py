"""Pieces of a plane as contiguous lines: rows padded, groups of channels apart."""

import numpy as np

from pipeline.layers.array import Array
from pipeline.layers.bound import Calls
from pipeline.layers.buffer import empty
from pipeline.layers.span import placed
from pipeline.network import Axis


def lined(calls: Calls, x: Array, y: Axis, groups: int) -> Array:
    """x [rows, C, columns, n] as [groups, padded rows, C // groups, columns, n], contiguous; copied only if it is not."""
    rows, channels, columns, n = x.shape
    if groups == 1 and not y.before and not y.after and x.flags.c_contiguous:
        return x[None]
    lines = empty((groups, rows + y.before + y.after, channels // groups, columns, n), x.dtype)
    there, source = placed(y)
    lines[:, : there.start] = 0
    lines[:, there.stop :] = 0
    calls.append((np.copyto, (lines[:, there], apart(x[source], groups))))
    return lines


def apart(x: Array, groups: int) -> Array:
    """[rows, C, columns, n] seen as [groups, rows, C // groups, columns, n]."""
    rows, channels, columns, n = x.shape
    split = x.reshape(rows, groups, channels // groups, columns, n)
    return split.transpose(1, 0, 2, 3, 4)


def spaced(calls: Calls, g: Array, reach: int, groups: int, mask: Array | None) -> Array:
    """g (times mask) as [groups, rows, C // groups, columns, n] between `reach` rows of zeros on either side."""
    rows, channels, columns, n = g.shape
    if groups == 1 and not reach and mask is None and g.flags.c_contiguous:
        return g[None]
    lines = empty((groups, rows + 2 * reach, channels // groups, columns, n), g.dtype)
    inside = lines[:, reach : reach + rows]
    if reach:
        lines[:, :reach] = 0
        lines[:, reach + rows :] = 0
    if mask is None:
        calls.append((np.copyto, (inside, apart(g, groups))))
    else:
        calls.append((np.multiply, (apart(g, groups), apart(mask, groups), inside)))
    return lines
