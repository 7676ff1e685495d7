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
from pipeline.layers.buffer import empty, scratch
from pipeline.layers.lines import apart, lined
from pipeline.layers.product import Windows, multiply
from pipeline.layers.span import placed, tap
from pipeline.network import Axis


def forward(x: Array, weight: Array, y: Axis, across: Axis, groups: int) -> Array:
    """The convolution of x [rows, C, columns, n] with weight [kh, kw, C // groups, F]: [rows', F, columns', n]."""
    kh, kw, channels, features = weight.shape
    n = x.shape[3]
    own = features // groups
    size = across.size_out * n
    unfolded = _unfold(lined(x, y, groups), across)
    line = channels * kw * size
    stack = unfolded.shape[1] * line
    # [groups, F, kh, C, kw]
    matrices = np.ascontiguousarray(weight.reshape(kh, kw, channels, groups, own).transpose(3, 4, 0, 2, 1))
    made = empty((y.size_out, features, across.size_out, n), x.dtype)
    at = Windows(0, own * size, features * size, size)
    if y.dilation == 1:
        read = Windows(0, stack, y.stride * line, size)
        multiply(matrices.reshape(groups, 1, own, -1), unfolded, read, made, at, y.size_out, size)
        return made
    made[...] = 0
    for i in range(kh):
        tap_made = scratch("taps", made.shape, x.dtype)
        kernel = np.ascontiguousarray(matrices[:, :, i]).reshape(groups, 1, own, -1)
        read = Windows(i * y.dilation * line, stack, y.stride * line, size)
        multiply(kernel, unfolded, read, tap_made, at, y.size_out, size)
        made += tap_made
    return made


def vjp(g: Array, weight: Array, y: Axis, across: Axis, groups: int) -> Array:
    """The gradient by x, given the gradient g [rows', F, columns', n] by the convolution: [rows, C, columns, n]."""
    kh, kw, channels, features = weight.shape
    n = g.shape[3]
    own = features // groups
    size = across.size_out * n
    matrices = np.ascontiguousarray(weight.reshape(kh, kw, channels, groups, own).transpose(3, 0, 2, 1, 4))
    matrices = matrices.reshape(groups, 1, kh * channels * kw, own)
    spread = empty((groups, y.size_out, kh, channels, kw, across.size_out, n), g.dtype)
    line = kh * channels * kw * size
    read = Windows(0, own * size, features * size, size)
    at = Windows(0, y.size_out * line, line, size)
    multiply(matrices, np.ascontiguousarray(g), read, spread, at, y.size_out, size)
    there, source = placed(y)
    if y.size_out == 1 and y.dilation == 1:
        unfolded = spread[:, 0]
    else:
        rows = y.size_in + y.before + y.after
        unfolded = np.zeros((groups, rows, channels, kw, across.size_out, n), g.dtype)
        for i in range(kh):
            first = i * y.dilation
            unfolded[:, first : first + (y.size_out - 1) * y.stride + 1 : y.stride] += spread[:, :, i]
    if groups == 1 and _is_whole(across) and there == slice(0, y.size_in) and unfolded.shape[1] == y.size_in:
        return unfolded.reshape(y.size_in, channels, across.size_in, n)
    made = empty((y.size_in, groups * channels, across.size_in, n), g.dtype)
    if source != slice(0, y.size_in):
        made[...] = 0
    _fold(unfolded[:, there], apart(made[source], groups), across)
    return made


def _fold(unfolded: Array, made: Array, across: Axis) -> None:
    """The overlap-add of columns."""
    made[...] = 0
    for j in range(across.kernel):
        outputs, inputs = tap(across, j)
        made[:, :, :, inputs] += unfolded[:, :, :, j, outputs]


def _is_whole(across: Axis) -> bool:
    """One output that reads every column, in order."""
    return (
        across.size_out == 1 and across.dilation == 1 and across.size_in == across.kernel and not across.before
    )


def _unfold(lines: Array, across: Axis) -> Array:
    """u of the derivation: [groups, padded rows, C, kw, columns', n], zero where the padding is read."""
    groups, rows, channels, _, n = lines.shape
    shape = (groups, rows, channels, across.kernel, across.size_out, n)
    if _is_whole(across):
        return lines.reshape(shape)
    unfolded = scratch("unfolded", shape, lines.dtype)
    for j in range(across.kernel):
        outputs, inputs = tap(across, j)
        if outputs.stop - outputs.start < across.size_out:
            unfolded[:, :, :, j] = 0
        unfolded[:, :, :, j, outputs] = lines[:, :, :, inputs]
    return unfolded
