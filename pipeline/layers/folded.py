"""Convolution with stride 1 across, without unfolding its operand.

With x [rows, C, columns, n] and kernel [kh, kw, C, F], the kh rows that output row p reads are one contiguous
[kh*C, columns*n] operand, so one product makes what every tap of a kernel row adds to every column,

    z[p, j*F + f, c, n] = sum over i, ch of w[i, j, ch, f] x[p*s + i, ch, c, n]
    y[p, f, o, n]       = sum over j of z[p, j*F + f, o + j*d - before, n]

and the taps are collected by adding shifted lines. The gradient is the same with the kernel turned round: row r of
the padded input is fed by the rows of g from r - (kh-1) to r,

    z[r, j*C + ch, o, n] = sum over i, f of w[kh-1 - i, j, ch, f] g[r - (kh-1) + i, f, o, n]
    dx[r, ch, c, n]      = sum over j of z[r, j*C + ch, c + before - j*d, n]

Where one channel makes one, as in depthwise stems, that product is as thin as the kernel is high, and z has as many
lines as the kernel is wide. There g neighbouring taps are unfolded first, j = J*g + t, and the rest are folded:

    u[r, t, q, n] = x[r, q + t*d, n]           z[p, J, q, n] = sum over i, t of w[i, J*g + t] u[p*s + i, t, q, n]

which is the same convolution of g channels with a kernel of kw / g taps, g*d columns apart; taps beyond kw are zero. It
is still thin. Where BLAS packs its operands, R neighbouring rows are made by one product, of a kernel that stands in R
places of a matrix of zeros: of kh + (R-1)*s rows, for R times as many lines.

z stands between margins of zeros wide enough for every shift. NumPy adds lines that lie apart at a quarter of the rate
of contiguous ones, above all where the sum lies apart; so every sum is made whole. Rows are taken in blocks, so that z
is still in the cache when its lines are added. Rows that meet only some of the taps, at a border, multiply only those.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from pipeline.blas import reads_small_in_place
from pipeline.layers.array import Array
from pipeline.layers.bound import Bound, Calls, perform
from pipeline.layers.buffer import room, scratch
from pipeline.layers.choice import Shape
from pipeline.layers.lines import apart, masked, pitch, reached
from pipeline.layers.passes import copied, filled, weigh_in
from pipeline.layers.product import Windows, correlate
from pipeline.layers.span import Reach
from pipeline.network import Axis

BLOCK = 2**20
"""Bytes of z that are made at once: half the second-level cache of a current core."""

_FEW = 4
"""Up to so many taps are added one by one; more, or small ones, in one reduction, in the same order."""
_LARGE = 2**18

_GATHERED = 5
"""Taps across from which on two are unfolded where one channel makes one."""
_WIDE = 16
"""Taps from which on it is four."""
_STACKED = 4
"""Rows of one channel that are made by one product, R of the derivation."""

_SLACK = 4
"""Rows of zeros around what was gathered: so many rows more at a border share the taps of their neighbour."""


class Shift(NamedTuple):
    """Which column of tap j of z goes to column c: first + c + j * step."""

    first: int
    step: int

    def reached(self, taps: int, wide: int) -> tuple[int, int]:
        """The first and the last column of z that `wide` columns take from `taps` taps."""
        far = (taps - 1) * self.step
        return self.first + min(far, 0), self.first + wide - 1 + max(far, 0)


class Taken(NamedTuple):
    """What is folded: x (times mask), the rows and columns that each row and column takes of it.

    slack: so many rows at either end of x are zeros.
    """

    x: Array
    mask: Array | None
    reach: Reach
    shift: Shift
    slack: int


def forward(x: Array, shape: Shape, y: Axis, across: Axis, groups: int, slot: str | None = None) -> Bound:
    """The convolution of x [rows, C, columns, n] with a weight of `shape` [kh, kw, C // groups, F]."""
    kh, kw, channels, features = shape
    n = x.shape[3]
    own = features // groups
    calls: Calls = []
    near, stack = _near(kw, channels, own), _stack(kh, y.stride, channels, own)
    far = -(-kw // near)
    matrices, places = _matrices((groups, far, own, kh, channels, near), stack, y.stride, x.dtype)
    made = room(slot, x, (y.size_out, features, across.size_out, n), x.dtype)
    shift = Shift(-across.before, across.dilation)
    reach = Reach(-y.before, y.stride, kh)
    taken = Taken(x, None, reach, shift, 0)
    if near > 1:
        taken = _gathered(calls, taken, groups, near, far, across.size_out)
    _collected(calls, matrices, stack, taken, made)
    weigh = _weigh_in(matrices, places, kw, lambda kernel: kernel.transpose(3, 1, 5, 4, 0, 2))
    return Bound(x, None, weigh, made, calls)


def vjp(
    g: Array, shape: Shape, y: Axis, across: Axis, groups: int, mask: Array | None = None, slot: str | None = None
) -> Bound:
    """The gradient by x, given that by the convolution, g [rows', F, columns', n], times mask; row stride 1 only."""
    kh, kw, channels, features = shape
    n = g.shape[3]
    own = features // groups
    calls: Calls = []
    near, stack = _near(kw, channels, own), _stack(kh, 1, channels, own)
    far = -(-kw // near)
    matrices, places = _matrices((groups, far, channels, kh, own, near), stack, 1, g.dtype)
    made = room(slot, g, (y.size_in, groups * channels, across.size_in, n), g.dtype)
    shift = Shift(across.before, -across.dilation)
    reach = Reach(y.before - (kh - 1), 1, kh)
    taken = Taken(g, mask, reach, shift, 0)
    if near > 1:
        taken = _gathered(calls, taken, groups, near, far, across.size_in)
    _collected(calls, matrices, stack, taken, made)
    weigh = _weigh_in(matrices, places, kw, lambda kernel: kernel[:, :, :, ::-1].transpose(3, 1, 5, 2, 0, 4))
    return Bound(g, mask, weigh, made, calls)


def _near(kw: int, channels: int, own: int) -> int:
    """How many neighbouring taps are unfolded, g of the derivation."""
    if channels > 1 or own > 1 or kw < _GATHERED:
        return 1
    return 4 if kw >= _WIDE else 2


def _stack(kh: int, stride: int, channels: int, own: int) -> int:
    """How many rows one product makes, R of the derivation: for a quarter more multiply-adds at most."""
    if channels > 1 or own > 1 or kh < 4 * (_STACKED - 1) * stride or reads_small_in_place():
        return 1
    return _STACKED


def _matrices(
    shape: tuple[int, int, int, int, int, int], stack: int, stride: int, dtype: np.dtype[Any]
) -> tuple[Array, list[Array]]:
    """(matrices [groups, 1, lines, rows * lines read of each], the kernel's places in them, each of `shape`).

    shape: groups, far taps, features made, kernel rows, channels read, near taps.
    """
    groups, far, made, kh, *read = shape
    kernel = scratch("kernel", (groups, stack, far, made, kh + (stack - 1) * stride, *read), dtype)
    places = [kernel[:, row, :, :, row * stride : row * stride + kh] for row in range(stack)]
    return kernel.reshape(groups, 1, stack * far * made, -1), places


def _weigh_in(matrices: Array, places: list[Array], kw: int, seen: Callable[[Array], Array]) -> Callable[[Array], None]:
    """Puts a weight into all places, among zeros; `seen` shows one as [kh, far, near, C // groups, groups, own]."""
    first, *others = places
    put = _put_in(seen(first), kw)
    if not others:
        return put
    copies = [copied(other, first) for other in others]

    def weigh(weight: Array) -> None:
        matrices.fill(0)
        put(weight)
        perform(copies)

    return weigh


def _put_in(kernel: Array, kw: int) -> Callable[[Array], None]:
    """Puts a weight into a kernel [kh, far, near, C // groups, groups, own]; taps beyond the weight's are zero."""
    kh, far, near, *sides = kernel.shape
    if near == 1:
        return weigh_in(kernel[:, :, 0])
    last = kw - (far - 1) * near

    def put(weight: Array) -> None:
        whole = weight.reshape(kh, kw, *sides)
        kernel[:, : far - 1] = whole[:, : kw - last].reshape(kh, far - 1, near, *sides)
        kernel[:, far - 1, :last] = whole[:, kw - last :]
        kernel[:, far - 1, last:] = 0

    return put


def _gathered(calls: Calls, taken: Taken, groups: int, near: int, far: int, wide: int) -> Taken:
    """u of the derivation, with the columns that `wide` columns of z are made of, and what it means to the folding."""
    x, mask, reach, shift, _ = taken
    rows, channels, columns, n = x.shape
    reached = shift.reached(far * near, wide)
    spread = (near - 1) * shift.step
    first, last = max(reached[0], -max(spread, 0)), min(reached[1], columns - 1 - min(spread, 0))
    last = max(last, first)
    x = masked(calls, x, mask)
    slack = _SLACK if groups == 1 else 0
    whole = scratch("gathered", (rows + 2 * slack, channels, near, last - first + 1, n), x.dtype)
    u = whole[slack : slack + rows]
    margins = [whole[:slack], whole[slack + rows :]]
    for t in range(near):
        start = max(first, -t * shift.step)
        stop = max(min(last + 1, columns - t * shift.step), start)
        margins += [u[:, :, t, : start - first], u[:, :, t, stop - first :]]
        here = slice(start + t * shift.step, stop + t * shift.step)
        calls.append(copied(u[:, :, t, start - first : stop - first], x[:, :, here]))
    for margin in margins:
        calls += filled(margin)
    given = whole.reshape(len(whole), channels * near, last - first + 1, n)
    return Taken(given, None, reach.below(-slack), Shift(shift.first - first, near * shift.step), slack)


def _collected(calls: Calls, matrices: Array, stack: int, taken: Taken, made: Array) -> None:
    """made[r, f, c] = sum over taps j of z[r, j, f, shift.first + c + j * shift.step], zero in the margins of z."""
    x, mask, reach, shift, slack = taken
    groups, _, high, _ = matrices.shape
    rows, features, wide, n = made.shape
    columns, item = x.shape[2], made.itemsize
    m, own = high // stack, features // groups
    taps = m // own
    first_read, last_read = shift.reached(taps, wide)
    left, right = max(-first_read, 0), max(last_read + 1 - columns, 0)
    if taps == 1 and not left and not right and wide == columns:
        lines, near = reached(calls, x, groups, high, reach, range(rows), mask)
        size = columns * n
        at = Windows(0, own * size, features * size, size)
        _stacked(calls, matrices, stack, lines, near, range(rows), made, at, size)
        return
    start = pitch(left * n, item)
    wide_line = pitch(start + (columns + right) * n, item)
    whole = x.reshape(1, len(x), x.shape[1], columns * n) if slack else x
    block = max(1, BLOCK // (stack * max(groups * m * wide_line, x[0].size) * item)) * stack
    for first in range(0, rows, block):
        count = min(block, rows - first)
        below = range(first, first + count)
        lines, near = (whole, reach) if slack else reached(calls, x, groups, high, reach, below, mask)
        whole_z = scratch("between", (groups * count * m + 2, wide_line), made.dtype)
        z = whole_z[1:-1].reshape(groups, count, taps, own, wide_line)
        if first == 0 or (groups > 1 and count < block):  # later blocks leave the margins as they are
            behind = whole_z[:-1, start + columns * n :]  # and before the next line, in one piece
            sides = len(behind), behind.shape[1] + start
            calls += filled(as_strided(behind, sides, behind.strides))
        there = Windows(start, count * m * wide_line, m * wide_line, wide_line)
        _stacked(calls, matrices, stack, lines, near, below, z, there, columns * n, slack)
        strides = (count * m * wide_line, m * wide_line, own * wide_line + shift.step * n, wide_line, 1)
        shifted: Array = np.ndarray(
            (groups, count, taps, own, wide * n),
            z.dtype,
            z,
            (start + shift.first * n) * item,
            tuple(stride * item for stride in strides),
        )
        _add(calls, shifted, apart(made[first : first + count], groups).reshape(groups, count, own, wide * n))


def _stacked(
    calls: Calls,
    matrices: Array,
    stack: int,
    x: Array,
    reach: Reach,
    rows: range,
    out: Array,
    made: Windows,
    n: int,
    slack: int = 0,
) -> None:
    """Calls: `correlate`, with as many rows at a time as are stacked in the matrices, and what is left one by one."""
    if stack == 1:
        correlate(calls, matrices, x, reach, rows, out, made, n, slack)
        return
    whole, m = len(rows) // stack, matrices.shape[2] // stack
    first = reach.first + rows.start * reach.step
    together = Reach(first, stack * reach.step, reach.taps + (stack - 1) * reach.step)
    correlate(calls, matrices, x, together, range(whole), out, made._replace(row=stack * made.row), n, slack)
    alone = matrices[:, :, :m, : reach.taps * x.shape[2]]
    left = rows[whole * stack :]
    correlate(calls, alone, x, reach, left, out, made._replace(start=made.start + whole * stack * made.row), n, slack)


def _add(calls: Calls, shifted: Array, made: Array) -> None:
    taps = shifted.shape[2]
    if taps == 1:
        calls.append(copied(made, shifted[:, :, 0]))
    elif taps > _FEW or shifted.size * shifted.itemsize < _LARGE:
        calls.append((np.add.reduce, (shifted, 2, None, made)))
    else:
        calls.append((np.add, (shifted[:, :, 0], shifted[:, :, 1], made)))
        for j in range(2, taps):
            calls.append((np.add, (made, shifted[:, :, j], made)))
