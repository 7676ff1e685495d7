"""Transposed convolution: the VJP of a convolution, run forward, and the other way round.

Input pixel n feeds outputs n*s - before + i*d. That is how a convolution that reads the larger plane spreads the
gradient of its output pixel n, so both directions are those of `conv` with the ends of each axis exchanged.
"""

import numpy as np

from pipeline.layers import conv
from pipeline.layers.array import Array
from pipeline.network import Axis


def forward(x: Array, weight: Array, y: Axis, across: Axis, groups: int = 1) -> Array:
    """The transposed convolution of x [rows, C, columns, n] with weight [kh, kw, C // groups, F]."""
    return conv.vjp(x, _exchanged(weight, groups), _mirrored(y), _mirrored(across), groups)


def vjp(g: Array, weight: Array, y: Axis, across: Axis, groups: int = 1) -> Array:
    """The gradient by x, given the gradient g [rows', F, columns', n]."""
    return conv.forward(g, _exchanged(weight, groups), _mirrored(y), _mirrored(across), groups)


def _mirrored(axis: Axis) -> Axis:
    return Axis(axis.size_out, axis.size_in, axis.kernel, axis.stride, axis.dilation, axis.before, axis.after)


def _exchanged(weight: Array, groups: int) -> Array:
    """[kh, kw, C // groups, F] as [kh, kw, F // groups, C]."""
    kh, kw, inputs, features = weight.shape
    split = weight.reshape(kh, kw, inputs, groups, features // groups).transpose(0, 1, 4, 3, 2)
    return np.ascontiguousarray(split).reshape(kh, kw, features // groups, groups * inputs)
