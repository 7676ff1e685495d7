"""Transposed convolution: the VJP of a convolution, run forward, and the other way round.

Input pixel n feeds outputs n*s - before + i*d. That is how a convolution that reads the larger plane spreads the
gradient of its output pixel n, so both directions are those of `conv` with the ends of each axis exchanged.
"""

import numpy as np

from pipeline.ops import conv
from pipeline.ops.array import Array
from pipeline.stem.plane import Axis


def forward(x: Array, weight: Array, y: Axis, across: Axis, groups: int = 1, ties: bool = False) -> Array:
    """The transposed convolution of x [rows, C, columns, n] with weight [kh, kw, C // groups, F].

    `ties` asks for equal bits of outputs that are fed the same by the same taps; see `conv.forward`.
    """
    if ties:
        return _by_windows(x, weight, y, across, groups)
    return conv.vjp(x, _exchanged(weight, groups), _mirrored(y), _mirrored(across), groups)


def vjp(g: Array, weight: Array, y: Axis, across: Axis, groups: int = 1) -> Array:
    """The gradient by x, given the gradient g [rows', F, columns', n]."""
    return conv.forward(g, _exchanged(weight, groups), _mirrored(y), _mirrored(across), groups)


def _by_windows(x: Array, weight: Array, y: Axis, across: Axis, groups: int) -> Array:
    """The convolution of x, its pixels apart among zeros, with the kernel turned round."""
    spread = np.zeros((_apart(y), x.shape[1], _apart(across), x.shape[3]), x.dtype)
    spread[:: y.stride, :, :: across.stride] = x
    turned = np.ascontiguousarray(weight[::-1, ::-1])
    return conv.forward(spread, turned, _reading(y), _reading(across), groups, ties=True)


def _apart(axis: Axis) -> int:
    """How many pixels a line has whose own are a stride apart."""
    return (axis.size_in - 1) * axis.stride + 1


def _reading(axis: Axis) -> Axis:
    """Output o reads pixels o - before + i*d of that line; before and after may be negative."""
    before = axis.dilation * (axis.kernel - 1) - axis.before
    after = axis.size_out + axis.dilation * (axis.kernel - 1) - before - _apart(axis)
    return Axis(_apart(axis), axis.size_out, axis.kernel, 1, axis.dilation, before, after)


def _mirrored(axis: Axis) -> Axis:
    return Axis(axis.size_out, axis.size_in, axis.kernel, axis.stride, axis.dilation, axis.before, axis.after)


def _exchanged(weight: Array, groups: int) -> Array:
    """[kh, kw, C // groups, F] as [kh, kw, F // groups, C]."""
    kh, kw, inputs, features = weight.shape
    split = weight.reshape(kh, kw, inputs, groups, features // groups).transpose(0, 1, 4, 3, 2)
    return np.ascontiguousarray(split).reshape(kh, kw, features // groups, groups * inputs)
