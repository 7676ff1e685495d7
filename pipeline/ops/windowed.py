"""Convolution by one product for each window: windows that are equal make outputs that are equal to the bit.

A product of BLAS rounds by where in it a number stands: what is left of its columns behind the last whole vector, or
block, is summed in another order. Two windows that hold the same numbers, as those of constant probes do, then make
outputs that differ in their last bit, and a max pool behind them finds a largest where there is none. Here all windows
are products of one shape, each of which begins on a cache line,

    u[p, o, i, j, c, n]  = x[p*s + i*d - before, c, o*s + j*d - before, n]          zero where the padding is read
    y[p, o, f, n]        = sum over i, j, c of w[i, j, c, f] u[p, o, i, j, c, n]

so that an output follows from its window alone, whatever BLAS it is. That takes a few times as long as the other ways.
"""

import numpy as np
from numpy.lib.stride_tricks import as_strided

from pipeline.ops.bound import Bound, Calls
from pipeline.ops.buffer import Array, Place, room, scratch
from pipeline.ops.choice import Shape
from pipeline.ops.lines import pitch
from pipeline.ops.passes import copy_call, weight_setter
from pipeline.ops.planes import padded_copy
from pipeline.ops.span import blocks
from pipeline.stem import Axis


def forward(x: Array, shape: Shape, y: Axis, across: Axis, groups: int, place: int | None = None) -> Bound:
    """Returns the bound convolution of x [rows, C, columns, n] with a weight of `shape` [kh, kw, C // groups, F].

    Its result is [rows', F, columns', n], of the dtype of x, float32 or float64.
    """
    kh, kw, channels, features = shape
    n, own, depth = x.shape[3], features // groups, kh * kw * channels
    calls: Calls = []
    kernel = scratch(Place.KERNEL, (groups, own, kh, kw, channels), x.dtype)
    out = room(place, (y.size_out, features, across.size_out, n), x.dtype)
    padded = padded_copy(calls, Place.OPERAND, x, y, across)
    line, beside = pitch(depth * n, x.itemsize), pitch(own * n, x.itemsize)
    row, channel, column, item = padded.strides
    strides = y.stride * row, across.stride * column, channels * channel, y.dilation * row, across.dilation * column
    for rows in blocks(y.size_out, across.size_out * groups * line * x.itemsize):
        places = len(rows), across.size_out, groups
        u, product = (
            scratch(Place.UNFOLDED, (*places, line), x.dtype),
            scratch(Place.PRODUCT, (*places, beside), x.dtype),
        )
        windows = as_strided(padded[rows.start * y.stride :], (*places, kh, kw, channels, n), (*strides, channel, item))
        summed = product[..., : own * n].reshape(*places, own, n)
        there = out[rows.start : rows.stop].reshape(len(rows), groups, own, across.size_out, n)
        calls += [
            copy_call(u[..., : depth * n].reshape(windows.shape), windows),
            (np.matmul, (kernel.reshape(groups, own, depth), u[..., : depth * n].reshape(*places, depth, n), summed)),
            copy_call(there, summed.transpose(0, 2, 3, 1, 4)),
        ]
    weigh = weight_setter(kernel.transpose(2, 3, 4, 0, 1))
    return Bound(x, out, calls, lambda own: weigh(own.kernel))
