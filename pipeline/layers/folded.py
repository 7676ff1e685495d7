"""Convolution with stride 1 across, without unfolding its operand.

With x [rows, C, columns, n] and kernel [kh, kw, C, F], the kh rows that output row p reads are one contiguous
[kh*C, columns*n] operand, so one product makes what every tap of a kernel row adds to every column,

    z[p, j*F + f, c, n] = sum over i, ch of w[i, j, ch, f] x[p*s + i, ch, c, n]
    y[p, f, o, n]       = sum over j of z[p, j*F + f, o + j*d - before, n]

and the taps are collected by adding shifted lines. The gradient is the same with the kernel turned round: row r of
the padded input is fed by the rows of g from r - (kh-1) to r,

    z[r, j*C + ch, o, n] = sum over i, f of w[kh-1 - i, j, ch, f] g[r - (kh-1) + i, f, o, n]
    dx[r, ch, c, n]      = sum over j of z[r, j*C + ch, c + before - j*d, n]

z stands between margins of zeros wide enough for every shift. NumPy adds lines that lie apart at a quarter of the rate
of contiguous ones, above all where the sum lies apart; so every sum is made whole. Rows are taken in blocks, so that z
is still in the cache when its lines are added. Rows that meet only some of the taps, at a border, multiply only those.
"""

from typing import NamedTuple

import numpy as np

from pipeline.layers.array import Array
from pipeline.layers.bound import Bound, Calls, weigh_in
from pipeline.layers.buffer import room, scratch
from pipeline.layers.choice import Shape
from pipeline.layers.lines import apart, pitch, reached
from pipeline.layers.product import Windows, correlate
from pipeline.layers.span import Reach
from pipeline.network import Axis

BLOCK = 2**20
"""Bytes of z that are made at once: half the second-level cache of a current core."""

_FEW = 4
"""Up to so many taps are added one by one; more, or small ones, in one reduction, in the same order."""
_LARGE = 2**18


class Shift(NamedTuple):
    """Columns of zeros that z stands between, and which column of tap j goes to column c: first + c + j * step."""

    left: int
    right: int
    first: int
    step: int


def forward(x: Array, shape: Shape, y: Axis, across: Axis, groups: int, slot: str | None = None) -> Bound:
    """The convolution of x [rows, C, columns, n] with a weight of `shape` [kh, kw, C // groups, F]."""
    kh, kw, channels, features = shape
    _, _, columns, n = x.shape
    own = features // groups
    calls: Calls = []
    matrices = scratch("kernel", (groups, kw, own, kh, channels), x.dtype)
    made = room(slot, x, (y.size_out, features, across.size_out, n), x.dtype)
    left = max(across.before, 0)
    right = max(across.size_out + (kw - 1) * across.dilation - across.before - columns, 0)
    shift = Shift(left, right, -across.before, across.dilation)
    reach = Reach(-y.before, y.stride, kh)
    _collected(calls, matrices.reshape(groups, 1, kw * own, -1), x, None, reach, shift, made)
    return Bound(x, None, weigh_in(matrices.transpose(3, 1, 4, 0, 2)), made, calls)


def vjp(
    g: Array, shape: Shape, y: Axis, across: Axis, groups: int, mask: Array | None = None, slot: str | None = None
) -> Bound:
    """The gradient by x, given that by the convolution, g [rows', F, columns', n], times mask; row stride 1 only."""
    kh, kw, channels, features = shape
    _, _, columns, n = g.shape
    own = features // groups
    calls: Calls = []
    matrices = scratch("kernel", (groups, kw, channels, kh, own), g.dtype)
    made = room(slot, g, (y.size_in, groups * channels, across.size_in, n), g.dtype)
    left = max((kw - 1) * across.dilation - across.before, 0)
    right = max(across.size_in + across.before - columns, 0)
    shift = Shift(left, right, across.before, -across.dilation)
    reach = Reach(y.before - (kh - 1), 1, kh)
    _collected(calls, matrices.reshape(groups, 1, kw * channels, -1), g, mask, reach, shift, made)
    return Bound(g, mask, weigh_in(matrices[:, :, :, ::-1].transpose(3, 1, 2, 0, 4)), made, calls)


def _collected(
    calls: Calls, matrices: Array, x: Array, mask: Array | None, reach: Reach, shift: Shift, made: Array
) -> None:
    """made[r, f, c] = sum over taps j of z[r, j, f, shift.first + c + j * shift.step], zero in the margins of z."""
    groups, _, m, _ = matrices.shape
    rows, features, wide, n = made.shape
    columns, item = x.shape[2], made.itemsize
    own = features // groups
    taps = m // own
    if taps == 1 and not shift.left and not shift.right and wide == columns:
        lines, near = reached(calls, x, groups, m, reach, range(rows), mask)
        size = columns * n
        correlate(calls, matrices, lines, near, range(rows), made, Windows(0, own * size, features * size, size), size)
        return
    start = pitch(shift.left * n, item)
    wide_line = pitch(start + (columns + shift.right) * n, item)
    block = max(1, min(rows, BLOCK // (max(groups * m * wide_line, x[0].size) * item)))
    for first in range(0, rows, block):
        count = min(block, rows - first)
        lines, near = reached(calls, x, groups, m, reach, range(first, first + count), mask)
        z = scratch("taps", (groups, count, taps, own, wide_line), made.dtype)
        if first == 0 or (groups > 1 and count < block):  # later blocks leave the margins as they are
            calls.append((z[..., :start].fill, (0,)))
            calls.append((z[..., start + columns * n :].fill, (0,)))
        there = Windows(start, count * m * wide_line, m * wide_line, wide_line)
        correlate(calls, matrices, lines, near, range(first, first + count), z, there, columns * n)
        strides = (count * m * wide_line, m * wide_line, own * wide_line + shift.step * n, wide_line, 1)
        shifted: Array = np.ndarray(
            (groups, count, taps, own, wide * n),
            z.dtype,
            z,
            (start + shift.first * n) * item,
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
