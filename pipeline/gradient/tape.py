"""Passes that are nothing but held steps, run again without looking for these.

Finding the steps of a small stem takes a third of its time, in which they are found where they were the time before.
So a pass in which no step was bound anew is kept as the list of what it ran.
"""

import threading
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from pipeline.draws.weights import NO_PARAMETERS, Parameters
from pipeline.gradient.held import Held, epoch, recorded
from pipeline.gradient.step import EVERYTHING, Step
from pipeline.gradient.watch import Watch
from pipeline.ops import bound as calls
from pipeline.ops.array import Array
from pipeline.stem.layers import Conv, Depthwise, MaxPool

Pass = Literal["forward", "vjp"]


class _Tape(NamedTuple):
    """What a pass over `steps` ran, and what it made of what it was given beside its operand."""

    steps: tuple[Step, ...]
    given: Any
    held: list[Held]
    made: Any


class _Tapes(threading.local):
    def __init__(self) -> None:
        self.epoch = 0
        self.tapes: dict[tuple[int, Pass, int], _Tape] = {}


_tapes = _Tapes()


def taped(
    direction: Pass,
    steps: tuple[Step, ...],
    operand: Array,
    given: Any,
    parameters: dict[int, Parameters],
    make: Callable[[], Any],
    look: Callable[[Step], None] | None,
    watch: Watch,
) -> Any:
    """What a pass makes of its operand and of what it was given: from its tape if there is one, else by `make`.

    What was given is known by its identity. `look` is called before each step, and `watch` looks at what it made.
    """
    now = epoch()
    if _tapes.epoch != now:
        _tapes.epoch = now
        _tapes.tapes.clear()
    key = id(steps), direction, operand.shape[3]
    tape = _tapes.tapes.get(key)
    if tape is None or tape.steps is not steps or tape.given is not given or not _suits(tape, operand, parameters):
        made, ran = recorded(make)
        if ran and now == epoch() and len(ran) == _length(steps, direction) and not any(one.owns for one in ran[1:]):
            _tapes.tapes[key] = _Tape(steps, given, ran, made)
        return made
    for held in tape.held:
        if look is not None:
            look(held.step)
        calls.run(held.bound, parameters[held.step.node.index].weight if held.bound.weigh is not None else None)
        if watch.is_raised:
            watch.look_at(held.bound.made)
    return tape.made


def _suits(tape: _Tape, operand: Array, parameters: dict[int, Parameters]) -> bool:
    """Whether the tape makes the same as its steps would, of this operand, which is put in its place, and weights."""
    for held in tape.held:
        if held.bound.weigh is not None:
            own = parameters.get(held.step.node.index, NO_PARAMETERS)
            if own.weight is None or own.bias is not None or not held.suits(own.weight):
                return False
    return tape.held[0].takes(operand)


def _length(steps: tuple[Step, ...], direction: Pass) -> int:
    """How many held steps a pass consists of; none if it does anything else."""
    length = 0
    for step in steps:
        inner = (*step.body, *(() if step.shortcut is None else (step.shortcut,)))
        within = _length(inner, direction)
        held = isinstance(step.node.layer, Conv | Depthwise | MaxPool) or within > 0
        if not held or step.read is not EVERYTHING:
            return 0
        kind = step.node.activation
        apart = direction == "vjp" and kind != "linear" and (kind != "relu" or bool(inner))
        length += within + 1 + apart
    return length
