"""Average and global average pooling."""

import numpy as np

from pipeline.ops.array import Array
from pipeline.ops.span import padded_taps, placed
from pipeline.stem.plane import Axis


def _padded(x: Array, y: Axis, across: Axis) -> Array:
    _, channels, _, n = x.shape
    if not (y.before or y.after or across.before or across.after):
        return x
    height, width = y.size_in + y.before + y.after, across.size_in + across.before + across.after
    padded = np.zeros((height, channels, width, n), x.dtype)
    (rows, source_rows), (columns, source_columns) = placed(y), placed(across)
    padded[rows, :, columns] = x[source_rows, :, source_columns]
    return padded


def _unpadded(g: Array, y: Axis, across: Axis) -> Array:
    if not (y.before or y.after or across.before or across.after):
        return g
    (rows, source_rows), (columns, source_columns) = placed(y), placed(across)
    cut = np.zeros((y.size_in, g.shape[1], across.size_in, g.shape[3]), g.dtype)
    cut[source_rows, :, source_columns] = g[rows, :, columns]
    return cut


def average_forward(x: Array, y: Axis, across: Axis) -> Array:
    """The mean of each window; pads zeros and counts them."""
    padded = _padded(x, y, across)
    rows = np.zeros((y.size_out, *padded.shape[1:]), x.dtype)
    for taps in padded_taps(y, y.size_out):
        rows += padded[taps]
    made = np.zeros((y.size_out, x.shape[1], across.size_out, x.shape[3]), x.dtype)
    for taps in padded_taps(across, across.size_out):
        made += rows[:, :, taps]
    made /= y.kernel * across.kernel
    return made


def average_vjp(g: Array, y: Axis, across: Axis) -> Array:
    """The gradient by x: each output's spread evenly over its window."""
    height, width = y.size_in + y.before + y.after, across.size_in + across.before + across.after
    rows = np.zeros((y.size_out, g.shape[1], width, g.shape[3]), g.dtype)
    share = g / g.dtype.type(y.kernel * across.kernel)
    for taps in padded_taps(across, across.size_out):
        rows[:, :, taps] += share
    padded = np.zeros((height, g.shape[1], width, g.shape[3]), g.dtype)
    for taps in padded_taps(y, y.size_out):
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
