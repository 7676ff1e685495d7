"""Pieces of a plane as lines that BLAS is fast at: rows padded, groups of channels apart, each on a cache line."""

import numpy as np

from pipeline.layers.array import Array
from pipeline.layers.bound import Calls
from pipeline.layers.buffer import LINE, empty
from pipeline.layers.span import placed
from pipeline.network import Axis

_WIDE = 64
"""Rows of a matrix from which on a fifth of its product's time outweighs copying an operand."""


def pitch(size: int, itemsize: int) -> int:
    """Numbers from one line of `size` numbers to the next, where each begins on a cache line."""
    line = LINE // itemsize
    return -(-size // line) * line


def lined(calls: Calls, x: Array, y: Axis, groups: int, m: int) -> Array:
    """x [rows, C, columns, n] as [groups, padded rows, C // groups, pitch], to be read by a matrix of m rows.

    x itself where it is as it should be. Where it is not padded but its lines straddle cache lines, a copy pays if m
    is large.
    """
    rows, channels, columns, n = x.shape
    size = columns * n
    wide = pitch(size, x.itemsize)
    if groups == 1 and not y.before and not y.after and x.flags.c_contiguous and (m < _WIDE or wide == size):
        return x.reshape(1, rows, channels, size)
    lines = empty((groups, rows + y.before + y.after, channels // groups, wide), x.dtype)
    there, source = placed(y)
    lines[:, : there.start] = 0
    lines[:, there.stop :] = 0
    calls.append((np.copyto, (pixels(lines[:, there], columns, n), apart(x[source], groups))))
    return lines


def pixels(lines: Array, columns: int, n: int) -> Array:
    """[..., pitch] as [..., columns, n]."""
    *_, item = lines.strides
    shape = (*lines.shape[:-1], columns, n)
    return np.lib.stride_tricks.as_strided(lines, shape, (*lines.strides[:-1], n * item, item))


def apart(x: Array, groups: int) -> Array:
    """[rows, C, columns, n] seen as [groups, rows, C // groups, columns, n]."""
    rows, channels, columns, n = x.shape
    return x.reshape(rows, groups, channels // groups, columns, n).transpose(1, 0, 2, 3, 4)


def spaced(calls: Calls, g: Array, reach: int, groups: int, mask: Array | None) -> Array:
    """g (times mask) as [groups, rows, C // groups, pitch] between `reach` rows of zeros on either side."""
    rows, channels, columns, n = g.shape
    size = columns * n
    wide = pitch(size, g.itemsize)
    if groups == 1 and not reach and mask is None and g.flags.c_contiguous and wide == size:
        return g.reshape(1, rows, channels, size)
    lines = empty((groups, rows + 2 * reach, channels // groups, wide), g.dtype)
    inside = pixels(lines[:, reach : reach + rows], columns, n)
    if reach:
        lines[:, :reach] = 0
        lines[:, reach + rows :] = 0
    if mask is None:
        calls.append((np.copyto, (inside, apart(g, groups))))
    else:
        calls.append((np.multiply, (apart(g, groups), apart(mask, groups), inside)))
    return lines
