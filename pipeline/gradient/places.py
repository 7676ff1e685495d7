"""Where results and gradients lie: the number of a place for each, so that none is written over while it is needed.

Forward, a result is needed until the last step that reads it; back, a gradient until its step has handed it on, and
what several steps hand on until the last of them has. Each takes the lowest number that is not taken when it is made.
A plain chain thus takes two places in turn, as small as they can be, and those in the cache.

A gradient that a step hands on as it is, or a part of it, lies where it lay.
"""

from collections import defaultdict
from functools import lru_cache
from typing import NamedTuple

from msgspec.structs import replace

from pipeline.gradient.step import EVERYTHING, Source, Step
from pipeline.stem import INPUT, Activate, Add, Cat, PreResidual, Residual, Slice


def placed(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Returns the steps with the numbers of all places that `Step` and `Source` name, and with the steps that end."""
    found = []
    for step, (there, back) in zip(steps, _numbered(tuple(map(_outline, steps))), strict=True):
        sources = tuple(
            replace(source, copied=copied, is_base=is_base, gradient=gradient, spread=spread)
            for source, copied, (is_base, gradient, spread) in zip(step.sources, there.copied, back.parts, strict=True)
        )
        found.append(replace(step, sources=sources, place=there.place, sloped=back.sloped, ended=there.ended))
    return tuple(found)


class _Operand(NamedTuple):
    """What places depend on of a source: the step that it reads, whether it lists pixels, reads all of the result, and
    hands on its gradient as it is."""

    step: int
    is_scattered: bool
    is_whole: bool
    is_handed_on: bool


class _Outline(NamedTuple):
    """What places depend on of a step; bends: its gradient is multiplied by a slope, in a pass of its own."""

    sources: tuple[_Operand, ...]
    bends: bool


def _outline(step: Step) -> _Outline:
    sources = tuple(
        _Operand(source.step, source.read.is_scattered, source.read is EVERYTHING, is_handed_on(step, source))
        for source in step.sources
    )
    return _Outline(sources, step.node.activation != "linear" and not step.is_masked)


@lru_cache(maxsize=1024)  # most stems of a sweep are alike in this
def _numbered(steps: tuple[_Outline, ...]) -> "tuple[tuple[_There, _Back], ...]":
    return tuple(zip(_results(steps), _gradients(steps), strict=True))


def is_handed_on(step: Step, source: Source) -> bool:
    """Whether the gradient by an operand is that by the result itself, or a part of it."""
    match step.node.layer:
        case Activate() | Slice() | Cat():
            return True
        case Add() | Residual() | PreResidual():
            return source.shape == step.shape  # and is no pixel, or channel, that counts for several
    return False


class _Shelf:
    """The places that are taken, each by how many."""

    def __init__(self) -> None:
        self.users: list[int] = []

    def take(self) -> int:
        if 0 not in self.users:
            self.users.append(0)
        number = self.users.index(0)
        self.users[number] = 1
        return number

    def hold(self, number: int | None) -> None:
        if number is not None:
            self.users[number] += 1

    def let_go(self, number: int | None) -> None:
        if number is not None:
            self.users[number] -= 1


class _There(NamedTuple):
    """What a step needs on the way forward: see the fields of `Step` and of `Source`, of which there may be several."""

    place: int
    copied: tuple[int | None, ...]
    ended: tuple[int, ...]


class _Back(NamedTuple):
    """What it needs on the way back: the place `sloped`, and of each source (is_base, gradient, spread)."""

    sloped: int | None
    parts: tuple[tuple[bool, int | None, int | None], ...]


def _results(steps: tuple[_Outline, ...]) -> list[_There]:
    """Returns the places of what steps make and copy on the way forward."""
    last = {source.step: number for number, step in enumerate(steps) for source in step.sources}
    shelf, found = _Shelf(), list[_There]()
    for number, step in enumerate(steps):
        read = dict.fromkeys(source.step for source in step.sources)
        ended = tuple(one for one in read if one != INPUT and last[one] == number)
        copied = tuple(shelf.take() if source.is_scattered else None for source in step.sources)
        is_copied = None not in copied  # and nothing else is needed of what was read
        let_go = [found[one].place for one in ended]
        if is_copied:
            for place in let_go:
                shelf.let_go(place)
        own = shelf.take()
        for taken in copied if is_copied else (*copied, *let_go):
            shelf.let_go(taken)
        found.append(_There(own, copied, ended))
    return found


def _gradients(steps: tuple[_Outline, ...]) -> list[_Back]:
    """Returns the places of gradients, and which are the bases of those that are added up."""
    readers = _readers(steps)
    bases = {source: _base(steps, some) for source, some in readers.items() if len(some) > 1}
    shelf, found = _Shelf(), list[_Back]()
    waiting: dict[int, list[int | None]] = defaultdict(list)  # the places of gradients, that of the base first
    waiting[len(steps) - 1] = [None]
    for number in reversed(range(len(steps))):
        step = steps[number]
        place, *others = waiting.pop(number)
        for other in others:
            shelf.let_go(other)
        sloped, parts = None, []
        if step.bends:
            sloped = shelf.take()
            shelf.let_go(place)
            place = sloped
        for position, source in enumerate(step.sources):
            base = bases.get(source.step)  # None where nobody else reads it
            is_base = base in (None, (number, position))
            gradient = spread = None
            if source.is_handed_on:
                shelf.hold(place)
                held = place
            else:
                held = gradient = shelf.take()
            if position + 1 == len(step.sources):
                shelf.let_go(place)
            # Others are added to a base, which thus is an array of its own, and whole. So is what lists pixels.
            is_own = source.is_whole and (gradient is not None or base is None)
            if not is_own and (is_base or source.is_scattered):
                spread = shelf.take()
                shelf.let_go(held)
                held = spread
            waiting[source.step].insert(0 if is_base else len(waiting[source.step]), held)
            parts.append((is_base, gradient, spread))
        found.append(_Back(sloped, tuple(parts)))
    return found[::-1]


_Reader = tuple[int, int]
"""The number of a step, and of one of its sources."""


def _readers(steps: tuple[_Outline, ...]) -> dict[int, list[_Reader]]:
    """Returns who reads each result, in running order."""
    readers: dict[int, list[_Reader]] = defaultdict(list)
    for number, step in enumerate(steps):
        for position, source in enumerate(step.sources):
            readers[source.step].append((number, position))
    return readers


def _base(steps: tuple[_Outline, ...], readers: list[_Reader]) -> _Reader:
    """Returns the reader to whose gradient the others are added: the first that makes one of the whole result."""
    for number, position in readers:
        source = steps[number].sources[position]
        if source.is_scattered or (source.is_whole and not source.is_handed_on):
            return number, position
    return readers[0]
