"""Convolution by unfolding the columns of its operand: any stride, any dilation.

With x [rows, C, columns, n], kernel [kh, kw, C, F], stride s, dilation d, and the padded rows r:

    u[r, j, c, o, n]   = x[r, c, o*s + j*d - before, n]                        one copy for each of the kw taps
    y[p, f, o, n]      = sum over i, j, c of w[i, j, c, f] u[p*s + i*d, j, c, o, n]

A row of u is contiguous, so for d = 1 the kh rows that output row p reads are one [kh*kw*C, columns'*n] operand, in the
order of the weights: w, as it lies in memory, is the transposed matrix. The layer is a batch of products, one for each
output row, with nothing to add up; rows are taken in blocks, so that u is still in the cache when it is multiplied. For
d > 1 the rows are not neighbours, and kh products are added. Where there is one output column, u is x itself. The
gradient is the transpose:

    du[r, j, c, o, n]              = sum over i, f of w[i, j, c, f] g[(r - i*d) / s, f, o, n], where s divides
    dx[r, c, o*s + j*d - before]  += du[r, j, c, o, n]                         overlap-add of columns, see `_refold`

For d = 1 the rows of one phase of the stride read neighbouring rows of g, and are one batch of products. Otherwise, and
where g has one row only, du is an overlap-add of rows, too:

    h[p, i, j, c, o, n]            = sum over f of w[i, j, c, f] g[p, f, o, n]     the transposed product
    du[p*s + i*d, ...]            += h[p, i, ...]
"""

from collections.abc import Callable
from math import gcd
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from pipeline.ops import passes
from pipeline.ops.bound import Bound, Calls
from pipeline.ops.buffer import Array, Place, room, scratch
from pipeline.ops.choice import DEEP, Shape, is_whole_line
from pipeline.ops.lines import as_lines, in_groups, pitch, pixels, product_width, product_width_in
from pipeline.ops.passes import copy_call, fill_calls, weight_setter
from pipeline.ops.phases import columns_behind, merge
from pipeline.ops.product import Windows, correlate, multiply
from pipeline.ops.span import Reach, blocks, padded_slices, tap
from pipeline.stem import Axis


def forward(x: Array, shape: Shape, y: Axis, across: Axis, groups: int, place: int | None = None) -> Bound:
    """Returns the bound convolution of x [rows, C, columns, n] with a weight of `shape` [kh, kw, C // groups, F].

    Its result is [rows', F, columns', n], of the dtype of x, float32 or float64.
    """
    kh, kw, channels, features = shape
    n, own = x.shape[3], features // groups
    size = across.size_out * n
    calls: Calls = []
    lines = as_lines(calls, x, groups, 0)
    whole = is_whole_line(across)
    wide = size if whole or y.dilation > 1 or kh * kw * channels < DEEP else product_width(size, x.itemsize)
    kernel = scratch(Place.KERNEL, (groups, kh, *((channels, kw) if whole else (kw, channels)), own), x.dtype)
    out = room(place, (y.size_out, features, across.size_out, n), x.dtype)
    if y.dilation == 1:
        reach = Reach(-y.before, y.stride, kh)
        matrices = kernel.reshape(groups, 1, -1, own).swapaxes(2, 3)
        row = groups * channels * kw * size * y.stride * x.itemsize
        read = {}
        for rows in [range(y.size_out)] if whole else blocks(y.size_out, row):
            read[rows] = (0, y.size_in) if whole else reach.rows_read(rows, y.size_in)  # u may be x itself: all of it
        if not whole:
            _reserve(max(bottom - top for top, bottom in read.values()), lines, across, n)
        for rows, (top, bottom) in read.items():
            unfolded = _unfold(calls, lines[:, top:bottom], across, n, wide)
            _multiply_rows(calls, matrices, unfolded, reach.below(top), rows, out, wide)
    else:
        _dilated(calls, kernel, _unfold(calls, lines, across, n, wide), y, out)
    weigh = weight_setter(kernel.transpose(1, 3, 2, 0, 4) if whole else kernel.transpose(1, 2, 3, 0, 4))
    return Bound(x, out, calls, lambda own: weigh(own.kernel))


def _multiply_rows(
    calls: Calls, matrices: Array, unfolded: Array, reach: Reach, rows: range, out: Array, wide: int
) -> None:
    """Adds the calls that compute some rows of `out`, by products of `wide` numbers of each line."""
    groups, _, own, _ = matrices.shape
    features, size = out.shape[1], out.shape[2] * out.shape[3]
    if wide == size:
        at = Windows(rows.start * features * size, own * size, features * size, size)
        correlate(calls, matrices, unfolded, reach, rows, out, at, size)
        return
    product = scratch(Place.PRODUCT, (groups, len(rows), own, wide), out.dtype)
    at = Windows(0, len(rows) * own * wide, own * wide, wide)
    correlate(calls, matrices, unfolded, reach, rows, product, at, wide)
    there = in_groups(out[rows.start : rows.stop], groups)
    calls.append(copy_call(there, pixels(product, *out.shape[2:])))


def _dilated(calls: Calls, kernel: Array, unfolded: Array, y: Axis, out: Array) -> None:
    groups, kh, _, _, own = kernel.shape
    rows, line, pitch = unfolded.shape[1:]
    size = out.shape[2] * out.shape[3]
    part = scratch(Place.PRODUCT, out.shape, out.dtype)
    calls.append((out.fill, (0,)))
    for i in range(kh):
        outputs, inputs = tap(y, i)
        count = outputs.stop - outputs.start
        if count:
            matrices = kernel[:, i].reshape(groups, 1, -1, own).swapaxes(2, 3)
            read = Windows(inputs.start * line * pitch, rows * line * pitch, y.stride * line * pitch, pitch)
            put = Windows(0, own * size, groups * own * size, size)
            multiply(calls, matrices, unfolded, read, part, put, count, size)
            calls.append((np.add, (out[outputs], part[:count], out[outputs])))


def vjp(
    g: Array, shape: Shape, y: Axis, across: Axis, groups: int, mask: Array | None = None, place: int | None = None
) -> Bound:
    """Returns the bound gradient by x [rows, C, columns, n], from the gradient g [rows', F, columns', n] times mask.

    mask: bool, of the shape of g, or None. The result is of the dtype of g.
    """
    _, kw, channels, _ = shape
    n = g.shape[3]
    calls: Calls = []
    there, source = padded_slices(y)
    rows, lines, size = there.stop - there.start, kw * channels, across.size_out * n
    overlapping = y.size_out > 1 and y.dilation == 1
    if groups == 1 and is_whole_line(across) and rows == y.size_in:
        unfolded = room(place, (groups, rows, lines, size), g.dtype)
        if overlapping:
            phases, weigh = _make_phases(calls, g, mask, shape, y, groups, True)
            _rows(calls, phases, range(rows), unfolded)
        else:
            weigh = _spread(calls, g, mask, shape, y, unfolded, True)
        return Bound(g, unfolded.reshape(rows, channels, across.size_in, n), calls, lambda own: weigh(own.kernel))
    line = max(size + columns_behind(across) * n, product_width(size, g.itemsize))
    out = room(place, (y.size_in, groups * channels, across.size_in, n), g.dtype)
    if rows < y.size_in:
        calls.append((out.fill, (0,)))
    target = in_groups(out[source], groups)
    if not overlapping:
        unfolded = scratch(Place.UNFOLDED, (groups, rows, lines, line), g.dtype)
        weigh = _spread(calls, g, mask, shape, y, unfolded, False)
        _refold(calls, unfolded, kw, across, target)
        return Bound(g, out, calls, lambda own: weigh(own.kernel))
    phases, weigh = _make_phases(calls, g, mask, shape, y, groups, False)
    strides = -(-rows // y.stride)
    for block in blocks(strides, groups * y.stride * lines * line * g.itemsize):
        here = range(block.start * y.stride, min(block.stop * y.stride, rows))
        unfolded = scratch(Place.UNFOLDED, (groups, len(here), lines, line), g.dtype)
        _rows(calls, phases, here, unfolded)
        _refold(calls, unfolded, kw, across, target[:, here.start : here.stop])
    return Bound(g, out, calls, lambda own: weigh(own.kernel))


class _Phases(NamedTuple):
    """Rows of du by phase of the row stride: those of one phase read every stride-th tap of the kernel.

    lines: g [groups, rows', F // groups, pitch]. matrices: for each phase the first tap that its rows read, the number
    of taps, and these as a matrix [groups, 1, kw * C, taps * F // groups]. start: the padded row that row 0 of du is.
    """

    lines: Array
    size: int
    stride: int
    start: int
    matrices: list[tuple[int, int, Array]]


def _make_phases(
    calls: Calls, g: Array, mask: Array | None, shape: Shape, y: Axis, groups: int, whole: bool
) -> tuple[_Phases, Callable[[Array], None]]:
    """Returns the phases of du, and a function that puts a weight into their matrices."""
    kh, kw, channels, features = shape
    own = features // groups
    lines = as_lines(calls, g, groups, kh * kw * channels // y.stride, mask)
    there, _ = padded_slices(y)
    matrices, puts = [], []
    for phase in range(min(y.stride, there.stop - there.start)):
        first = (there.start + phase) % y.stride
        taps = len(range(first, kh, y.stride))
        kernel = scratch(Place.KERNEL, (groups, kw * channels, taps, own), g.dtype, phase)
        matrices.append((first, taps, kernel.reshape(groups, 1, kw * channels, -1)))
        puts.append((first, weight_setter(_as_weight(kernel[:, :, ::-1], kw, channels, whole))))

    def weigh(weight: Array) -> None:
        """Puts a weight [kh, kw, C / groups, F], of the dtype of g, into the matrix of each phase."""
        for first, put in puts:
            put(weight[first :: y.stride])

    return _Phases(lines, g.shape[2] * g.shape[3], y.stride, there.start, matrices), weigh


def _rows(calls: Calls, phases: _Phases, rows: range, unfolded: Array) -> None:
    """Adds the calls that put some rows of du into unfolded [groups, rows, kw * C, pitch].

    The stride divides the number of the first. Lines end with zeros, as `_refold` needs them.
    """
    _, count, height, pitch = unfolded.shape
    stride, start = phases.stride, phases.start + rows.start
    across = min(product_width_in(phases.lines, phases.size), pitch)
    calls += fill_calls(unfolded[..., across:])
    for phase, (first, taps, matrices) in enumerate(phases.matrices[:count]):
        out = range((start + phase) // stride, -(-(start + count - first) // stride))
        at = Windows(phase * height * pitch, count * height * pitch, stride * height * pitch, pitch)
        correlate(calls, matrices, phases.lines, Reach(1 - taps, 1, taps), out, unfolded, at, across)


def _spread(
    calls: Calls, g: Array, mask: Array | None, shape: Shape, y: Axis, unfolded: Array, whole: bool
) -> Callable[[Array], None]:
    """Adds the calls for du by way of h, where no rows overlap or these lie apart; returns its weight setter."""
    kh, kw, channels, features = shape
    groups, _, lines, pitch = unfolded.shape
    own, size = features // groups, g.shape[2] * g.shape[3]
    masked = g
    if mask is not None or not g.flags.c_contiguous:
        masked = scratch(Place.OPERAND, g.shape, g.dtype)
        calls += passes.mask_calls(masked, g, mask)
    matrices = scratch(Place.KERNEL, (groups, kh, lines, own), g.dtype)
    there, _ = padded_slices(y)
    spread = unfolded[:, None]
    together = y.size_out == 1 and y.dilation == 1 and there == slice(0, kh)
    if not together:
        spread = scratch(Place.PRODUCT, (groups, y.size_out, kh, lines, pitch), g.dtype)
    calls += fill_calls(spread[..., size:])
    read = Windows(0, own * size, features * size, size)
    put = Windows(0, y.size_out * kh * lines * pitch, kh * lines * pitch, pitch)
    multiply(calls, matrices.reshape(groups, 1, -1, own), masked, read, spread, put, y.size_out, size)
    if not together:
        calls.append((unfolded.fill, (0,)))
        for i in range(kh):
            outputs, inputs = tap(y, i)
            added = unfolded[:, inputs.start - there.start + y.before : inputs.stop - there.start + y.before : y.stride]
            calls.append((np.add, (added, spread[:, outputs, i], added)))
    return weight_setter(_as_weight(matrices.swapaxes(1, 2), kw, channels, whole))


def _as_weight(matrices: Array, kw: int, channels: int, whole: bool) -> Array:
    """Returns matrices [groups, lines, taps, own] as [taps, kw, C, groups, own]; lines are C * kw if `whole`."""
    groups, _, taps, own = matrices.shape
    if whole:
        return matrices.reshape(groups, channels, kw, taps, own).transpose(3, 2, 1, 0, 4)
    return matrices.reshape(groups, kw, channels, taps, own).transpose(3, 1, 2, 0, 4)


def _reserve(rows: int, lines: Array, across: Axis, n: int) -> Array:
    """Returns scratch memory for u of so many rows, [groups, rows, kw * C, pitch]; the largest is asked for first."""
    groups, _, channels, _ = lines.shape
    line = pitch(across.size_out * n, lines.itemsize)
    return scratch(Place.UNFOLDED, (groups, rows, across.kernel * channels, line), lines.dtype)


def _unfold(calls: Calls, lines: Array, across: Axis, n: int, wide: int) -> Array:
    """Returns u of the derivation, [groups, rows, kw * C, pitch], zero where the padding is read.

    It is x itself, [groups, rows, C * kw, n], if nothing is to be unfolded. Lines go on with zeros, if need be, until
    they are `wide`.
    """
    groups, rows, channels, line = lines.shape
    shape = groups, rows, across.kernel, channels, across.size_out, n
    x = pixels(lines, across.size_in, n)
    if is_whole_line(across):
        if line > across.size_in * n:
            lines = scratch(Place.UNFOLDED, x.shape, x.dtype)
            calls.append(copy_call(lines, x))
        return lines.reshape(groups, rows, channels * across.kernel, n)
    size = across.size_out * n
    flat = _reserve(rows, lines, across, n)
    calls += fill_calls(flat[..., size:wide])
    unfolded = pixels(flat, across.size_out, n).reshape(shape)
    if not across.before and not across.after:  # every tap meets a pixel: all of them in one copy
        row, line, column, item = x.strides[1:]
        strides = x.strides[0], row, across.dilation * column, line, across.stride * column, item
        calls.append(copy_call(unfolded, as_strided(x, shape, strides)))
        return flat
    for j in range(across.kernel):
        outputs, inputs = tap(across, j)
        if outputs.stop - outputs.start < across.size_out:
            calls += fill_calls(unfolded[:, :, j])
        calls.append(copy_call(unfolded[:, :, j, :, outputs], x[:, :, :, inputs]))
    return flat


def _refold(calls: Calls, du: Array, kw: int, across: Axis, out: Array) -> None:
    """Adds the calls for out[..., o*s + j*d - before, n] = sum over du[..., j, :, o * n + n'], of their dtype.

    du [groups, rows, kw * C, (columns' + behind) * n] ends with zeros and is contiguous; out is [groups, rows, C,
    columns, n], zero where no window reads. Taps of one phase of the stride are a whole number of columns apart, and
    are added up at once.
    """
    groups, rows, channels, pitch = len(du), du.shape[1], out.shape[2], du.shape[3]
    stride, n, item = across.stride, out.shape[4], du.itemsize
    apart = stride // gcd(stride, across.dilation)  # taps from one to the next of its phase
    far = apart * across.dilation // stride  # and columns
    size = channels * pitch
    lines = du.reshape(groups, rows, kw * size)
    phases = scratch(Place.SUMS, (stride, groups, rows, channels, pitch), du.dtype)
    sums = phases.reshape(stride, groups, rows, size)
    unmet = set(range(stride))
    for first in range(min(apart, kw)):
        shift, phase = divmod(first * across.dilation, stride)
        unmet.remove(phase)
        shape = groups, rows, len(range(first, kw, apart)), size
        strides = (*du.strides[:2], (apart * size - far * n) * item, item)
        shifted = as_strided(lines[..., first * size - shift * n :], shape, strides)
        calls.append((np.add.reduce, (shifted, 2, None, sums[phase])))
    calls += [(sums[phase].fill, (0,)) for phase in sorted(unmet)]
    merge(calls, phases, across.before, stride, out)
