"""Pieces of a plane as contiguous lines: rows padded, groups of channels apart."""

import numpy as np

from pipeline.layers.array import Array
from pipeline.layers.buffer import empty
from pipeline.layers.span import placed
from pipeline.network import Axis


def lined(x: Array, y: Axis, groups: int) -> Array:
    """x [rows, C, columns, n] as [groups, padded rows, C // groups, columns, n], contiguous; copied only if it is not."""
    rows, channels, columns, n = x.shape
    if groups == 1 and not y.before and not y.after:
        return np.ascontiguousarray(x)[None]
    lines = empty((groups, rows + y.before + y.after, channels // groups, columns, n), x.dtype)
    there, source = placed(y)
    lines[:, : there.start] = 0
    lines[:, there.stop :] = 0
    lines[:, there] = apart(x[source], groups)
    return lines


def apart(x: Array, groups: int) -> Array:
    """[rows, C, columns, n] seen as [groups, rows, C // groups, columns, n]."""
    rows, channels, columns, n = x.shape
    return x.reshape(rows, groups, channels // groups, columns, n).transpose(1, 0, 2, 3, 4)


def spaced(g: Array, reach: int, groups: int, mask: Array | None) -> Array:
    """g (times mask) as [groups, rows, C // groups, columns, n] between `reach` rows of zeros on either side."""
    rows, channels, columns, n = g.shape
    lines = empty((groups, rows + 2 * reach, channels // groups, columns, n), g.dtype)
    inside = lines[:, reach : reach + rows]
    if reach:
        lines[:, :reach] = 0
        lines[:, reach + rows :] = 0
    if mask is None:
        inside[...] = apart(g, groups)
    else:
        np.multiply(apart(g, groups), apart(mask, groups), out=inside)
    return lines
