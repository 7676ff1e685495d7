"""Nearest up-sampling: output o reads input (o + before) // factor of the piece that it is handed."""

import numpy as np

from pipeline.ops.bound import Bound, Calls
from pipeline.ops.buffer import Array, Place, room, scratch
from pipeline.ops.passes import copied
from pipeline.stem.plane import Axis


def forward(x: Array, y: Axis, across: Axis, level: int | None = None) -> Bound:
    """Each pixel of x [rows, C, columns, n] repeated along both axes, cut to the outputs that are asked for."""
    out = room(level, x, (y.size_out, x.shape[1], across.size_out, x.shape[3]), x.dtype)
    whole = _whole(out, y, across)
    pixels = _by_pixel(whole, y, across)
    calls: Calls = [copied(pixels[:, 0, :, :, column], x) for column in range(across.stride)]
    calls += [copied(pixels[:, row], pixels[:, 0]) for row in range(1, y.stride)]
    if whole is not out:
        calls.append(copied(out, _cut(whole, y, across)))
    return Bound(x, out, calls)


def vjp(g: Array, y: Axis, across: Axis, level: int | None = None) -> Bound:
    """The gradient by x: the sum of g [rows', C, columns', n] over each pixel's block."""
    out = room(level, g, (y.size_in, g.shape[1], across.size_in, g.shape[3]), g.dtype)
    whole = _whole(g, y, across)
    calls: Calls = []
    if whole is not g:
        calls += [(whole.fill, (0,)), copied(_cut(whole, y, across), g)]
    calls.append((np.add.reduce, (_by_pixel(whole, y, across), (1, 4), None, out)))
    return Bound(g, out, calls)


def _whole(outputs: Array, y: Axis, across: Axis) -> Array:
    """Room for the outputs of all pixels; `outputs` itself if it holds them all."""
    shape = y.size_in * y.stride, outputs.shape[1], across.size_in * across.stride, outputs.shape[3]
    if outputs.shape == shape and outputs.flags.c_contiguous:
        return outputs
    return scratch(Place.PLANE, shape, outputs.dtype)


def _by_pixel(whole: Array, y: Axis, across: Axis) -> Array:
    """[rows, stride, C, columns, stride, n]: the outputs of each pixel."""
    _, channels, _, n = whole.shape
    return whole.reshape(y.size_in, y.stride, channels, across.size_in, across.stride, n)


def _cut(whole: Array, y: Axis, across: Axis) -> Array:
    """The outputs that are asked for."""
    return whole[y.before : y.before + y.size_out, :, across.before : across.before + across.size_out]
