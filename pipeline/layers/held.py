"""Convolutions and max pools that each thread keeps bound, for the configs of a sweep that differ only in their draws.

Making the views of a layer of a few thousand numbers takes longer than its arithmetic. So a thread keeps the steps that
it ran last bound to their arrays, and copies an operand that comes from elsewhere into its place. What is passed from
step to step lies in two slots of memory for each level of nesting, taken in turn, and what a step needs for itself in
memory that all share; its own are only the mask that its VJP needs, and that copy.
"""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from pipeline.cone import Step
from pipeline.layers import activation, conv, maxpool
from pipeline.layers.array import Array
from pipeline.layers.bound import Bound, run
from pipeline.layers.buffer import growth, zeros
from pipeline.layers.choice import LARGEST, forward_way, vjp_way
from pipeline.layers.maxpool import Places

KEPT = 2**25
"""Bytes that the steps of one thread may keep for themselves."""
_UNBOUND = "phases", "fourier"
"""Ways that make arrays of their own."""
_BYTES_PER_CALL = 600
"""Of the views that a call is bound to."""


class _Held(NamedTuple):
    step: Step  # keeps its id from being given to another
    way: str
    bound: Bound
    owns: bool  # the operand is a copy of our own


class _Kept(threading.local):
    def __init__(self) -> None:
        self.held: dict[tuple[int, str, int], _Held] = {}
        self.size = 0
        self.growth = 0

    def keep(self, key: tuple[int, str, int], held: _Held, size: int) -> None:
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
    slot = _slot(level)
    if way not in _UNBOUND and max(x.nbytes, made) <= LARGEST:

        def bind(x: Array) -> Bound:
            bound = conv.bound_forward(x, weight.shape, step.y, step.x, step.groups, way, slot)
            return _rectified(bound) if rectified else bound

        bound = _bound(step, "forward", way, x, None, bind)
        return run(bound, weight), bound.slope
    z = conv.forward(x, weight, step.y, step.x, step.groups, way, slot)
    return activation.forward("relu", z) if rectified else (z, None)


def vjp(step: Step, g: Array, weight: Array, mask: Array | None, level: int) -> Array:
    """The gradient by x, given that by the convolution of a step, g times mask; see `conv.vjp`."""
    way = conv.exact(vjp_way(weight.shape, step.y, step.x, step.groups, g.shape[3]), weight)
    made = step.y.size_in * step.x.size_in * weight.shape[2] * step.groups * g.shape[3] * g.itemsize
    slot = _slot(level)
    if way not in _UNBOUND and max(g.nbytes, made) <= LARGEST:

        def bind(g: Array) -> Bound:
            return conv.bound_vjp(g, weight.shape, step.y, step.x, step.groups, mask, way, slot)

        return run(_bound(step, "vjp", way, g, mask, bind), weight)
    return conv.vjp(g, weight, step.y, step.x, step.groups, mask, way, slot)


def max_forward(step: Step, x: Array, rectified: bool, level: int) -> tuple[Array, Places, Any]:
    """(the max pooling of a step, or its positive part if `rectified`, its places, and where that is positive)."""

    def bind(x: Array) -> Bound:
        bound = maxpool.forward(x, step.y, step.x, _slot(level))
        return _rectified(bound) if rectified else bound

    bound = _bound(step, "forward", "pooled", x, None, bind) if x.nbytes <= LARGEST else bind(x)
    return run(bound), bound.saved, bound.slope


def max_vjp(step: Step, g: Array, places: Places, mask: Array | None, level: int) -> Array:
    """The gradient by x, given that by the max pooling of a step, g times mask."""

    def bind(g: Array) -> Bound:
        return maxpool.vjp(g, places, step.y, step.x, mask, _slot(level))

    made = step.y.size_in * step.x.size_in * g.shape[1] * g.shape[3] * g.itemsize
    return run(_bound(step, "vjp", "pooled", g, places, bind) if made <= LARGEST else bind(g))


def _slot(level: int) -> str:
    return f"level {level}"


def _bound(step: Step, direction: str, way: str, operand: Array, given: Any, bind: Callable[[Array], Bound]) -> Bound:
    """The step bound to its operand, or to a copy of it in our own memory where operands come from several places."""
    key = id(step), direction, operand.shape[3]
    held = _kept.held.get(key)
    owns = False
    if held is not None and held.step is step and held.way == way and held.bound.given is given:
        if held.bound.x is operand or _is_in_place(held.bound.x, operand):
            return held.bound
        if held.owns and held.bound.x.dtype == operand.dtype:
            held.bound.x[...] = operand
            return held.bound
        operand, owns = operand.copy(), True
    bound = bind(operand)
    own = sum(place.nbytes for place in bound.saved or ()) + (0 if bound.slope is None else bound.slope.nbytes)
    _kept.keep(key, _Held(step, way, bound, owns), len(bound.calls) * _BYTES_PER_CALL + owns * operand.nbytes + own)
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
