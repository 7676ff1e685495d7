"""Forward and back through the steps of a cone, one block of probes at once.

`forward` keeps of each step only what its VJP needs; `backward` walks the same steps the other way.
"""

from time import monotonic
from typing import Any, NamedTuple

import numpy as np

from pipeline.cone import EVERYTHING, Read, Step
from pipeline.layers import activation, held
from pipeline.layers.array import Array
from pipeline.layers.table import OPERATIONS
from pipeline.stem import Conv, Depthwise, Group, MaxPool
from pipeline.weights import NO_PARAMETERS, Parameters

_WEIGHING = Conv, Depthwise


class Timeout(Exception):  # noqa: N818  # the name is what the attempt records as its type
    """A config took longer than its deadline."""


class Trace(NamedTuple):
    """What a step keeps for its VJP: the shape it was handed, what its operation saved, its activation's slope."""

    given: tuple[int, ...]
    saved: Any
    slope: Any


def forward(
    steps: tuple[Step, ...], x: Array, parameters: dict[int, Parameters], deadline: float | None, level: int = 0
) -> tuple[Array, list[Trace]]:
    """(what the steps make of x, what `backward` needs); arrays are valid until this thread runs steps again.

    Steps inside a sum run at a higher `level`, so that they leave alone what the sum was handed; see `held`.
    """
    traces = []
    for step in steps:
        node = step.node
        if deadline is not None and monotonic() > deadline:
            raise Timeout(f"not done by its deadline, at layer {node.index} forward")
        given = x.shape
        x = _taken(x, step.read)
        own = parameters.get(node.index, NO_PARAMETERS)
        kind = node.activation
        saved: Any = None
        if isinstance(node.layer, _WEIGHING) and own.weight is not None and own.bias is None:
            x, slope = held.forward(step, x, own.weight, kind == "relu", level)
            if kind != "relu":
                value, slope = activation.forward(kind, x)
                if value is not x:
                    np.copyto(x, value)  # where the next step may be bound to find it
        elif isinstance(node.layer, MaxPool):
            x, saved, slope = held.max_forward(step, x, kind == "relu", level)
        elif isinstance(node.layer, Group):
            z, saved = _forward_sum(step, x, parameters, deadline, level)
            x, slope = activation.forward(kind, z)
        else:
            z, saved = OPERATIONS[type(node.layer)].forward(x, step, own)
            x, slope = activation.forward(kind, z)
        traces.append(Trace(given, saved, slope))
    return x, traces


def backward(
    steps: tuple[Step, ...],
    g: Array,
    traces: list[Trace],
    parameters: dict[int, Parameters],
    deadline: float | None,
    level: int = 0,
) -> Array:
    """The gradient by what the steps were handed, given that by what they made."""
    handed = g
    for step, trace in zip(reversed(steps), reversed(traces), strict=True):
        if deadline is not None and monotonic() > deadline:
            raise Timeout(f"not done by its deadline, at layer {step.node.index} back")
        layer, slope = step.node.layer, trace.slope
        own = parameters.get(step.node.index, NO_PARAMETERS)
        weight = own.weight if isinstance(layer, _WEIGHING) else None
        is_mask = isinstance(layer, MaxPool) or (weight is not None and step.node.activation == "relu")
        if slope is not None and not is_mask:
            ours = g is not handed and g.flags.writeable  # then its memory is, too, and a step may be bound to it
            g, slope = np.multiply(g, slope, out=g if ours else None), None
        if weight is not None:
            g = held.vjp(step, g, weight, slope, level)
        elif isinstance(layer, MaxPool):
            g = held.max_vjp(step, g, trace.saved, slope, level)
        elif isinstance(layer, Group):
            g = _backward_sum(step, g, trace.saved, parameters, deadline, level)
        else:
            g = OPERATIONS[type(layer)].vjp(g, step, own, trace.saved)
        g = _returned(g, step.read, trace.given)
    return g


class SumTrace(NamedTuple):
    """What a residual sum keeps: the traces of its body and of its projection, and the shape it was handed."""

    body: list[Trace]
    shortcut: list[Trace]
    given: tuple[int, ...]


def _forward_sum(
    step: Step, x: Array, parameters: dict[int, Parameters], deadline: float | None, level: int
) -> tuple[Array, SumTrace]:
    made, body = forward(step.body, x, parameters, deadline, level + 1)
    beside, shortcut = _taken(x, step.skip), list[Trace]()
    if step.shortcut is not None:
        beside, shortcut = forward((step.shortcut,), x, parameters, deadline, level + 2)
    total = held.room_for(level, x, made.shape)
    return np.add(made, beside, out=total), SumTrace(body, shortcut, x.shape)


def _backward_sum(
    step: Step, g: Array, saved: SumTrace, parameters: dict[int, Parameters], deadline: float | None, level: int
) -> Array:
    through = backward(step.body, g, saved.body, parameters, deadline, level + 1)
    total = held.room_for(level, g, saved.given)
    if step.shortcut is not None:
        beside = backward((step.shortcut,), g, saved.shortcut, parameters, deadline, level + 2)
        return np.add(through, beside, out=total)
    np.copyto(total, through)
    skipped = _taken(total, step.skip)  # a view: what is skipped is cut out, but nothing of it repeated
    skipped += g
    return total


def _taken(x: Array, read: Read) -> Array:
    """What a step reads of the array that it is handed."""
    if read is EVERYTHING:
        return x
    if read.channels is not None:
        x = x[:, read.channels]
    if read.rows is not None:
        x = x[read.rows] if isinstance(read.rows, slice) else x[list(read.rows)]
    if read.columns is not None:
        x = x[:, :, read.columns] if isinstance(read.columns, slice) else x[:, :, list(read.columns)]
    return x


def _returned(g: Array, read: Read, shape: tuple[int, ...]) -> Array:
    """The transpose of `_taken`: the gradient by the array that was handed over; repeated pixels add up."""
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
