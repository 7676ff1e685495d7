"""Max, average and global average pooling."""

import numpy as np
import numpy.typing as npt

from pipeline.layers.array import Array
from pipeline.layers.span import placed
from pipeline.network import Axis


def _padded(x: Array, y: Axis, across: Axis, value: float) -> Array:
    _, channels, _, n = x.shape
    padded = np.full(
        (y.size_in + y.before + y.after, channels, across.size_in + across.before + across.after, n), value, x.dtype
    )
    (rows, source_rows), (columns, source_columns) = placed(y), placed(across)
    padded[rows, :, columns] = x[source_rows, :, source_columns]
    return padded


def _unpadded(g: Array, y: Axis, across: Axis) -> Array:
    (rows, source_rows), (columns, source_columns) = placed(y), placed(across)
    cut = np.zeros((y.size_in, g.shape[1], across.size_in, g.shape[3]), g.dtype)
    cut[source_rows, :, source_columns] = g[rows, :, columns]
    return cut


def _taps(axis: Axis) -> list[slice]:
    """Where each tap of the window stands in the padded line, for all outputs."""
    return [slice(i, i + (axis.size_out - 1) * axis.stride + 1, axis.stride) for i in range(axis.kernel)]


def max_forward(x: Array, y: Axis, across: Axis) -> tuple[Array, npt.NDArray[np.int32]]:
    """The largest of each window and its place, the first of ties in row-major order; pads with -inf."""
    padded = _padded(x, y, across, -np.inf)
    shape = (y.size_out, x.shape[1], across.size_out, x.shape[3])
    largest = np.full(shape, -np.inf, x.dtype)
    place = np.zeros(shape, np.int32)
    for i, rows in enumerate(_taps(y)):
        for j, columns in enumerate(_taps(across)):
            value = padded[rows, :, columns]
            larger = (value > largest) | (value != value)  # a NaN is passed on
            np.copyto(largest, value, where=larger)
            place[larger] = i * across.kernel + j
    return largest, place


def max_vjp(g: Array, place: npt.NDArray[np.int32], y: Axis, across: Axis) -> Array:
    """The gradient by x: each output's goes to the pixel that was the largest."""
    height, width = y.size_in + y.before + y.after, across.size_in + across.before + across.after
    padded = np.zeros((height, g.shape[1], width, g.shape[3]), g.dtype)
    for i, rows in enumerate(_taps(y)):
        for j, columns in enumerate(_taps(across)):
            padded[rows, :, columns] += g * (place == i * across.kernel + j)
    return _unpadded(padded, y, across)


def average_forward(x: Array, y: Axis, across: Axis) -> Array:
    """The mean of each window; pads zeros and counts them."""
    padded = _padded(x, y, across, 0.0)
    rows = np.zeros((y.size_out, *padded.shape[1:]), x.dtype)
    for taps in _taps(y):
        rows += padded[taps]
    made = np.zeros((y.size_out, x.shape[1], across.size_out, x.shape[3]), x.dtype)
    for taps in _taps(across):
        made += rows[:, :, taps]
    made /= y.kernel * across.kernel
    return made


def average_vjp(g: Array, y: Axis, across: Axis) -> Array:
    """The gradient by x: each output's spread evenly over its window."""
    height, width = y.size_in + y.before + y.after, across.size_in + across.before + across.after
    rows = np.zeros((y.size_out, g.shape[1], width, g.shape[3]), g.dtype)
    share = g / g.dtype.type(y.kernel * across.kernel)
    for taps in _taps(across):
        rows[:, :, taps] += share
    padded = np.zeros((height, g.shape[1], width, g.shape[3]), g.dtype)
    for taps in _taps(y):
        padded[taps] += rows
    return _unpadded(padded, y, across)


def global_forward(x: Array) -> Array:
    """The mean over the plane, as a 1x1 plane."""
    mean: Array = x.mean(axis=(0, 2), keepdims=True)
    return mean


def global_vjp(g: Array, y: Axis, across: Axis) -> Array:
    """The gradient by x: the output's spread evenly over the plane."""
    share = g / g.dtype.type(y.size_in * across.size_in)
    return np.broadcast_to(share, (y.size_in, g.shape[1], across.size_in, g.shape[3]))
