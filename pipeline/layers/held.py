"""Convolutions and max pools that each thread keeps bound, for the configs of a sweep that differ only in their draws.

Making the views of a layer of a few thousand numbers takes longer than its arithmetic. So a thread keeps the steps that
it ran last bound to their arrays, and copies an operand that comes from elsewhere into its place. What is passed from
step to step lies in two slots of memory for each level of nesting, taken in turn, and what a step needs for itself in
memory that all share; its own are only the mask that its VJP needs, and that copy.
"""

import threading
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np

from pipeline.cone import Step
from pipeline.layers import activation, conv, maxpool
from pipeline.layers.array import Array
from pipeline.layers.bound import Bound, run
from pipeline.layers.buffer import growth, room
from pipeline.layers.choice import LARGEST, Way, forward_way, vjp_way
from pipeline.layers.maxpool import Places

KEPT = 2**25
"""Bytes that the steps of one thread may keep for themselves."""
_UNBOUND = "phases", "fourier"
"""Ways that make arrays of their own."""
_BYTES_PER_CALL = 600
"""Of the views that a call is bound to."""

Direction = Literal["forward", "vjp"]


class _Held(NamedTuple):
    step: Step  # keeps its id from being given to another
    chosen: Way | None  # what the shapes ask for
    way: Way | None  # what a weight had it done by
    bound: Bound
    owns: bool  # the operand is a copy of our own
    size: int


class _Kept(threading.local):
    def __init__(self) -> None:
        self.held: dict[tuple[int, Direction, int], _Held] = {}
        self.size = 0
        self.growth = 0

    def bind(
        self,
        step: Step,
        direction: Direction,
        operand: Array,
        given: Any,
        chosen: Way | None,
        way: Way | None,
        make: Callable[[Array], Bound],
    ) -> Bound:
        """Binds a step to its operand, or to a copy of it where operands have come from several places, and keeps it.

        All others are let go of where they are bound to scratch space that has grown since.
        """
        key = id(step), direction, operand.shape[3]
        before = self.held.pop(key, None)
        owns = before is not None and before.step is step and before.way == way and before.bound.given is given
        self.size -= 0 if before is None else before.size
        del before  # what it was bound to is free for the new one
        bound = make(operand.copy() if owns else operand)
        size = len(bound.calls) * _BYTES_PER_CALL + owns * operand.nbytes
        size += sum(place.nbytes for place in bound.saved or ()) + (0 if bound.slope is None else bound.slope.nbytes)
        if self.growth != growth() or self.size + size > KEPT:
            self.held.clear()
            self.size, self.growth = 0, growth()
        self.held[key] = _Held(step, chosen, way, bound, owns, size)
        self.size += size
        return bound


_kept = _Kept()


def forward(step: Step, x: Array, weight: Array, rectified: bool, level: int) -> tuple[Array, Any]:
    """(the convolution of a step, or its positive part if `rectified`, and then where that is); see `conv.forward`."""
    bound = _found(step, "forward", x, None, weight)
    if bound is None:
        chosen = forward_way(weight.shape, step.y, step.x, step.groups, x.shape[3])
        way = conv.exact(chosen, weight)
        made = step.y.size_out * step.x.size_out * weight.shape[3] * x.shape[3] * x.itemsize
        if chosen in _UNBOUND or max(x.nbytes, made) > LARGEST:
            z = conv.forward(x, weight, step.y, step.x, step.groups, way, _slot(level))
            return activation.forward("relu", z) if rectified else (z, None)

        def bind(x: Array) -> Bound:
            bound = conv.bound_forward(x, weight.shape, step.y, step.x, step.groups, way, _slot(level))
            return _rectified(bound) if rectified else bound

        bound = _kept.bind(step, "forward", x, None, chosen, way, bind)
    return run(bound, weight), bound.slope


def vjp(step: Step, g: Array, weight: Array, mask: Array | None, level: int) -> Array:
    """The gradient by x, given that by the convolution of a step, g times mask; see `conv.vjp`."""
    bound = _found(step, "vjp", g, mask, weight)
    if bound is None:
        chosen = vjp_way(weight.shape, step.y, step.x, step.groups, g.shape[3])
        way = conv.exact(chosen, weight)
        made = step.y.size_in * step.x.size_in * weight.shape[2] * step.groups * g.shape[3] * g.itemsize
        if chosen in _UNBOUND or max(g.nbytes, made) > LARGEST:
            return conv.vjp(g, weight, step.y, step.x, step.groups, mask, way, _slot(level))

        def bind(g: Array) -> Bound:
            return conv.bound_vjp(g, weight.shape, step.y, step.x, step.groups, mask, way, _slot(level))

        bound = _kept.bind(step, "vjp", g, mask, chosen, way, bind)
    return run(bound, weight)


def max_forward(step: Step, x: Array, rectified: bool, level: int) -> tuple[Array, Places, Any]:
    """(the max pooling of a step, or its positive part if `rectified`, its places, and where that is positive)."""
    bound = _found(step, "forward", x, None)
    if bound is None:

        def bind(x: Array) -> Bound:
            bound = maxpool.forward(x, step.y, step.x, _slot(level))
            return _rectified(bound) if rectified else bound

        bound = _kept.bind(step, "forward", x, None, None, None, bind) if x.nbytes <= LARGEST else bind(x)
    return run(bound), bound.saved, bound.slope


def max_vjp(step: Step, g: Array, places: Places, mask: Array | None, level: int) -> Array:
    """The gradient by x, given that by the max pooling of a step, g times mask."""
    bound = _found(step, "vjp", g, places)
    if bound is None:

        def bind(g: Array) -> Bound:
            return maxpool.vjp(g, places, step.y, step.x, mask, _slot(level))

        made = step.y.size_in * step.x.size_in * g.shape[1] * g.shape[3] * g.itemsize
        bound = _kept.bind(step, "vjp", g, places, None, None, bind) if made <= LARGEST else bind(g)
    return run(bound)


def room_for(level: int, given: Array, shape: tuple[int, ...]) -> Array:
    """An array of a level, made of what is given: valid until the next but one is made there."""
    return room(_slot(level), given, shape, given.dtype)


def _slot(level: int) -> str:
    return f"level {level}"


def _found(step: Step, direction: Direction, operand: Array, given: Any, weight: Array | None = None) -> Bound | None:
    """The step as it is bound already, its operand in place, if it is."""
    held = _kept.held.get((id(step), direction, operand.shape[3]))
    if held is None or held.step is not step or held.bound.given is not given:
        return None
    if held.chosen == "winograd" and weight is not None and conv.exact("winograd", weight) != held.way:
        return None
    if held.bound.x is operand or _is_in_place(held.bound.x, operand):
        return held.bound
    if held.owns and held.bound.x.dtype == operand.dtype:
        held.bound.x[...] = operand
        return held.bound
    return None


def _is_in_place(place: Array, operand: Array) -> bool:
    """Whether an operand lies where a step is bound to find it; its maker may have been bound anew meanwhile."""
    alike = place.shape == operand.shape and place.strides == operand.strides and place.dtype == operand.dtype
    return alike and np.may_share_memory(place[:1, :1, :1, :1], operand[:1, :1, :1, :1])


def _rectified(bound: Bound) -> Bound:
    slope = np.empty(bound.made.shape, np.bool_)
    bound.calls.extend(activation.rectifying(bound.made, slope))
    return bound._replace(slope=slope)
