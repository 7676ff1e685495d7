"""Small convolutions that each thread keeps bound, for the configs of a sweep that differ only in their draws.

Making the views of a layer of a few thousand numbers takes longer than its arithmetic. So a thread keeps the last steps
that it ran bound to their arrays, and copies an operand that comes from elsewhere into its place.
"""

import threading
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.cone import Step
from pipeline.layers import conv
from pipeline.layers.array import Array
from pipeline.layers.bound import Bound, run
from pipeline.layers.choice import Way, forward_way, vjp_way
from pipeline.stem import Conv, Depthwise

SMALL = 2**18
"""Bytes of an operand up to which its step is kept."""
LARGEST, KEPT = 2**21, 2**25
"""Bytes that one bound step, and all of a thread, may keep."""


class _Held(NamedTuple):
    step: Step  # keeps its id from being given to another
    bound: Bound
    owns: bool  # the operand is a copy of our own


class _Kept(threading.local):
    def __init__(self) -> None:
        self.held: dict[tuple[int, bool, int], _Held] = {}
        self.size = 0


_kept = _Kept()


def held_way(step: Step, operand: Array, weight: Array, *, backward: bool) -> Way | None:
    """The way of a convolution that is small enough to be kept bound to its operand; None of any other step."""
    kind = type(step.node.layer)
    if (kind is not Conv and kind is not Depthwise) or operand.nbytes > SMALL:
        return None
    chosen = vjp_way if backward else forward_way
    way = chosen(weight.shape, step.y, step.x, step.groups, operand.shape[3])
    return way if way == "folded" or way == "unfolded" else None


def forward(
    step: Step, x: Array, weight: Array, way: Way, rectified: bool
) -> tuple[Array, npt.NDArray[np.bool_] | None]:
    """(the convolution, its positive part if `rectified`, and then where it is positive); see `conv.forward`."""
    bound = _bound(step, x, None, weight, way, rectified)
    return run(bound, weight), bound.slope


def vjp(step: Step, g: Array, weight: Array, way: Way, mask: Array | None) -> Array:
    """The gradient by x, given that by the convolution, g times mask; see `conv.vjp`."""
    return run(_bound(step, g, mask, weight, way, None), weight)


def _bound(step: Step, operand: Array, mask: Array | None, weight: Array, way: Way, rectified: bool | None) -> Bound:
    key = id(step), rectified is None, operand.shape[3]
    held = _kept.held.get(key)
    owns = False
    if held is not None and held.step is step and held.bound.x.dtype == operand.dtype and held.bound.mask is mask:
        if held.bound.x is operand:
            return held.bound
        if held.owns:
            held.bound.x[...] = operand
            return held.bound
        operand, owns = operand.copy(), True
    if rectified is None:
        bound = conv.bound_vjp(operand, weight.shape, step.y, step.x, step.groups, mask, way)
    else:
        bound = conv.bound_forward(operand, weight.shape, step.y, step.x, step.groups, way)
        if rectified:
            bound = _rectified(bound)
    size = operand.nbytes + 3 * bound.made.nbytes  # the lines in between, and a mask
    if size <= LARGEST:
        if _kept.size + size > KEPT:
            _kept.held.clear()
            _kept.size = 0
        _kept.held[key] = _Held(step, bound, owns)
        _kept.size += size
    return bound


def _rectified(bound: Bound) -> Bound:
    slope: Any = np.empty(bound.made.shape, np.bool_)
    bound.calls.append((np.greater, (bound.made, 0, slope)))
    bound.calls.append((partial(np.maximum, out=bound.made), (bound.made, 0)))
    return bound._replace(slope=slope)
