"""Passes over arrays, in the form that NumPy is quickest at.

NumPy copies line by line, and spends more on a short line than on its numbers; copied as one item of a void type, it
takes a third of the time. It converts a mask in small pieces while it multiplies; converted beforehand, and at once, it
takes half.
"""

from collections.abc import Callable
from functools import partial
from math import prod
from operator import setitem
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.ops.bound import Call, Calls
from pipeline.ops.buffer import Array, Place, scratch

_LONG = 2**10
"""Bytes of a line from which on filling or multiplying it where it lies is as quick as any other way."""

_LARGE = 2**14
"""Bytes of a weight from which on a view of it saves more time than it takes to create."""


def copy_call(target: npt.NDArray[Any], source: npt.NDArray[Any]) -> Call:
    """Returns the call that copies `source` to `target`, both [...] of one shape and dtype."""
    outer = max(_outer(target), _outer(source))
    if outer in (0, target.ndim):
        return np.copyto, (target, source)
    return np.copyto, (_pieces(target, outer), _pieces(source, outer))


def fill_calls(target: Array, value: float = 0) -> Calls:
    """Returns the calls that fill an array [...] of any dtype with a value; none for an empty one."""
    if not target.size:
        return []
    outer = _outer(target)
    size = _bytes(target, outer)
    if outer in (0, target.ndim) or size >= _LONG:
        return [(target.fill, (value,))]
    pieces, piece = _pieces(target, outer), np.full(size // target.itemsize, value, target.dtype)
    return [(np.copyto, (pieces, piece.view(pieces.dtype)))]


def mask_calls(target: Array, x: Array, mask: Array | None) -> Calls:
    """Returns the calls that put x [...], times a bool mask if any, into `target`, of its shape and dtype."""
    if mask is None:
        return [copy_call(target, x)]
    outer = _outer(target)
    if outer > 0 and _bytes(target, outer) < _LONG:
        whole = scratch(Place.MASKED, target.shape, target.dtype)
        return [*mask_calls(whole, x, mask), copy_call(target, whole)]
    return [(np.copyto, (target, mask.view(np.uint8))), (np.multiply, (x, target, target))]


def weight_setter(kernel: Array) -> Callable[[Array], None]:
    """Returns a function that puts a weight [kh, kw, C // groups, F] into `kernel`, of the same dtype.

    kernel: a view [kh, kw, C // groups, groups, F // groups].
    """
    outer = _outer(kernel)
    if outer not in (0, kernel.ndim) and kernel.nbytes >= _LARGE:
        return partial(_put_pieces, _pieces(kernel, outer))
    if kernel.shape[3] == 1:
        return partial(setitem, kernel[:, :, :, 0], ...)
    return partial(_put, kernel)


def _put(kernel: Array, weight: Array) -> None:
    kernel[...] = weight.reshape(kernel.shape)


def _put_pieces(kernel: npt.NDArray[np.void], weight: Array) -> None:
    kernel[...] = weight.reshape(*kernel.shape, -1).view(kernel.dtype)[..., 0]


def _outer(x: npt.NDArray[Any]) -> int:
    """Returns how many axes, from the first on, lie around the contiguous pieces of x; 0 for an empty array."""
    size, axis = x.itemsize, x.ndim if x.size else 0
    while axis and (x.strides[axis - 1] == size or x.shape[axis - 1] == 1):
        axis -= 1
        size *= x.shape[axis]
    return axis


def _bytes(x: npt.NDArray[Any], outer: int) -> int:
    """Returns the bytes of the axes behind the first `outer`."""
    return prod(x.shape[outer:]) * x.itemsize


def _pieces(x: npt.NDArray[Any], outer: int) -> npt.NDArray[np.void]:
    """Returns x as an array of `outer` axes, each item of which is what the other axes hold: contiguous bytes."""
    pieces: npt.NDArray[np.void] = x.reshape(*x.shape[:outer], -1).view(f"V{_bytes(x, outer)}")[..., 0]
    return pieces
