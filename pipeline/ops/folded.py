"""Convolution with stride 1 across, without unfolding its operand.

With x [rows, C, columns, n] and kernel [kh, kw, C, F], the kh rows that output row p reads are one contiguous
[kh*C, columns*n] operand, so one product makes what every tap of a kernel row adds to every column,

    z[p, j*F + f, c, n] = sum over i, ch of w[i, j, ch, f] x[p*s + i, ch, c, n]
    y[p, f, o, n]       = sum over j of z[p, j*F + f, o + j*d - before, n]

and the taps are collected by adding shifted lines. The gradient is the same with the kernel turned round: row r of
the padded input is fed by the rows of g from r - (kh-1) to r,

    z[r, j*C + ch, o, n] = sum over i, f of w[kh-1 - i, j, ch, f] g[r - (kh-1) + i, f, o, n]
    dx[r, ch, c, n]      = sum over j of z[r, j*C + ch, c + before - j*d, n]

Where one channel makes one, as in depthwise stems, some taps are unfolded first; see `thin`.

z stands between margins of zeros wide enough for every shift. NumPy adds lines that lie apart at a quarter of the rate
of contiguous ones, above all where the sum lies apart; so every sum is made whole. Rows are taken in blocks, so that z
is still in the cache when its lines are added. Rows that meet only some of the taps, at a border, multiply only those.
"""

import numpy as np

from pipeline.ops.bound import Bound, Calls
from pipeline.ops.buffer import Array, Place, room, scratch, view
from pipeline.ops.choice import Shape
from pipeline.ops.lines import in_groups, pitch, pixels, product_width, product_width_in
from pipeline.ops.operand import Operand, Shift, lines_read
from pipeline.ops.passes import copy_call, fill_calls
from pipeline.ops.product import Windows, correlate
from pipeline.ops.span import Reach, rows_at_once
from pipeline.ops.thin import Kernel, empty_kernel, kernel_setter, unfold_taps
from pipeline.stem import Axis

_FEW = 4
"""Up to so many taps are added one by one; more, or small ones, in one reduction, in the same order."""
_LARGE = 2**18

_SHORT = 128
"""Numbers of a line up to which a copy takes less time than adding line by line."""


def forward(x: Array, shape: Shape, y: Axis, across: Axis, groups: int, place: int | None = None) -> Bound:
    """Returns the bound convolution of x [rows, C, columns, n] with a weight of `shape` [kh, kw, C // groups, F].

    Its result is [rows', F, columns', n], of the dtype of x, float32 or float64. Columns have stride 1, rows no
    dilation.
    """
    kh, kw, channels, features = shape
    n = x.shape[3]
    own = features // groups
    calls: Calls = []
    kernel = empty_kernel((kh, kw), groups, own, channels, y.stride, x.dtype)
    out = room(place, (y.size_out, features, across.size_out, n), x.dtype)
    operand = Operand(x, None, across.size_in, Reach(-y.before, y.stride, kh), Shift(-across.before, across.dilation))
    operand = unfold_taps(calls, operand, groups, kernel, across.size_out)
    _fold(calls, kernel, operand, out)
    weigh = kernel_setter(kernel, kw, lambda place: place.transpose(3, 1, 5, 4, 0, 2))
    return Bound(x, out, calls, lambda own: weigh(own.kernel))


def vjp(
    g: Array, shape: Shape, y: Axis, across: Axis, groups: int, mask: Array | None = None, place: int | None = None
) -> Bound:
    """Returns the bound gradient by x [rows, C, columns, n], from the gradient g [rows', F, columns', n] times mask.

    mask: bool, of the shape of g, or None. The result is of the dtype of g. Row strides must be 1.
    """
    kh, kw, channels, features = shape
    n = g.shape[3]
    own = features // groups
    calls: Calls = []
    kernel = empty_kernel((kh, kw), groups, channels, own, 1, g.dtype)
    out = room(place, (y.size_in, groups * channels, across.size_in, n), g.dtype)
    operand = Operand(
        g, mask, across.size_out, Reach(y.before - (kh - 1), 1, kh), Shift(across.before, -across.dilation)
    )
    operand = unfold_taps(calls, operand, groups, kernel, across.size_in)
    _fold(calls, kernel, operand, out)
    weigh = kernel_setter(kernel, kw, lambda place: place[:, :, :, ::-1].transpose(3, 1, 5, 2, 0, 4))
    return Bound(g, out, calls, lambda own: weigh(own.kernel))


def _fold(calls: Calls, kernel: Kernel, operand: Operand, out: Array) -> None:
    """Adds the calls for out[r, f, c] = sum over taps j of z[r, j, f, shift.first + c + j * shift.step], 0 beyond z."""
    columns, shift = operand.columns, operand.shift
    matrices, stack = kernel.matrices, kernel.stack
    groups, _, high, depth = matrices.shape
    rows, features, wide, n = out.shape
    size, item = columns * n, out.itemsize
    m, own = high // stack, features // groups
    taps = m // own
    first_read, last_read = shift.columns_read(taps, wide)
    left, right = max(-first_read, 0), max(last_read + 1 - columns, 0)
    alone = taps == 1 and not left and not right and wide == columns and product_width(size, item) == size
    if alone and (stack == 1 or groups == 1):  # rows that are made at once follow one another in z only
        lines, near = lines_read(calls, operand, groups, high, range(rows))
        at = Windows(0, own * size, features * size, size)
        correlate(calls, matrices, lines, near, range(rows), out, at, size, stack=stack)
        return
    start = pitch(max(left, right) * n, item)  # the margin behind a line is that before the next
    wide_line = start + pitch(size, item)
    read = depth // (operand.reach.taps + (stack - 1) * operand.reach.step) * size
    block = rows_at_once(rows, stack * groups * max(m * wide_line, read) * item) * stack
    whole_z = scratch(Place.TAPS, (groups * min(block, rows) * m + 2, wide_line), out.dtype)
    # Products leave the margins of a line as they are, so that they are filled once for all blocks.
    calls += fill_calls(view(whole_z, start + size, (len(whole_z) - 1, wide_line - size), (wide_line, 1)))
    each = [range(first, min(first + block, rows)) for first in range(0, rows, block)]
    most = operand.reach.most_read(each, len(operand.x))
    for below in each:
        first, count = below.start, len(below)
        lines, near = lines_read(calls, operand, groups, high, below, most)
        z = whole_z[1 : 1 + groups * count * m].reshape(groups, count, taps, own, wide_line)
        there = Windows(start, count * m * wide_line, m * wide_line, wide_line)
        across = product_width_in(lines, size)
        correlate(calls, matrices, lines, near, below, z, there, across, operand.slack, stack)
        here = in_groups(out[first : first + count], groups)
        _add(calls, whole_z, wide_line + start + shift.first * n, shift.step * n, z.shape, here)


def _add(calls: Calls, z: Array, at: int, step: int, shape: tuple[int, ...], out: Array) -> None:
    """Adds the calls for out [groups, rows, own, columns, n] = sum over taps of z [groups, rows, taps, own, pitch].

    The first line of z begins at number `at`, and those of each further tap `step` numbers later. Short lines are added
    together with what lies between them, and copied.
    """
    groups, rows, taps, own, pitch = shape
    line = out.shape[3] * out.shape[4]
    strides = rows * taps * own * pitch, taps * own * pitch, own * pitch + step
    if own > 1 and line <= min(pitch, _SHORT):
        sums = scratch(Place.SUMS, (groups, rows, own, pitch), out.dtype)
        whole = (own - 1) * pitch + line
        shifted = view(z, at, (groups, rows, taps, whole), (*strides, 1))
        calls.append((np.add.reduce, (shifted, 2, None, sums.reshape(groups, rows, own * pitch)[..., :whole])))
        calls.append(copy_call(out, pixels(sums, *out.shape[3:])))
        return
    shifted = view(z, at, (groups, rows, taps, own, line), (*strides, pitch, 1))
    out = out.reshape(groups, rows, own, line)
    if taps == 1:
        calls.append(copy_call(out, shifted[:, :, 0]))
    elif taps > _FEW or shifted.size * shifted.itemsize < _LARGE:
        calls.append((np.add.reduce, (shifted, 2, None, out)))
    else:
        calls.append((np.add, (shifted[:, :, 0], shifted[:, :, 1], out)))
        for j in range(2, taps):
            calls.append((np.add, (out, shifted[:, :, j], out)))
