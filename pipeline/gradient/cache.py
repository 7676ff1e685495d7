"""Bound steps that each thread keeps, for the configs of a sweep that differ only in their draws.

Making the views of a layer of a few thousand numbers takes longer than its arithmetic. So a thread caches the steps
that it ran last, bound to their arrays. What is passed from step to step lies in numbered places of scratch memory (see
`places`), and what a step needs for itself in places that all share; its own are only the arrays that its VJP needs. So
a step finds its operands where they were, if only the operand of the whole pass is put in its place.
"""

import threading
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np

from pipeline.gradient.step import Step
from pipeline.ops import bound as calls
from pipeline.ops import buffer
from pipeline.ops.bound import Bound
from pipeline.ops.buffer import Array, free_large, growth
from pipeline.ops.choice import LARGEST
from pipeline.ops.parameters import NO_PARAMETERS, Parameters

MAX_CACHED = 2**25
"""Bytes that the cached steps of one thread, and copies of their operands, may take."""
_BYTES_PER_CALL = 600
"""Bytes of the views that a call is bound to."""

Direction = Literal["forward", "vjp", "slope", "read", "spread", "add"]
Key = tuple[int, Direction, int, int]


class Site(NamedTuple):
    """What is cached: a step, in one direction, for n probes and, where it reads several, for one input of its node."""

    step: Step
    direction: Direction
    n: int
    slot: int = 0

    @property
    def key(self) -> Key:
        """The step is known by its identity."""
        return id(self.step), self.direction, self.n, self.slot


class Cached(NamedTuple):
    """A step bound to its arrays: to its operand, and to `beside`, further ones or what its forward pass saved."""

    step: Step  # keeps its id from being given to another
    beside: Any
    bound: Bound
    size: int  # of what is kept, in bytes; none of a step that is too large

    def suits(self, parameters: Parameters) -> bool:
        """Whether it can be run with these parameters."""
        return self.bound.suits is None or self.bound.suits(parameters)


class _Input(NamedTuple):
    """The operand of a pass over steps, in the place that its steps are bound to."""

    steps: tuple[Step, ...]
    place: Array
    is_copy: bool


class _Cache(threading.local):
    def __init__(self) -> None:
        self.inputs: dict[tuple[int, str, int], _Input] = {}
        self.cached: dict[Key, Cached] = {}
        self.size = 0  # of the cached steps
        self.input_size = 0
        self.growth = 0
        self.epoch = 0
        self.ran: list[Cached] | None = None
        self.ran_all = True

    def make_room(self, size: int) -> None:
        """Drops every cached step if the scratch memory was reallocated, as their views point to the old; and all
        that is kept if so many bytes more would be too much."""
        is_full = self.size + self.input_size + size > MAX_CACHED
        if is_full:
            self.inputs.clear()
            self.input_size = 0
        if is_full or self.growth != growth():
            self.cached.clear()
            self.size, self.growth = 0, growth()


_cache = _Cache()


def epoch() -> int:
    """Returns how many steps this thread has bound so far, and how often it has cleared its cache."""
    return _cache.epoch


def clear() -> None:
    """Drops all that this thread has cached, its tapes with it, and frees its scratch memory."""
    _cache.inputs.clear()
    _cache.cached.clear()
    _cache.size = _cache.input_size = 0
    _cache.epoch += 1
    buffer.clear()


def record(make: Callable[[], Any]) -> tuple[Any, list[Cached] | None]:
    """Returns (what `make` returns, the cached steps that it ran, in order).

    The steps are None where it bound any, or ran one that is not cached.
    """
    before, ran = _cache.epoch, list[Cached]()
    _cache.ran, _cache.ran_all = ran, True
    try:
        result = make()
    finally:
        _cache.ran = None
    return result, ran if _cache.ran_all and _cache.epoch == before else None


def in_place(steps: tuple[Step, ...], direction: str, operand: Array) -> Array:
    """Returns the operand of a pass, float32 or float64 [rows, C, columns, n], where its steps are bound to find it.

    That is where it lay the first time; if operands come from several places, a copy in a place of our own. Operands
    that are too large for the cache are returned as they are.
    """
    if operand.nbytes > LARGEST:
        return operand
    key = id(steps), direction, operand.shape[3]
    before = _cache.inputs.get(key)
    is_copy = before is not None and before.steps is steps
    if before is not None and is_copy:
        place = before.place
        if place is operand or is_in_place(place, operand):
            return place
        if before.is_copy and place.dtype == operand.dtype and place.shape == operand.shape:
            place[...] = operand
            return place
        operand = operand.copy()
    _cache.input_size -= 0 if before is None else before.place.nbytes
    _cache.make_room(operand.nbytes)
    _cache.input_size += operand.nbytes
    _cache.inputs[key] = _Input(steps, operand, is_copy)
    return operand


def run_cached(
    site: Site,
    operand: Array,
    beside: Any,
    make: Callable[[], Bound],
    parameters: Parameters = NO_PARAMETERS,
) -> Bound:
    """Returns the step of a site, bound and run: as it is cached if it is and suits, else bound by `make`.

    operand: float32 or float64 [rows, C, columns, n]. beside: a second array that the step reads, a tuple of them, or
    what its forward pass saved; None if there is neither.
    """
    cached = lookup(site, operand, beside, parameters) or _bind(site, operand, beside, make)
    if _cache.ran is not None:
        if cached.size:
            _cache.ran.append(cached)
        else:
            _cache.ran_all = False
    calls.run(cached.bound, parameters)
    return cached.bound


def lookup(site: Site, operand: Array, beside: Any, parameters: Parameters) -> Cached | None:
    """Returns the step as it is cached, or None if it is bound to other arrays or does not suit the parameters.

    operand: float32 or float64 [rows, C, columns, n]. beside: see `run_cached`.
    """
    cached = _cache.cached.get(site.key)
    if cached is None or cached.step is not site.step or not cached.suits(parameters):
        return None
    if cached.beside is not beside and not _are_in_place(cached.beside, beside):
        return None
    place = cached.bound.x
    return cached if place is operand or is_in_place(place, operand) else None


def _bind(site: Site, operand: Array, beside: Any, make: Callable[[], Bound]) -> Cached:
    """Binds a step and caches it, up to MAX_CACHED bytes in all, unless its arrays are larger than LARGEST."""
    before = _cache.cached.pop(site.key, None)
    _cache.size -= 0 if before is None else before.size
    del before  # what it was bound to is free for the new one
    free_large()  # of the step before; from here on it is this step's own
    bound = make()
    if free_large() or max(operand.nbytes, bound.out.nbytes) > LARGEST:
        return Cached(site.step, beside, bound, 0)
    size = (1 + len(bound.calls) + bound.inner) * _BYTES_PER_CALL
    size += sum(place.nbytes for place in bound.saved or ()) + (0 if bound.slope is None else bound.slope.nbytes)
    _cache.make_room(size)
    cached = _cache.cached[site.key] = Cached(site.step, beside, bound, size)
    _cache.size += size
    _cache.epoch += 1
    if _cache.ran is not None:  # they are not run again as they were, and what they hold on to is freed
        _cache.ran.clear()
    return cached


def _are_in_place(places: Any, operands: Any) -> bool:
    """Whether each of the arrays beside an operand lies where a step is bound to find it."""
    if isinstance(places, tuple) and isinstance(operands, tuple):
        return len(places) == len(operands) and all(map(is_in_place, places, operands))
    return is_in_place(places, operands)


def is_in_place(place: Any, operand: Any) -> bool:
    """Whether an array lies where a step is bound to find it; the step that returns it may be bound anew meanwhile."""
    if not isinstance(place, np.ndarray) or not isinstance(operand, np.ndarray):
        return False
    alike = place.shape == operand.shape and place.strides == operand.strides and place.dtype == operand.dtype
    return alike and np.may_share_memory(place[:1, :1, :1, :1], operand[:1, :1, :1, :1])
