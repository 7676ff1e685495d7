"""Nearest up-sampling: output o reads input (o + before) // factor of the piece that it is handed."""

import numpy as np

from pipeline.ops.bound import Bound, Calls
from pipeline.ops.buffer import Array, Place, room, scratch
from pipeline.ops.passes import copy_call
from pipeline.stem import Axis


def forward(x: Array, y: Axis, across: Axis, place: int | None = None) -> Bound:
    """Returns the bound up-sampling of x [rows, C, columns, n], of its dtype: each pixel repeated along both axes.

    The result is [rows', C, columns', n], the outputs that are asked for.
    """
    out = room(place, (y.size_out, x.shape[1], across.size_out, x.shape[3]), x.dtype)
    whole = _whole(out, y, across)
    pixels = _by_pixel(whole, y, across)
    calls: Calls = [copy_call(pixels[:, 0, :, :, column], x) for column in range(across.stride)]
    calls += [copy_call(pixels[:, row], pixels[:, 0]) for row in range(1, y.stride)]
    if whole is not out:
        calls.append(copy_call(out, _cut(whole, y, across)))
    return Bound(x, out, calls)


def vjp(g: Array, y: Axis, across: Axis, place: int | None = None) -> Bound:
    """Returns the bound gradient by x [rows, C, columns, n]: the sum of g over each pixel's block, of its dtype."""
    out = room(place, (y.size_in, g.shape[1], across.size_in, g.shape[3]), g.dtype)
    whole = _whole(g, y, across)
    calls: Calls = []
    if whole is not g:
        calls += [(whole.fill, (0,)), copy_call(_cut(whole, y, across), g)]
    calls.append((np.add.reduce, (_by_pixel(whole, y, across), (1, 4), None, out)))
    return Bound(g, out, calls)


def _whole(outputs: Array, y: Axis, across: Axis) -> Array:
    """Returns memory for the outputs of all pixels; `outputs` itself if it holds them all."""
    shape = y.size_in * y.stride, outputs.shape[1], across.size_in * across.stride, outputs.shape[3]
    if outputs.shape == shape and outputs.flags.c_contiguous:
        return outputs
    return scratch(Place.PLANE, shape, outputs.dtype)


def _by_pixel(whole: Array, y: Axis, across: Axis) -> Array:
    """Returns the outputs of each pixel, a view [rows, stride, C, columns, stride, n]."""
    _, channels, _, n = whole.shape
    return whole.reshape(y.size_in, y.stride, channels, across.size_in, across.stride, n)


def _cut(whole: Array, y: Axis, across: Axis) -> Array:
    """Returns a view of the outputs that are asked for."""
    return whole[y.before : y.before + y.size_out, :, across.before : across.before + across.size_out]
