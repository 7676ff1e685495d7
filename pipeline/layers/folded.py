"""Convolution with stride 1 across, without unfolding its operand.

With x [rows, C, columns, n] and kernel [kh, kw, C, F], the kh rows that output row p reads are one contiguous
[kh*C, columns*n] operand, so one product makes what every tap of a kernel row adds to every column,

    z[p, j*F + f, c, n] = sum over i, ch of w[i, j, ch, f] x[p*s + i, ch, c, n]
    y[p, f, o, n]       = sum over j of z[p, j*F + f, o + j*d - before, n]

and the taps are collected by adding shifted lines. The gradient is the same with the kernel turned round: let h be g
between kh - 1 rows of zeros on either side, so that row r of the (padded) input is fed by h[r .. r + kh-1],

    z[r, j*C + ch, o, n] = sum over i, f of w[kh-1 - i, j, ch, f] h[r + i, f, o, n]
    dx[r, ch, c, n]      = sum over j of z[r, j*C + ch, c + before - j*d, n]

z stands between margins of zeros wide enough for every shift. NumPy adds lines that lie apart at a quarter of the rate
of contiguous ones, above all where the sum lies apart; so every sum is made whole. Rows are taken in blocks, so that z
is still in the cache when its lines are added.
"""

import numpy as np

from pipeline.layers.array import Array
from pipeline.layers.bound import Bound, Calls
from pipeline.layers.buffer import empty, scratch
from pipeline.layers.choice import Shape
from pipeline.layers.lines import apart, lined, pitch, spaced
from pipeline.layers.product import Windows, multiply
from pipeline.network import Axis

BLOCK = 2**20
"""Bytes of z that are made at once: half the second-level cache of a current core."""

_FEW = 4
"""Up to so many taps are added one by one; more, or small ones, in one reduction, in the same order."""
_LARGE = 2**18


def forward(x: Array, shape: Shape, y: Axis, across: Axis, groups: int) -> Bound:
    """The convolution of x [rows, C, columns, n] with a weight of `shape` [kh, kw, C // groups, F]."""
    kh, kw, channels, features = shape
    _, _, columns, n = x.shape
    own = features // groups
    calls: Calls = []
    lines = lined(calls, x, y, groups, kw * own)
    matrices = scratch("kernel", (groups, kw, own, kh, channels), x.dtype)
    line = channels * lines.shape[3]
    read = Windows(0, lines.shape[1] * line, y.stride * line, lines.shape[3])
    made = empty((y.size_out, features, across.size_out, n), x.dtype)
    left = max(across.before, 0)
    right = max(across.size_out + (kw - 1) * across.dilation - across.before - columns, 0)
    shift = -across.before, across.dilation
    _collected(calls, matrices.reshape(groups, 1, kw * own, -1), lines, read, columns, (left, right), shift, made)
    kernel = matrices.transpose(3, 1, 4, 0, 2)
    return Bound(x, None, kernel, made, calls)


def vjp(g: Array, shape: Shape, y: Axis, across: Axis, groups: int, mask: Array | None = None) -> Bound:
    """The gradient by x, given that by the convolution, g [rows', F, columns', n], times mask; row stride 1 only."""
    kh, kw, channels, features = shape
    _, _, columns, n = g.shape
    own = features // groups
    calls: Calls = []
    lines = spaced(calls, g, kh - 1, groups, mask)
    matrices = scratch("kernel", (groups, kw, channels, kh, own), g.dtype)
    line = own * lines.shape[3]
    read = Windows(y.before * line, lines.shape[1] * line, line, lines.shape[3])
    made = empty((y.size_in, groups * channels, across.size_in, n), g.dtype)
    left = max((kw - 1) * across.dilation - across.before, 0)
    right = max(across.size_in + across.before - columns, 0)
    shift = across.before, -across.dilation
    _collected(calls, matrices.reshape(groups, 1, kw * channels, -1), lines, read, columns, (left, right), shift, made)
    kernel = matrices[:, :, :, ::-1].transpose(3, 1, 2, 0, 4)
    return Bound(g, mask, kernel, made, calls)


def _collected(
    calls: Calls,
    matrices: Array,
    lines: Array,
    read: Windows,
    columns: int,
    margins: tuple[int, int],
    shift: tuple[int, int],
    made: Array,
) -> None:
    """made[r, f, c] = sum over taps j of z[r, j, f, shift[0] + c + j * shift[1]], zero in the margins of z."""
    groups, _, m, _ = matrices.shape
    rows, features, wide, n = made.shape
    own = features // groups
    taps = m // own
    left, right = margins
    if taps == 1 and not left and not right and wide == columns:
        size = columns * n
        multiply(calls, matrices, lines, read, made, Windows(0, own * size, features * size, size), rows, size)
        return
    item = made.itemsize
    start = pitch(left * n, item)
    wide_line = pitch(start + (columns + right) * n, item)
    block = max(1, min(rows, BLOCK // (groups * m * wide_line * item)))
    for first in range(0, rows, block):
        count = min(block, rows - first)
        z = scratch("taps", (groups, count, taps, own, wide_line), made.dtype)
        if first == 0 or (groups > 1 and count < block):  # later blocks leave the margins as they are
            calls.append((z[..., :start].fill, (0,)))
            calls.append((z[..., start + columns * n :].fill, (0,)))
        here = read._replace(start=read.start + first * read.row)
        there = Windows(start, count * m * wide_line, m * wide_line, wide_line)
        multiply(calls, matrices, lines, here, z, there, count, columns * n)
        strides = (count * m * wide_line, m * wide_line, own * wide_line + shift[1] * n, wide_line, 1)
        shifted: Array = np.ndarray(
            (groups, count, taps, own, wide * n),
            z.dtype,
            z,
            (start + shift[0] * n) * item,
            tuple(stride * item for stride in strides),
        )
        _add(calls, shifted, apart(made[first : first + count], groups).reshape(groups, count, own, wide * n))


def _add(calls: Calls, shifted: Array, made: Array) -> None:
    taps = shifted.shape[2]
    if taps == 1:
        calls.append((np.copyto, (made, shifted[:, :, 0])))
    elif taps > _FEW or shifted.size * shifted.itemsize < _LARGE:
        calls.append((np.add.reduce, (shifted, 2, None, made)))
    else:
        calls.append((np.add, (shifted[:, :, 0], shifted[:, :, 1], made)))
        for j in range(2, taps):
            calls.append((np.add, (made, shifted[:, :, j], made)))
