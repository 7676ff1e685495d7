"""Nearest up-sampling: output o reads input (o + before) // factor of the piece that it is handed."""

import numpy as np

from pipeline.ops.array import Array
from pipeline.stem.plane import Axis


def forward(x: Array, y: Axis, across: Axis) -> Array:
    """Each pixel of x [rows, C, columns, n] repeated along both axes, cut to the outputs that are asked for."""
    rows = np.repeat(x, y.stride, axis=0)[y.before : y.before + y.size_out]
    return np.repeat(rows, across.stride, axis=2)[:, :, across.before : across.before + across.size_out]


def vjp(g: Array, y: Axis, across: Axis) -> Array:
    """The gradient by x: the sum over each pixel's block."""
    _, channels, _, n = g.shape
    blocks = np.zeros((y.size_in * y.stride, channels, across.size_in * across.stride, n), g.dtype)
    blocks[y.before : y.before + y.size_out, :, across.before : across.before + across.size_out] = g
    split = blocks.reshape(y.size_in, y.stride, channels, across.size_in, across.stride, n)
    summed: Array = split.sum(axis=(1, 4))
    return summed
