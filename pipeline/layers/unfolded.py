"""Convolution by unfolding the columns of its operand: any stride, any dilation.

With x [rows, C, columns, n], kernel [kh, kw, C, F], stride s, dilation d, and the padded rows r:

    u[r, c, j, o, n]   = x[r, c, o*s + j*d - before, n]                        one copy for each of the kw taps
    y[p, f, o, n]      = sum over i, c, j of w[i, j, c, f] u[p*s + i*d, c, j, o, n]

A row of u is contiguous, so for d = 1 the kh rows that output row p reads are one [kh*C*kw, columns'*n] operand, and
the layer is a batch of products, one for each output row, with nothing to add up. For d > 1 the rows are not
neighbours, and kh products are added. Where there is one output column, u is x itself. The gradient is the transpose:

    h[p, i, c, j, o, n]            = sum over f of w[i, j, c, f] g[p, f, o, n]     the transposed product
    du[p*s + i*d, ...]            += h[p, i, ...]                                  overlap-add of rows
    dx[r, c, o*s + j*d - before]  += du[r, c, j, o, n]                             overlap-add of columns
"""

import numpy as np

from pipeline.layers.array import Array
from pipeline.layers.bound import Bound, Calls
from pipeline.layers.buffer import empty, scratch
from pipeline.layers.choice import Shape
from pipeline.layers.lines import apart, lined, pixels
from pipeline.layers.product import Windows, multiply
from pipeline.layers.span import placed, tap
from pipeline.network import Axis


def forward(x: Array, shape: Shape, y: Axis, across: Axis, groups: int) -> Bound:
    """The convolution of x [rows, C, columns, n] with a weight of `shape` [kh, kw, C // groups, F]."""
    kh, kw, channels, features = shape
    n = x.shape[3]
    own = features // groups
    size = across.size_out * n
    calls: Calls = []
    unfolded = _unfold(calls, lined(calls, x, y, groups, 0), across, x.shape[2:])
    line = channels * kw * size
    stack = unfolded.shape[1] * line
    matrices = scratch("kernel", (groups, own, kh, channels, kw), x.dtype)
    made = empty((y.size_out, features, across.size_out, n), x.dtype)
    at = Windows(0, own * size, features * size, size)
    if y.dilation == 1:
        read = Windows(0, stack, y.stride * line, size)
        multiply(calls, matrices.reshape(groups, 1, own, -1), unfolded, read, made, at, y.size_out, size)
    else:
        part = empty(made.shape, x.dtype)
        for i in range(kh):
            target = part if i else made
            read = Windows(i * y.dilation * line, stack, y.stride * line, size)
            kernel = empty((groups, 1, own, channels * kw), x.dtype)
            calls.append((np.copyto, (kernel.reshape(groups, own, channels, kw), matrices[:, :, i])))
            multiply(calls, kernel, unfolded, read, target, at, y.size_out, size)
            if i:
                calls.append((np.add, (made, part, made)))
    return Bound(x, None, matrices.transpose(2, 4, 3, 0, 1), made, calls)


def vjp(g: Array, shape: Shape, y: Axis, across: Axis, groups: int, mask: Array | None = None) -> Bound:
    """The gradient by x, given that by the convolution, g [rows', F, columns', n], times mask."""
    kh, kw, channels, features = shape
    n = g.shape[3]
    own = features // groups
    size = across.size_out * n
    calls: Calls = []
    masked = g
    if mask is not None or not g.flags.c_contiguous:
        masked = empty(g.shape, g.dtype)
        calls.append((np.copyto, (masked, g)) if mask is None else (np.multiply, (g, mask, masked)))
    matrices = scratch("kernel", (groups, kh, channels, kw, own), g.dtype)
    spread = empty((groups, y.size_out, kh, channels, kw, across.size_out, n), g.dtype)
    line = kh * channels * kw * size
    read = Windows(0, own * size, features * size, size)
    at = Windows(0, y.size_out * line, line, size)
    multiply(calls, matrices.reshape(groups, 1, -1, own), masked, read, spread, at, y.size_out, size)
    kernel = matrices.transpose(1, 3, 2, 0, 4)
    there, source = placed(y)
    rows = y.size_in + y.before + y.after
    if y.size_out == 1 and y.dilation == 1 and rows == kh:
        unfolded = spread[:, 0]
    else:
        unfolded = empty((groups, rows, channels, kw, across.size_out, n), g.dtype)
        calls.append((unfolded.fill, (0,)))
        for i in range(kh):
            first = i * y.dilation
            added = unfolded[:, first : first + (y.size_out - 1) * y.stride + 1 : y.stride]
            calls.append((np.add, (added, spread[:, :, i], added)))
    if groups == 1 and _is_whole(across) and there == slice(0, y.size_in) and rows == y.size_in:
        return Bound(g, mask, kernel, unfolded.reshape(y.size_in, channels, across.size_in, n), calls)
    made = empty((y.size_in, groups * channels, across.size_in, n), g.dtype)
    calls.append((made.fill, (0,)))
    folded = apart(made[source], groups)
    for j in range(kw):
        outputs, inputs = tap(across, j)
        added = folded[:, :, :, inputs]
        calls.append((np.add, (added, unfolded[:, there, :, j, outputs], added)))
    return Bound(g, mask, kernel, made, calls)


def _is_whole(across: Axis) -> bool:
    """One output that reads every column, in order."""
    return across.size_out == 1 and across.dilation == 1 and across.size_in == across.kernel and not across.before


def _unfold(calls: Calls, lines: Array, across: Axis, sides: tuple[int, ...]) -> Array:
    """u of the derivation: [groups, padded rows, C, kw, columns', n], zero where the padding is read."""
    groups, rows, channels, line = lines.shape
    columns, n = sides
    shape = (groups, rows, channels, across.kernel, across.size_out, n)
    if _is_whole(across) and line == columns * n:
        return lines.reshape(shape)
    x = pixels(lines, columns, n)
    unfolded = scratch("unfolded", shape, lines.dtype)
    for j in range(across.kernel):
        outputs, inputs = tap(across, j)
        if outputs.stop - outputs.start < across.size_out:
            calls.append((unfolded[:, :, :, j].fill, (0,)))
        calls.append((np.copyto, (unfolded[:, :, :, j, outputs], x[:, :, :, inputs])))
    return unfolded
