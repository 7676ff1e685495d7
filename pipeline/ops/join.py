"""Joins of branches: sum, product and concatenation, each with the way back to every one of its operands.

Arrays are [rows, C, columns, n], float32 or float64, all of one dtype. In a sum and in a product an operand of one
pixel stands for every pixel, and one of one channel for every channel; the gradient by it is the sum over what it
stands for. Results go to the place of `buffer.room` that is named, where none of the operands may lie.
"""

from collections.abc import Sequence

import numpy as np

from pipeline.ops.bound import Bound, Call, Calls
from pipeline.ops.buffer import Array, Place, room, scratch
from pipeline.ops.passes import copy_call


def add_forward(operands: Sequence[Array], place: int | None = None) -> Bound:
    """Returns the bound sum of one or more operands [rows, C, columns, n], of their dtype; `x` is the first of them."""
    out = _joined_room(operands, place)
    return Bound(operands[0], out, _accumulated(np.add, operands, out))


def add_vjp(g: Array, shape: tuple[int, ...], place: int | None = None) -> Bound:
    """Returns the bound gradient by an operand of `shape` [rows, C, columns, n] of a sum, of the dtype of g.

    g: the gradient by the sum [rows, C, columns, n]. It is itself the gradient by an operand of its own shape.
    """
    if g.shape == shape:
        return Bound(g, g, [])
    out = room(place, shape, g.dtype)
    return Bound(g, out, [_summed(g, out)])


def mul_forward(operands: Sequence[Array], place: int | None = None) -> Bound:
    """Returns the bound product of one or more operands [rows, C, columns, n], of their dtype.

    `x` is the first of them. `saved` holds a copy of every operand.
    """
    factors = tuple(np.empty(operand.shape, operand.dtype) for operand in operands)
    calls = [copy_call(factor, operand) for factor, operand in zip(factors, operands, strict=True)]
    out = _joined_room(operands, place)
    return Bound(operands[0], out, calls + _accumulated(np.multiply, factors, out), saved=factors)


def mul_vjp(g: Array, saved: tuple[Array, ...], slot: int, place: int | None = None) -> Bound:
    """Returns the bound gradient by operand number `slot` of a product: g times all other operands, of the dtype of g.

    g: the gradient by the product [rows, C, columns, n].
    """
    shape = saved[slot].shape
    out = room(place, shape, g.dtype)
    others = saved[:slot] + saved[slot + 1 :]
    if g.shape == shape:
        return Bound(g, out, _accumulated(np.multiply, (g, *others), out))
    product = scratch(Place.PRODUCT, g.shape, g.dtype)
    return Bound(g, out, [*_accumulated(np.multiply, (g, *others), product), _summed(product, out)])


def cat_forward(operands: Sequence[Array], place: int | None = None) -> Bound:
    """Returns the bound concatenation of the channels of its operands [rows, C, columns, n], one after the other.

    It is of their dtype; `x` is the first of them.
    """
    rows, _, columns, n = operands[0].shape
    channels = sum(operand.shape[1] for operand in operands)
    out = room(place, (rows, channels, columns, n), operands[0].dtype)
    calls: Calls = []
    first = 0
    for operand in operands:
        stop = first + operand.shape[1]
        calls.append(copy_call(out[:, first:stop], operand))
        first = stop
    return Bound(operands[0], out, calls)


def cat_vjp(g: Array, first: int, channels: int) -> Array:
    """Returns the gradient by an operand of a concatenation, whose channels begin at `first` there: a view of g.

    g: the gradient by the concatenation [rows, C, columns, n], of any dtype. channels: those of the operand.
    """
    return g[:, first : first + channels]


def _joined_room(operands: Sequence[Array], place: int | None) -> Array:
    shape = tuple(max(sizes) for sizes in zip(*(operand.shape for operand in operands), strict=True))
    return room(place, shape, operands[0].dtype)


def _accumulated(function: np.ufunc, operands: Sequence[Array], out: Array) -> Calls:
    """Returns the calls that put the sum or the product of the operands, each repeated to the shape of `out`, there."""
    if len(operands) == 1:
        return [(np.copyto, (out, operands[0]))]
    calls: Calls = [(function, (operands[0], operands[1], out))]
    return calls + [(function, (out, operand, out)) for operand in operands[2:]]


def _summed(g: Array, out: Array) -> Call:
    """Returns the call that adds g up over the axes along which `out` has one number and g has more."""
    axes = tuple(axis for axis, (many, one) in enumerate(zip(g.shape, out.shape, strict=True)) if many != one)
    return np.add.reduce, (g, axes, None, out, True)
