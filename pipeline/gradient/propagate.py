"""Forward and back through the steps of a cone, one block of probes at once.

`forward` keeps of each step only what its VJP needs; `backward` walks the same steps the other way.
"""

from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import Any, NamedTuple

import numpy as np

from pipeline.draws.weights import NO_PARAMETERS, Parameters
from pipeline.gradient import steps as operations
from pipeline.gradient.step import EVERYTHING, Read, Step
from pipeline.gradient.table import OPERATIONS
from pipeline.gradient.tape import taped
from pipeline.gradient.watch import Watch
from pipeline.ops import activation
from pipeline.ops.array import Array
from pipeline.stem.layers import Conv, Depthwise, Group, MaxPool

_WEIGHING = Conv, Depthwise

Look = Callable[[Step], None]
"""Called before each step; raises Timeout past the deadline."""


class Timeout(Exception):  # noqa: N818  # the name is what the attempt records as its type
    """A config took longer than its deadline; says where it was."""


class Trace(NamedTuple):
    """What a step keeps for its VJP: the shape it was handed, what its operation saved, its activation's slope."""

    given: tuple[int, ...]
    saved: Any
    slope: Any


def forward(
    steps: tuple[Step, ...], x: Array, parameters: dict[int, Parameters], deadline: float | None, watch: Watch
) -> tuple[Array, list[Trace]]:
    """(what the steps make of x, what `backward` needs); arrays are valid until this thread runs steps again."""
    look = looking(deadline, "forward")
    make = partial(_forward, steps, x, parameters, look, watch, 0)
    made: tuple[Array, list[Trace]] = taped("forward", steps, x, None, parameters, make, look, watch)
    return made


def backward(
    steps: tuple[Step, ...],
    g: Array,
    traces: list[Trace],
    parameters: dict[int, Parameters],
    deadline: float | None,
    watch: Watch,
) -> Array:
    """The gradient by what the steps were handed, given that by what they made."""
    look = looking(deadline, "backward")
    make = partial(_backward, steps, g, traces, parameters, look, watch, 0)
    made: Array = taped("vjp", steps, g, traces, parameters, make, look, watch)
    return made


def looking(deadline: float | None, direction: str) -> Look | None:
    """What is called before each step of a pass that has a deadline."""
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
    """Steps inside a sum run at a higher `level`, so that they leave alone what the sum was handed."""
    n = x.shape[3]
    traces: list[Trace] = []
    for step in steps:
        node = step.node
        if look is not None:
            look(step)
        given = x.shape
        x = operations.taken(x, step.read)
        own = parameters.get(node.index, NO_PARAMETERS)
        saved: Any = None
        if isinstance(node.layer, _WEIGHING) and own.weight is not None and own.bias is None:
            x, slope = operations.forward(step, x, own.weight, level, n)
        elif isinstance(node.layer, MaxPool):
            x, saved, slope = operations.max_forward(step, x, level)
        elif isinstance(node.layer, Group):
            x, saved, slope = _forward_sum(step, x, parameters, look, watch, level)
        else:
            z, saved = OPERATIONS[type(node.layer)].forward(x, step, own)
            x, slope = activation.forward(node.activation, z)
        if watch.is_raised:
            watch.look_at(x)
        traces.append(Trace(given, saved, slope))
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
    n, handed = g.shape[3], g
    for step, trace in zip(reversed(steps), reversed(traces), strict=True):
        if look is not None:
            look(step)
        layer, slope = step.node.layer, trace.slope
        own = parameters.get(step.node.index, NO_PARAMETERS)
        weight = own.weight if isinstance(layer, _WEIGHING) else None
        fused = slope is None or (slope.dtype == np.bool_ and (weight is not None or isinstance(layer, MaxPool)))
        if not fused and (isinstance(layer, Group) or (weight is not None and own.bias is None)):
            g, slope = operations.activation_vjp(step, g, slope, level), None
        elif not fused:
            ours = g is not handed and g.flags.writeable  # then its memory is, too, and a step may be bound to it
            g, slope = np.multiply(g, slope, out=g if ours else None), None
        if weight is not None:
            g = operations.vjp(step, g, weight, slope, level, n)
        elif isinstance(layer, MaxPool):
            g = operations.max_vjp(step, g, trace.saved, slope, level)
        elif isinstance(layer, Group):
            g = _backward_sum(step, g, trace.saved, parameters, look, watch, level)
        else:
            g = OPERATIONS[type(layer)].vjp(g, step, own, trace.saved)
        g = returned(g, step.read, trace.given)
        if watch.is_raised:
            watch.look_at(g)
    return g


class SumTrace(NamedTuple):
    """What a residual sum keeps: the traces of its body and of its projection."""

    body: list[Trace]
    shortcut: list[Trace]


def _forward_sum(
    step: Step, x: Array, parameters: dict[int, Parameters], look: Look | None, watch: Watch, level: int
) -> tuple[Array, SumTrace, Any]:
    made, body = _forward(step.body, x, parameters, look, watch, level + 1)
    beside, shortcut = operations.taken(x, step.skip), list[Trace]()
    if step.shortcut is not None:
        beside, shortcut = _forward((step.shortcut,), x, parameters, look, watch, level + 2)
    total, slope = operations.sum_forward(step, made, beside, level)
    return total, SumTrace(body, shortcut), slope


def _backward_sum(
    step: Step,
    g: Array,
    saved: SumTrace,
    parameters: dict[int, Parameters],
    look: Look | None,
    watch: Watch,
    level: int,
) -> Array:
    through = _backward(step.body, g, saved.body, parameters, look, watch, level + 1)
    if step.shortcut is not None:
        g = _backward((step.shortcut,), g, saved.shortcut, parameters, look, watch, level + 2)
    return operations.sum_vjp(step, through, g, level)


def returned(g: Array, read: Read, shape: tuple[int, ...]) -> Array:
    """The transpose of `taken`: the gradient by the array that was handed over; repeated pixels add up."""
    if read is EVERYTHING:
        return g
    if read.columns is not None:
        g = _spread(g, read.columns, 2, shape[2])
    if read.rows is not None:
        g = _spread(g, read.rows, 0, shape[0])
    if read.channels is not None:
        g = _spread(g, read.channels, 1, shape[1])
    return g


def _spread(g: Array, places: slice | tuple[int, ...], axis: int, size: int) -> Array:
    spread = np.zeros((*g.shape[:axis], size, *g.shape[axis + 1 :]), g.dtype)
    index: list[Any] = [slice(None)] * axis
    if isinstance(places, slice):
        spread[(*index, places)] = g
    else:
        np.add.at(spread, (*index, np.array(places)), g)
    return spread
