"""Unfolds some taps before the rest are folded, where one channel makes one feature, as in depthwise stems.

Its products are as thin as the kernel is high, and z (see `folded`) has as many lines as the kernel is wide. So g
neighbouring taps are unfolded first, j = J*g + t, and the rest are folded:

    u[r, t, q, n] = x[r, q + t*d, n]           z[p, J, q, n] = sum over i, t of w[i, J*g + t] u[p*s + i, t, q, n]

which is the same convolution of g channels with a kernel of kw / g taps, g*d columns apart; taps beyond kw are zero.

Where BLAS packs its operands that is still thin for it. There R neighbouring rows are made by one product with a matrix
of zeros in which the kernel stands R times, each s rows further: of kh + (R-1)*s rows, for R times as many lines.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from pipeline.blas import reads_small_in_place
from pipeline.ops.bound import Calls, perform
from pipeline.ops.buffer import Array, Place, scratch
from pipeline.ops.choice import neighbours
from pipeline.ops.lines import in_groups, masked, pitch, pixels
from pipeline.ops.operand import Operand, Shift
from pipeline.ops.passes import copy_call, fill_calls, weight_setter

_STACKED = 4
"""Rows that are made by one product."""

_SLACK = 4
"""Rows of zeros at either end of u: so many rows more at a border share the taps of their neighbour."""


class Kernel(NamedTuple):
    """A kernel as it is multiplied.

    matrices: [groups, 1, stack * far * features, rows * channels that each reads]; a product computes `stack` rows at
    once, of `far` taps each of which is `near` neighbours. The weight stands in `places`, [groups, far, features, kh,
    channels, near], once for each of the `stack` rows.
    """

    matrices: Array
    stack: int
    far: int
    near: int
    places: list[Array]


def empty_kernel(
    sides: tuple[int, int], groups: int, features: int, channels: int, stride: int, dtype: np.dtype[Any]
) -> Kernel:
    """Returns a kernel for a weight of `sides` [kh, kw], from `channels` to `features` in each group, of `dtype`.

    The weight is not yet in it; see `kernel_setter`.
    """
    kh, kw = sides
    near = stack = 1
    if features == channels == 1:
        near = neighbours(kw)
        if kh >= 4 * (_STACKED - 1) * stride and not reads_small_in_place():
            stack = _STACKED  # for a quarter more multiply-adds at most
    far = -(-kw // near)
    kernel = scratch(Place.KERNEL, (groups, stack, far, features, kh + (stack - 1) * stride, channels, near), dtype)
    places = [kernel[:, row, :, :, row * stride : row * stride + kh] for row in range(stack)]
    return Kernel(kernel.reshape(groups, 1, stack * far * features, -1), stack, far, near, places)


def kernel_setter(kernel: Kernel, kw: int, as_taps: Callable[[Array], Array]) -> Callable[[Array], None]:
    """Returns a function that puts a weight [kh, kw, C // groups, F] into all places of a kernel, of its dtype.

    as_taps: views a place as [kh, far, near, C // groups, groups, F // groups].
    """
    first, *others = kernel.places
    put = _taps_setter(as_taps(first), kw)
    if not others:
        return put
    copies = [copy_call(other, first) for other in others]

    def weigh(weight: Array) -> None:
        kernel.matrices.fill(0)
        put(weight)
        perform(copies)

    return weigh


def _taps_setter(kernel: Array, kw: int) -> Callable[[Array], None]:
    """Returns a function that fills a kernel [kh, far, near, C // groups, groups, own], with zeros beyond kw."""
    kh, far, near, *sides = kernel.shape
    if near == 1:
        return weight_setter(kernel[:, :, 0])
    last = kw - (far - 1) * near

    def put(weight: Array) -> None:
        whole = weight.reshape(kh, kw, *sides)
        kernel[:, : far - 1] = whole[:, : kw - last].reshape(kh, far - 1, near, *sides)
        kernel[:, far - 1, :last] = whole[:, kw - last :]
        kernel[:, far - 1, last:] = 0

    return put


def unfold_taps(calls: Calls, operand: Operand, groups: int, kernel: Kernel, wide: int) -> Operand:
    """Returns the operand of the folded product, u, with the columns that `wide` columns of z read."""
    near, far = kernel.near, kernel.far
    if near == 1:
        return operand
    x, reach, shift = operand.x, operand.reach, operand.shift
    rows, _, columns, n = x.shape
    reached = shift.columns_read(far * near, wide)
    spread = (near - 1) * shift.step
    first, last = max(reached[0], -max(spread, 0)), min(reached[1], columns - 1 - min(spread, 0))
    count = max(last - first, 0) + 1
    source = in_groups(masked(calls, x, operand.mask), groups)[:, :, 0]
    whole = scratch(Place.TRANSFORMED, (groups, rows + 2 * _SLACK, near, pitch(count * n, x.itemsize)), x.dtype)
    u = whole[:, _SLACK : _SLACK + rows]
    margins = [whole[:, :_SLACK], whole[:, _SLACK + rows :]]
    for t in range(near):
        start = max(first, -t * shift.step)
        stop = max(min(first + count, columns - t * shift.step), start)
        margins += [u[:, :, t, : (start - first) * n], u[:, :, t, (stop - first) * n :]]
        there = pixels(u[:, :, t, (start - first) * n :], stop - start, n)
        calls.append(copy_call(there, source[:, :, start + t * shift.step : stop + t * shift.step]))
    for margin in margins:
        calls += fill_calls(margin)
    return Operand(x, None, count, reach.below(-_SLACK), Shift(shift.first - first, near * shift.step), whole, _SLACK)
