"""Adding what the taps of a window give back to the columns that it read: the transpose of unfolding."""

from math import gcd

import numpy as np
from numpy.lib.stride_tricks import as_strided

from pipeline.ops.array import Array
from pipeline.ops.bound import Calls
from pipeline.ops.buffer import Place, scratch
from pipeline.ops.phases import merge
from pipeline.stem.plane import Axis


def refold(calls: Calls, taps: Array, across: Axis, made: Array) -> None:
    """Calls: made[..., o*s + j*d - before, n] = sum over taps[..., j, :, o * n + n'], zero where no window reads.

    taps [groups, rows, kw, C, (columns' + behind) * n] with zeros behind, contiguous from kw on; made [groups, rows, C,
    columns, n]. The taps of a phase of the stride are a whole number of columns apart, and are added up at once.
    """
    groups, rows, kw, channels, pitch = taps.shape
    stride, n, item = across.stride, made.shape[4], taps.itemsize
    apart = stride // gcd(stride, across.dilation)  # taps from one to the next of its phase
    far = apart * across.dilation // stride  # and columns
    size = channels * pitch
    lines = taps.reshape(groups, rows, kw * size)
    phases = scratch(Place.SUMS, (stride, groups, rows, channels, pitch), taps.dtype)
    sums = phases.reshape(stride, groups, rows, size)
    unmet = set(range(stride))
    for first in range(min(apart, kw)):
        shift, phase = divmod(first * across.dilation, stride)
        unmet.remove(phase)
        shape = groups, rows, len(range(first, kw, apart)), size
        strides = (*taps.strides[:2], (apart * size - far * n) * item, item)
        shifted = as_strided(lines[..., first * size - shift * n :], shape, strides)
        calls.append((np.add.reduce, (shifted, 2, None, sums[phase])))
    calls += [(sums[phase].fill, (0,)) for phase in sorted(unmet)]
    merge(calls, phases, across.before, stride, made)
