"""Steps that each thread keeps bound, for the configs of a sweep that differ only in their draws.

Making the views of a layer of a few thousand numbers takes longer than its arithmetic. So a thread keeps the steps that
it ran last bound to their arrays, and copies an operand that comes from elsewhere into its place. What is passed from
step to step lies in two slots of memory for each level of nesting, taken in turn, and what a step needs for itself in
memory that all share; its own are only the mask that its VJP needs, and that copy.
"""

import threading
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np

from pipeline.gradient.step import Step
from pipeline.ops import bound as calls
from pipeline.ops import conv
from pipeline.ops.array import Array
from pipeline.ops.bound import Bound
from pipeline.ops.buffer import free_large, growth
from pipeline.ops.choice import LARGEST, Way

KEPT = 2**25
"""Bytes that the steps of one thread may keep for themselves."""
_BYTES_PER_CALL = 600
"""Of the views that a call is bound to."""

Direction = Literal["forward", "vjp", "slope"]


class Site(NamedTuple):
    """What is kept bound: a step, in one direction, for n probes."""

    step: Step
    direction: Direction
    n: int

    @property
    def key(self) -> tuple[int, Direction, int]:
        """The step is known by its identity."""
        return id(self.step), *self[1:]


class Held(NamedTuple):
    """A step bound to its arrays."""

    step: Step  # keeps its id from being given to another
    chosen: Way | None  # what the shapes ask for
    way: Way | None  # what a weight had it done by
    bound: Bound
    owns: bool  # the operand is a copy of our own
    size: int  # of what is kept, in bytes; none of a step that is too large

    def suits(self, weight: Array) -> bool:
        """Whether a weight has it done in this way, too."""
        return self.chosen != "winograd" or conv.exact("winograd", weight) == self.way

    def takes(self, operand: Array) -> bool:
        """Whether an operand is in its place, if need be by copying it there."""
        place = self.bound.x
        if place is operand or is_in_place(place, operand):
            return True
        if self.owns and place.dtype == operand.dtype:
            place[...] = operand
            return True
        return False


class _Kept(threading.local):
    def __init__(self) -> None:
        self.held: dict[tuple[int, Direction, int], Held] = {}
        self.size = 0
        self.growth = 0
        self.epoch = 0
        self.ran: list[Held] | None = None


_kept = _Kept()


def epoch() -> int:
    """How many steps this thread has bound so far."""
    return _kept.epoch


def recorded(make: Callable[[], Any]) -> tuple[Any, list[Held]]:
    """What is made, and the held steps that were run for it since the last one was bound."""
    ran: list[Held] = []
    _kept.ran = ran
    try:
        return make(), ran
    finally:
        _kept.ran = None


def bind(
    site: Site,
    operand: Array,
    given: Any,
    make: Callable[[Array], Bound],
    chosen: Way | None = None,
    way: Way | None = None,
) -> Held:
    """Binds a step to its operand, or to a copy of it where operands have come from several places.

    It is kept unless it takes too much memory. All others are let go of where they are bound to scratch space that has
    grown since.
    """
    before = _kept.held.pop(site.key, None)
    owns = before is not None and before.step is site.step and before.way == way and before.bound.given is given
    _kept.size -= 0 if before is None else before.size
    del before  # what it was bound to is free for the new one
    free_large()  # of the step before; from here on it is this step's own
    bound = make(operand.copy() if owns else operand)
    if free_large() or max(operand.nbytes, bound.made.nbytes) > LARGEST:
        return Held(site.step, chosen, way, bound, owns, 0)
    size = len(bound.calls) * _BYTES_PER_CALL + owns * operand.nbytes
    size += sum(place.nbytes for place in bound.saved or ()) + (0 if bound.slope is None else bound.slope.nbytes)
    if _kept.growth != growth() or _kept.size + size > KEPT:
        _kept.held.clear()
        _kept.size, _kept.growth = 0, growth()
    held = _kept.held[site.key] = Held(site.step, chosen, way, bound, owns, size)
    _kept.size += size
    _kept.epoch += 1
    if _kept.ran is not None:  # they are not run again as they were, and what they hold on to is let go of
        _kept.ran.clear()
    return held


def found(site: Site, operand: Array, given: Any, weight: Array | None = None) -> Held | None:
    """The step as it is bound already, its operand in place, if it is."""
    held = _kept.held.get(site.key)
    if held is None or held.step is not site.step or (weight is not None and not held.suits(weight)):
        return None
    if held.bound.given is not given and not is_in_place(held.bound.given, given):
        return None
    return held if held.takes(operand) else None


def run(held: Held, weight: Array | None = None) -> Array:
    """What a held step makes, with a weight if it has one."""
    if _kept.ran is not None and held.size:
        _kept.ran.append(held)
    return calls.run(held.bound, weight)


def is_in_place(place: Any, operand: Any) -> bool:
    """Whether an array lies where a step is bound to find it; its maker may have been bound anew meanwhile."""
    if not isinstance(place, np.ndarray) or not isinstance(operand, np.ndarray):
        return False
    alike = place.shape == operand.shape and place.strides == operand.strides and place.dtype == operand.dtype
    return alike and np.may_share_memory(place[:1, :1, :1, :1], operand[:1, :1, :1, :1])
