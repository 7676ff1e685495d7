"""Convolution with stride 1 across, without unfolding its operand.

With x [rows, C, columns, n] and kernel [kh, kw, C, F], the kh rows that output row p reads are one contiguous
[kh*C, columns*n] operand, so one product makes what every tap of a kernel row adds to every column,

    z[p, j*F + f, c, n] = sum over i, ch of w[i, j, ch, f] x[p*s + i, ch, c, n]
    y[p, f, o, n]       = sum over j of z[p, j*F + f, o + j*d - before, n]

and the taps are gathered by kw additions of shifted lines. The gradient is the same with the kernel turned round: let h
be g between kh - 1 rows of zeros on either side, so that row r of the (padded) input is fed by h[r .. r + kh-1],

    z[r, j*C + ch, o, n]          = sum over i, f of w[kh-1 - i, j, ch, f] h[r + i, f, o, n]
    dx[r, ch, o + j*d - before, n] += z[r, j*C + ch, o, n]

Rows are taken in blocks, so that z is still in the cache when its lines are added.
"""

import numpy as np

from pipeline.layers.array import Array
from pipeline.layers.buffer import empty, scratch
from pipeline.layers.lines import apart, lined, spaced
from pipeline.layers.product import Windows, multiply
from pipeline.layers.span import tap
from pipeline.network import Axis

BLOCK = 2**20
"""Bytes of z that are made at once: a quarter of the second-level cache of a current core."""


def block_rows(row_bytes: int, rows: int) -> int:
    """How many rows are taken at once."""
    return max(1, min(rows, BLOCK // row_bytes))


def forward(x: Array, weight: Array, y: Axis, across: Axis, groups: int) -> Array:
    """The convolution of x [rows, C, columns, n] with weight [kh, kw, C // groups, F]: [rows', F, columns', n]."""
    kh, kw, channels, features = weight.shape
    _, _, columns, n = x.shape
    own = features // groups
    lines = lined(x, y, groups)
    matrices = weight.reshape(kh, kw, channels, groups, own).transpose(3, 1, 4, 0, 2)
    matrices = np.ascontiguousarray(matrices).reshape(groups, 1, kw * own, kh * channels)
    size, line = columns * n, channels * columns * n
    made = empty((y.size_out, features, across.size_out, n), x.dtype)
    step = y.stride * line
    stack = lines.shape[1] * line
    if kw == 1 and across.size_out == columns and not across.before:
        multiply(
            matrices,
            lines,
            Windows(0, stack, step),
            made,
            Windows(0, own * size, features * size),
            y.size_out,
            size,
        )
        return made
    block = block_rows(groups * kw * own * size * x.itemsize, y.size_out)
    for first in range(0, y.size_out, block):
        rows = min(block, y.size_out - first)
        z = scratch("taps", (groups, rows, kw, own, columns, n), x.dtype)
        at = Windows(0, rows * kw * own * size, kw * own * size)
        multiply(matrices, lines, Windows(first * step, stack, step), z, at, rows, size)
        gather(z, apart(made[first : first + rows], groups), across)
    return made


def gather(z: Array, made: Array, across: Axis) -> None:
    """made[..., f, o, n] = sum over taps j of z[..., j, f, o*s + j*d - before, n]."""
    taps = [(j, *tap(across, j)) for j in range(across.kernel)]
    whole = [j for j, outputs, _ in taps if outputs.stop - outputs.start == across.size_out]
    if len(whole) > 1:
        (one, _, here), (two, _, there) = taps[whole[0]], taps[whole[1]]
        np.add(z[:, :, one, :, here], z[:, :, two, :, there], out=made)
    elif whole:
        made[...] = z[:, :, whole[0], :, taps[whole[0]][2]]
    else:
        made[...] = 0
    for j, outputs, inputs in taps:
        if j not in whole[:2]:
            made[:, :, :, outputs] += z[:, :, j, :, inputs]


def vjp(g: Array, weight: Array, y: Axis, across: Axis, groups: int, mask: Array | None = None) -> Array:
    """The gradient by x, given that by the convolution, g [rows', F, columns', n], times mask; row stride 1 only."""
    kh, kw, channels, features = weight.shape
    _, _, columns, n = g.shape
    own = features // groups
    lines = spaced(g, kh - 1, groups, mask)
    matrices = weight[::-1].reshape(kh, kw, channels, groups, own).transpose(3, 1, 2, 0, 4)
    matrices = np.ascontiguousarray(matrices).reshape(groups, 1, kw * channels, kh * own)
    size, line = columns * n, own * columns * n
    stack = lines.shape[1] * line
    made = empty((y.size_in, groups * channels, across.size_in, n), g.dtype)
    if kw == 1 and across.size_in == columns and not across.before:
        at = Windows(0, channels * size, groups * channels * size)
        multiply(matrices, lines, Windows(y.before * line, stack, line), made, at, y.size_in, size)
        return made
    block = block_rows(groups * kw * channels * size * g.itemsize, y.size_in)
    for first in range(0, y.size_in, block):
        rows = min(block, y.size_in - first)
        z = scratch("taps", (groups, rows, kw, channels, columns, n), g.dtype)
        at = Windows(0, rows * kw * channels * size, kw * channels * size)
        multiply(matrices, lines, Windows((first + y.before) * line, stack, line), z, at, rows, size)
        scatter(z, apart(made[first : first + rows], groups), across)
    return made


def scatter(z: Array, made: Array, across: Axis) -> None:
    """The transpose of `gather`."""
    outputs, inputs = tap(across, 0)
    if across.stride == 1:
        made[:, :, :, : inputs.start] = 0
        made[:, :, :, inputs] = z[:, :, 0, :, outputs]
        made[:, :, :, inputs.stop :] = 0
    else:
        made[...] = 0
    for j in range(across.stride == 1, across.kernel):
        outputs, inputs = tap(across, j)
        made[:, :, :, inputs] += z[:, :, j, :, outputs]
