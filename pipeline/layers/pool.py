"""Max, average and global average pooling."""

from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.layers.array import Array
from pipeline.layers.buffer import empty
from pipeline.layers.span import placed
from pipeline.network import Axis

Places = npt.NDArray[np.integer[Any]]
"""The number of the tap that was the largest, for each output."""


def _padded(x: Array, y: Axis, across: Axis, value: float) -> Array:
    _, channels, _, n = x.shape
    if not (y.before or y.after or across.before or across.after):
        return x
    padded = np.full(
        (y.size_in + y.before + y.after, channels, across.size_in + across.before + across.after, n), value, x.dtype
    )
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


def _taps(axis: Axis) -> list[slice]:
    """Where each tap of the window stands in the padded line, for all outputs."""
    return [slice(i, i + (axis.size_out - 1) * axis.stride + 1, axis.stride) for i in range(axis.kernel)]


def max_forward(x: Array, y: Axis, across: Axis) -> tuple[Array, Places]:
    """The largest of each window and its place, the first of ties in row-major order; pads with -inf.

    A NaN is passed on. Windows are copied, tap by tap, before they are compared: NumPy computes on strided pixels a few
    numbers at a time. Of T taps, tap t is written as T - t, so that the first of ties is the largest.
    """
    padded = _pixels(_padded(x, y, across, -np.inf))
    largest = empty((y.size_out, x.shape[1], across.size_out, x.shape[3]), x.dtype)
    value = empty(largest.shape, x.dtype)
    taps = _window(y, across)
    _pixels(largest)[...] = padded[taps[0]]
    for tap in taps[1:]:
        _pixels(value)[...] = padded[tap]
        np.maximum(largest, value, out=largest)
    place = np.zeros(largest.shape, np.uint8 if len(taps) < 256 else np.int32)
    here = np.empty_like(place)
    equal = np.empty(largest.shape, np.bool_)
    for number, tap in enumerate(taps):
        _pixels(value)[...] = padded[tap]
        np.equal(value, largest, out=equal)
        np.multiply(equal, place.dtype.type(len(taps) - number), out=here)
        np.maximum(place, here, out=place)
    return largest, place


def max_vjp(g: Array, place: Places, y: Axis, across: Axis) -> Array:
    """The gradient by x: each output's goes to the pixel that was the largest."""
    height, width = y.size_in + y.before + y.after, across.size_in + across.before + across.after
    padded = np.zeros((height, g.shape[1], width, g.shape[3]), g.dtype)
    share, before = empty(g.shape, g.dtype), empty(g.shape, g.dtype)
    taps = _window(y, across)
    for number, tap in enumerate(taps):
        np.multiply(g, place == len(taps) - number, out=share)
        _pixels(before)[...] = _pixels(padded)[tap]
        share += before
        _pixels(padded)[tap] = _pixels(share)
    return _unpadded(padded, y, across)


def _pixels(x: Array) -> npt.NDArray[Any]:
    """[rows, C, columns]: the probes of a pixel as one item, which is copied at once."""
    if x.strides[3] != x.itemsize:
        x = np.ascontiguousarray(x)
    return x.view(f"V{x.shape[3] * x.itemsize}")[..., 0]


def _window(y: Axis, across: Axis) -> list[tuple[slice, slice, slice]]:
    """Where each tap of a window stands in the padded plane, for all outputs; taps in row-major order."""
    return [(rows, slice(None), columns) for rows in _taps(y) for columns in _taps(across)]


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
