"""Where results and gradients lie: the number of a place for each, so that none is written over while it is needed.

Forward, a result is needed until the last step that reads it; back, a gradient until its step has handed it on, and
what several steps hand on until the last of them has. Each takes the lowest number that is not taken when it is made.
A plain chain thus takes two places in turn, as small as they can be, and those in the cache.

A gradient that a step hands on as it is, or a part of it, lies where it lay.
"""

from collections import Counter, defaultdict

from msgspec.structs import replace

from pipeline.gradient.step import EVERYTHING, Source, Step
from pipeline.stem import INPUT, Activate, Add, Cat, PreResidual, Residual, Slice


def placed(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Returns the steps with the numbers of all places that `Step` and `Source` name, and with the steps that end."""
    return _gradients(_results(steps))


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
        self.users: Counter[int] = Counter()

    def take(self) -> int:
        number = next(number for number in range(len(self.users) + 1) if not self.users[number])
        self.users[number] = 1
        return number

    def hold(self, number: int | None) -> None:
        if number is not None:
            self.users[number] += 1

    def let_go(self, number: int | None) -> None:
        if number is not None:
            self.users[number] -= 1


def _results(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Returns the steps with the places of what they make and copy on the way forward."""
    last = {source.step: number for number, step in enumerate(steps) for source in step.sources}
    shelf, found = _Shelf(), list[Step]()
    for number, step in enumerate(steps):
        sources, copies = list[Source](), list[int]()
        ended = sorted({one.step for one in step.sources if one.step != INPUT and last[one.step] == number})
        held = Counter(source.step for source in step.sources if not source.read.is_scattered)
        for position, source in enumerate(step.sources):
            if source.read.is_scattered:
                copies.append(shelf.take())
                source = replace(source, copied=copies[-1])
            sources.append(source)
            is_last = all(later.step != source.step for later in step.sources[position + 1 :])
            if is_last and source.step in ended and not held[source.step]:  # of what was copied, nothing is needed
                shelf.let_go(found[source.step].place)
        own = shelf.take()
        for place in (*copies, *(found[one].place for one in ended if held[one])):
            shelf.let_go(place)
        found.append(replace(step, sources=tuple(sources), place=own, ended=tuple(ended)))
    return tuple(found)


def _gradients(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Returns the steps with the places of gradients, and with the bases of those that are added up."""
    readers = _readers(steps)
    bases = {source: _base(steps, some) for source, some in readers.items()}
    shelf, found = _Shelf(), list[Step]()
    waiting: dict[int, list[int | None]] = defaultdict(list)  # the places of gradients, that of the base first
    waiting[len(steps) - 1] = [None]
    for number in reversed(range(len(steps))):
        step = steps[number]
        place, *others = waiting.pop(number)
        for other in others:
            shelf.let_go(other)
        sloped, sources = None, list[Source]()
        if step.node.activation != "linear" and not step.is_masked:
            sloped = shelf.take()
            shelf.let_go(place)
            place = sloped
        for position, source in enumerate(step.sources):
            is_base, is_alone = bases[source.step] == (number, position), len(readers[source.step]) == 1
            gradient = spread = None
            if is_handed_on(step, source):
                shelf.hold(place)
                held = place
            else:
                held = gradient = shelf.take()
            if position + 1 == len(step.sources):
                shelf.let_go(place)
            is_own = gradient is not None and source.read is EVERYTHING  # and may be added to as it is
            must_be_own = source.read.is_scattered or (is_base and not is_alone)
            if (must_be_own and not is_own) or (is_alone and source.read is not EVERYTHING):
                spread = shelf.take()
                shelf.let_go(held)
                held = spread
            waiting[source.step].insert(0 if is_base else len(waiting[source.step]), held)
            sources.append(replace(source, is_base=is_base, gradient=gradient, spread=spread))
        found.append(replace(step, sources=tuple(sources), sloped=sloped))
    return tuple(reversed(found))


_Reader = tuple[int, int]
"""The number of a step, and of one of its sources."""


def _readers(steps: tuple[Step, ...]) -> dict[int, list[_Reader]]:
    """Returns who reads each result, in running order."""
    readers: dict[int, list[_Reader]] = defaultdict(list)
    for number, step in enumerate(steps):
        for position, source in enumerate(step.sources):
            readers[source.step].append((number, position))
    return readers


def _base(steps: tuple[Step, ...], readers: list[_Reader]) -> _Reader:
    """Returns the reader to whose gradient the others are added: the first that makes one of the whole result."""
    for number, position in readers:
        step, source = steps[number], steps[number].sources[position]
        if source.read.is_scattered or (source.read is EVERYTHING and not is_handed_on(step, source)):
            return number, position
    return readers[0]
