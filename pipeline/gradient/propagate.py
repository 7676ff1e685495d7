"""Forward and back through the steps of a cone, one block of probes at once.

`forward` keeps of each step only what its VJP needs; `backward` walks the same steps the other way.
"""

from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import Any, NamedTuple

from pipeline.gradient import reading
from pipeline.gradient import steps as operations
from pipeline.gradient.cache import in_place
from pipeline.gradient.step import Step
from pipeline.gradient.tape import replay
from pipeline.gradient.watch import Watch
from pipeline.ops.bound import Bound
from pipeline.ops.buffer import Array
from pipeline.ops.parameters import NO_PARAMETERS, Parameters
from pipeline.stem import Group

Look = Callable[[Step], None]
"""Called before each step; raises Timeout past the deadline."""


class Timeout(Exception):  # noqa: N818  # the name is what the attempt records as its type
    """A config took longer than its deadline; says where it was."""


class Trace(NamedTuple):
    """What a step keeps for its VJP: the shape of its operand, what its operation saved, its activation's slope."""

    shape: tuple[int, ...]
    saved: Any
    slope: Any


class SumTrace(NamedTuple):
    """What a residual sum saves: the traces of its body and of its projection."""

    body: list[Trace]
    shortcut: list[Trace]


def forward(
    steps: tuple[Step, ...], x: Array, parameters: dict[int, Parameters], deadline: float | None, watch: Watch
) -> tuple[Array, list[Trace]]:
    """Returns (the result of the steps, what `backward` needs).

    x: float32 or float64 [rows, channels, columns, n], and so is the result, which is valid until this thread runs
    steps again. Raises Timeout past the deadline, a time of `time.monotonic` in seconds.
    """
    look = looking(deadline, "forward")
    x = in_place(steps, "forward", x)
    make = partial(_forward, steps, x, parameters, look, watch, 0)
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
    make = partial(_backward, steps, g, traces, parameters, look, watch, 0)
    result: Array = replay("vjp", steps, g, traces, parameters, make, look, watch)
    return result


def looking(deadline: float | None, direction: str) -> Look | None:
    """Returns what is called before each step of a pass that has a deadline; None without one."""
    return None if deadline is None else partial(_look, deadline, direction)


def _look(deadline: float, direction: str, step: Step) -> None:
    if monotonic() > deadline:
        raise Timeout(f"at layer {step.node.index} {direction}")


def _forward(
    steps: tuple[Step, ...],
    x: Array,
    parameters: dict[int, Parameters],
    look: Look | None,
    watch: Watch,
    level: int,
) -> tuple[Array, list[Trace]]:
    traces: list[Trace] = []
    for step in steps:
        if look is not None:
            look(step)
        shape = x.shape
        x = operations.read(step, x, step.read, level)
        if isinstance(step.node.layer, Group):
            saved: Any
            bound, saved = _forward_sum(step, x, parameters, look, watch, level)
        else:
            bound = operations.forward(step, x, parameters.get(step.node.index, NO_PARAMETERS), level)
            saved = bound.saved
        x = bound.out
        if watch.is_raised:
            watch.look_at(x)
        traces.append(Trace(shape, saved, bound.slope))
        del bound  # and the scratch memory that is too large to be kept, before the next step asks for its own
    return x, traces


def _backward(
    steps: tuple[Step, ...],
    g: Array,
    traces: list[Trace],
    parameters: dict[int, Parameters],
    look: Look | None,
    watch: Watch,
    level: int,
) -> Array:
    for step, trace in zip(reversed(steps), reversed(traces), strict=True):
        if look is not None:
            look(step)
        if isinstance(step.node.layer, Group):
            g = _backward_sum(step, g, trace, parameters, look, watch, level)
        else:
            own = parameters.get(step.node.index, NO_PARAMETERS)
            g = operations.vjp(step, g, own, trace.saved, trace.slope, level)
        g = operations.spread(step, g, trace.shape, level)
        if watch.is_raised:
            watch.look_at(g)
    return g


def _forward_sum(
    step: Step, x: Array, parameters: dict[int, Parameters], look: Look | None, watch: Watch, level: int
) -> tuple[Bound, SumTrace]:
    result, body = _forward(step.body, x, parameters, look, watch, level + 1)
    if step.shortcut is None:
        return operations.sum_forward(step, result, reading.view(x, step.skip), level), SumTrace(body, [])
    beside, shortcut = _forward((step.shortcut,), x, parameters, look, watch, level + 2)
    return operations.sum_forward(step, result, beside, level), SumTrace(body, shortcut)


def _backward_sum(
    step: Step,
    g: Array,
    trace: Trace,
    parameters: dict[int, Parameters],
    look: Look | None,
    watch: Watch,
    level: int,
) -> Array:
    if trace.slope is not None:
        g = operations.activation_vjp(step, g, trace.slope, level)
    through = _backward(step.body, g, trace.saved.body, parameters, look, watch, level + 1)
    if step.shortcut is not None:
        g = _backward((step.shortcut,), g, trace.saved.shortcut, parameters, look, watch, level + 2)
    return operations.sum_vjp(step, through, g, level)
