"""Convolutions that each thread keeps bound, for the configs of a sweep that differ only in their draws.

Making the views of a layer of a few thousand numbers takes longer than its arithmetic. So a thread keeps the steps that
it ran last bound to their arrays, and copies an operand that comes from elsewhere into its place. What is passed from
step to step lies in two slots of memory for each level of nesting, taken in turn, and what a step needs for itself in
memory that all share; its own are only the mask that its VJP needs, and that copy.
"""

import threading
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from pipeline.cone import Step
from pipeline.layers import activation, conv
from pipeline.layers.array import Array
from pipeline.layers.bound import Bound, run
from pipeline.layers.buffer import growth, zeros
from pipeline.layers.choice import LARGEST, Way, forward_way, vjp_way

KEPT = 2**25
"""Bytes that the steps of one thread may keep for themselves."""
_BYTES_PER_CALL = 600
"""Of the views that a call is bound to."""


class _Held(NamedTuple):
    step: Step  # keeps its id from being given to another
    way: Way
    bound: Bound
    owns: bool  # the operand is a copy of our own


class _Kept(threading.local):
    def __init__(self) -> None:
        self.held: dict[tuple[int, bool, int], _Held] = {}
        self.size = 0
        self.growth = 0

    def keep(self, key: tuple[int, bool, int], held: _Held, size: int) -> None:
        """Keeps a step, and lets go of all others where they are bound to scratch space that has grown since."""
        if self.growth != growth() or self.size + size > KEPT:
            self.held.clear()
            self.size, self.growth = 0, growth()
        self.held[key] = held
        self.size += size


_kept = _Kept()


def forward(step: Step, x: Array, weight: Array, rectified: bool, level: int) -> tuple[Array, Any]:
    """(the convolution of a step, or its positive part if `rectified`, and then where that is); see `conv.forward`."""
    way = conv.exact(forward_way(weight.shape, step.y, step.x, step.groups, x.shape[3]), weight)
    made = step.y.size_out * step.x.size_out * weight.shape[3] * x.shape[3] * x.itemsize
    if _is_kept(way, x, made):
        bound = _bound(step, x, None, weight, way, rectified, level)
        return run(bound, weight), bound.slope
    z = conv.forward(x, weight, step.y, step.x, step.groups, way, _slot(level))
    return activation.forward("relu", z) if rectified else (z, None)


def vjp(step: Step, g: Array, weight: Array, mask: Array | None, level: int) -> Array:
    """The gradient by x, given that by the convolution of a step, g times mask; see `conv.vjp`."""
    way = conv.exact(vjp_way(weight.shape, step.y, step.x, step.groups, g.shape[3]), weight)
    made = step.y.size_in * step.x.size_in * weight.shape[2] * step.groups * g.shape[3] * g.itemsize
    if _is_kept(way, g, made):
        return run(_bound(step, g, mask, weight, way, None, level), weight)
    return conv.vjp(g, weight, step.y, step.x, step.groups, mask, way, _slot(level))


def _is_kept(way: Way, operand: Array, made: int) -> bool:
    return way != "phases" and way != "fourier" and operand.nbytes <= LARGEST and made <= LARGEST


def _slot(level: int) -> str:
    return f"level {level}"


def _bound(
    step: Step, operand: Array, mask: Array | None, weight: Array, way: Way, rectified: bool | None, level: int
) -> Bound:
    key = id(step), rectified is None, operand.shape[3]
    held = _kept.held.get(key)
    owns = False
    if held is not None and held.step is step and held.way == way and held.bound.mask is mask:
        if held.bound.x is operand or _is_in_place(held.bound.x, operand):
            return held.bound
        if held.owns and held.bound.x.dtype == operand.dtype:
            held.bound.x[...] = operand
            return held.bound
        operand, owns = operand.copy(), True
    slot = _slot(level)
    if rectified is None:
        bound = conv.bound_vjp(operand, weight.shape, step.y, step.x, step.groups, mask, way, slot)
    else:
        bound = conv.bound_forward(operand, weight.shape, step.y, step.x, step.groups, way, slot)
        if rectified:
            bound = _rectified(bound)
    size = len(bound.calls) * _BYTES_PER_CALL + owns * operand.nbytes + bool(rectified) * bound.made.size
    _kept.keep(key, _Held(step, way, bound, owns), size)
    return bound


def _is_in_place(place: Array, operand: Array) -> bool:
    """Whether an operand lies where a step is bound to find it; its maker may have been bound anew meanwhile."""
    return place.__array_interface__ == operand.__array_interface__


def _rectified(bound: Bound) -> Bound:
    made = bound.made
    slope: Any = np.empty(made.shape, np.bool_)
    bound.calls.append((np.greater, (made, 0, slope)))
    bound.calls.append((partial(np.maximum, out=made), (made, zeros(made.shape[1:], made.dtype))))
    return bound._replace(slope=slope)
