"""Convolution, as one batched matrix product each way.

With x [rows, C, columns, n], kernel [kh, kw, C, F], stride s, dilation d, and the padded rows r:

    forward   u[r, j*C + c, o, n] = x[r, c, o*s + j*d - before, n]          one copy for each of the kw taps
              y[p, f, o, n]       = sum_i,j,c w[i, j, c, f] u[p*s + i*d, j*C + c, o, n]

A row of u is contiguous, so for d = 1 the kh rows that output row p reads are one [kh*kw*C, columns*n] operand without
another copy, and the layer is a batch of products, one for each output row, with nothing to accumulate. For d > 1 the
rows are not neighbours, and kh products are accumulated.

    vjp       h[p, i, j*C + c, o, n]         = sum_f w[i, j, c, f] g[p, f, o, n]      the transposed product
              du[p*s + i*d, ...]            += h[p, i, ...]                          overlap-add of rows
              dx[r, c, o*s + j*d - before]  += du[r, j*C + c, o, n]                  overlap-add of columns
"""

import numpy as np

from pipeline.layers.array import Array
from pipeline.layers.span import placed, tap
from pipeline.network import Axis


def forward(x: Array, weight: Array, y: Axis, across: Axis, groups: int = 1) -> Array:
    """The convolution of x [rows, C, columns, n] with weight [kh, kw, C // groups, F]: [rows', F, columns', n]."""
    if groups > 1:
        parts = zip(np.split(x, groups, axis=1), np.split(weight, groups, axis=3), strict=True)
        return np.concatenate([forward(part, kernel, y, across) for part, kernel in parts], axis=1)
    kh, kw, channels, features = weight.shape
    n = x.shape[3]
    unfolded = _unfold(x, y, across)
    columns = across.size_out * n
    if y.dilation == 1:
        matrix = weight.reshape(kh * kw * channels, features).T
        product: Array = np.matmul(matrix, _row_windows(unfolded, y))
        return product.reshape(y.size_out, features, across.size_out, n)
    made = np.zeros((y.size_out, features, columns), x.dtype)
    for i in range(kh):
        rows = unfolded[_tap_rows(y, i)].reshape(y.size_out, kw * channels, columns)
        made += np.matmul(weight[i].reshape(kw * channels, features).T, rows)
    return made.reshape(y.size_out, features, across.size_out, n)


def vjp(g: Array, weight: Array, y: Axis, across: Axis, groups: int = 1) -> Array:
    """The gradient by x, given the gradient g [rows', F, columns', n] by the convolution: [rows, C, columns, n]."""
    if groups > 1:
        parts = zip(np.split(g, groups, axis=1), np.split(weight, groups, axis=3), strict=True)
        return np.concatenate([vjp(part, kernel, y, across) for part, kernel in parts], axis=1)
    kh, kw, channels, features = weight.shape
    n = g.shape[3]
    columns = across.size_out * n
    spread = np.matmul(weight.reshape(kh * kw * channels, features), g.reshape(y.size_out, features, columns))
    spread = spread.reshape(y.size_out, kh, kw * channels, columns)
    unfolded = np.zeros((y.size_in + y.before + y.after, kw * channels, columns), g.dtype)
    for i in range(kh):
        unfolded[_tap_rows(y, i)] += spread[:, i]
    return _fold(unfolded.reshape(-1, kw, channels, across.size_out, n), y, across)


def _tap_rows(y: Axis, i: int) -> slice:
    """The padded rows that tap i of the kernel reads, one for each output row."""
    return slice(i * y.dilation, i * y.dilation + (y.size_out - 1) * y.stride + 1, y.stride)


def _unfold(x: Array, y: Axis, across: Axis) -> Array:
    """u of the derivation: [padded rows, kw, C, columns', n], zero where the padding is read."""
    _, channels, _, n = x.shape
    shape = (y.size_in + y.before + y.after, across.kernel, channels, across.size_out, n)
    unfolded = np.zeros(shape, x.dtype)
    rows, source = placed(y)
    for j in range(across.kernel):
        outputs, inputs = tap(across, j)
        unfolded[rows, j, :, outputs] = x[source, :, inputs]
    return unfolded


def _fold(unfolded: Array, y: Axis, across: Axis) -> Array:
    """The transpose of `_unfold`."""
    _, kw, channels, _, n = unfolded.shape
    folded = np.zeros((y.size_in, channels, across.size_in, n), unfolded.dtype)
    rows, source = placed(y)
    for j in range(kw):
        outputs, inputs = tap(across, j)
        folded[source, :, inputs] += unfolded[rows, j, :, outputs]
    return folded


def _row_windows(unfolded: Array, y: Axis) -> Array:
    """[output rows, kh * kw * C, columns' * n]: overlapping views of the kh contiguous rows that each reads."""
    row, _, _, _, item = unfolded.strides
    _, kw, channels, width, n = unfolded.shape
    columns = width * n
    shape = (y.size_out, y.kernel * kw * channels, columns)
    return np.ndarray(shape, unfolded.dtype, unfolded, 0, (row * y.stride, columns * item, item))
