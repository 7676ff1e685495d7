"""Forward and back through the steps of a cone, one block of probes at once.

`forward` keeps of each step only what its VJP needs; `backward` walks the same steps the other way.
"""

from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import Any, NamedTuple

from pipeline.gradient import steps as operations
from pipeline.gradient.cache import in_place
from pipeline.gradient.step import Source, Step
from pipeline.gradient.tape import replay
from pipeline.gradient.watch import Watch
from pipeline.ops.buffer import Array
from pipeline.ops.parameters import NO_PARAMETERS, Parameters
from pipeline.stem import INPUT

Look = Callable[[Step], None]
"""Called before each step; raises Timeout past the deadline."""


class Timeout(Exception):  # noqa: N818  # the name is what the attempt records as its type
    """A config took longer than its deadline; says where it was."""


class Trace(NamedTuple):
    """What a step keeps for its VJP: what its operation saved, and the slope of its activation."""

    saved: Any
    slope: Any


def forward(
    steps: tuple[Step, ...], x: Array, parameters: dict[int, Parameters], deadline: float | None, watch: Watch
) -> tuple[Array, list[Trace]]:
    """Returns (the result of the steps, what `backward` needs).

    x: float32 or float64 [rows, channels, columns, n], and so is the result, which is valid until this thread runs
    steps again. Raises Timeout past the deadline, a time of `time.monotonic` in seconds.
    """
    look = looking(deadline, "forward")
    x = in_place(steps, "forward", x)
    make = partial(_forward, steps, x, parameters, look, watch)
    result: tuple[Array, list[Trace]] = replay("forward", steps, x, None, parameters, make, look, watch)
    return result


def backward(
    steps: tuple[Step, ...],
    g: Array,
    traces: list[Trace],
    parameters: dict[int, Parameters],
    deadline: float | None,
    watch: Watch,
) -> Array:
    """Returns the gradient by the operand of the steps, [rows, channels, columns, n], from that by their result, g.

    Both are float32 or float64, alike. traces: those of the forward pass. Raises Timeout; see `forward`.
    """
    look = looking(deadline, "backward")
    g = in_place(steps, "vjp", g)
    make = partial(_backward, steps, g, traces, parameters, look, watch)
    result: Array = replay("vjp", steps, g, traces, parameters, make, look, watch)
    return result


def looking(deadline: float | None, direction: str) -> Look | None:
    """Returns what is called before each step of a pass that has a deadline; None without one."""
    return None if deadline is None else partial(_look, deadline, direction)


def _look(deadline: float, direction: str, step: Step) -> None:
    if monotonic() > deadline:
        raise Timeout(f"at layer {step.node.index} {direction}")


def _forward(
    steps: tuple[Step, ...], x: Array, parameters: dict[int, Parameters], look: Look | None, watch: Watch
) -> tuple[Array, list[Trace]]:
    traces: list[Trace] = []
    results = {INPUT: x}
    for number, step in enumerate(steps):
        if look is not None:
            look(step)
        operands = [operations.read(step, source, results[source.step]) for source in step.sources]
        bound = operations.forward(step, operands, parameters.get(step.node.index, NO_PARAMETERS))
        results[number] = bound.out
        if watch.is_raised:
            watch.look_at(bound.out)
        traces.append(Trace(bound.saved, bound.slope))
        for ended in step.ended:
            del results[ended]
        del bound, operands  # and the memory that is too large to be kept, before the next step asks for its own
    return results[len(steps) - 1], traces


def _backward(
    steps: tuple[Step, ...],
    g: Array,
    traces: list[Trace],
    parameters: dict[int, Parameters],
    look: Look | None,
    watch: Watch,
) -> Array:
    gradients = _Gradients(len(steps) - 1, g)
    for number in reversed(range(len(steps))):
        step, trace = steps[number], traces[number]
        if look is not None:
            look(step)
        g = gradients.sum_of(number)
        mask = trace.slope if step.is_masked else None
        if step.sloped is not None:
            g = operations.activation_vjp(step, g, trace.slope)
        own = parameters.get(step.node.index, NO_PARAMETERS)
        for source in step.sources:
            part = operations.vjp(step, source, g, own, trace.saved, mask)
            if source.spread is not None:
                part = operations.spread(step, source, part)
            if watch.is_raised:
                watch.look_at(part)
            gradients.hand_on(step, source, part)
        del g, part
    return gradients.sum_of(INPUT)


class _Gradients:
    """The gradients that steps have handed on to those before them, until these take their sum."""

    def __init__(self, last: int, seed: Array) -> None:
        self.bases = {last: seed}
        self.others: dict[int, list[tuple[Step, Source, Array]]] = {}

    def hand_on(self, step: Step, source: Source, part: Array) -> None:
        """Keeps the gradient by what a step read of one before it.

        part: float32 or float64 [rows, C, columns, n] of the operand, or of the whole result of that step if it is the
        base, to which the others are added.
        """
        if source.is_base:
            self.bases[source.step] = part
        else:
            self.others.setdefault(source.step, []).append((step, source, part))

    def sum_of(self, number: int) -> Array:
        """Returns the gradient by the result of a step, [rows, C, columns, n] of the dtype of its parts.

        It is the sum over all steps that read the result. The sum lies in the memory of the base.
        Raises KeyError if no step has handed on a base.
        """
        base = self.bases.pop(number)
        for step, source, part in reversed(self.others.pop(number, ())):
            operations.add(step, source, part, base)
        return base
