"""What the steps do that are kept bound: convolutions, max pools and sums, forward and back; see `held`.

`level` says whose slots of memory the result goes to: steps inside a sum run at a higher one.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from pipeline.gradient.held import Direction, Site, bind, found, run
from pipeline.gradient.step import EVERYTHING, Read, Step
from pipeline.ops import activation, conv, maxpool
from pipeline.ops.array import Array
from pipeline.ops.bound import Bound
from pipeline.ops.buffer import room
from pipeline.ops.choice import forward_way, vjp_way
from pipeline.ops.maxpool import Places
from pipeline.ops.passes import copied

_UNBOUND = "phases", "fourier"
"""Ways that make arrays of their own."""


def forward(step: Step, x: Array, weight: Array, level: int, n: int) -> tuple[Array, Any]:
    """(the convolution of a step and its activation, the slope of that); see `conv.forward`."""
    site = Site(step, "forward", n)
    held = found(site, x, None, weight)
    if held is not None:
        return run(held, weight), held.bound.slope
    chosen = forward_way(weight.shape, step.y, step.x, step.groups, n, step.ties)
    way = conv.exact(chosen, weight)
    if chosen in _UNBOUND:
        z = conv.forward(x, weight, step.y, step.x, step.groups, way, _slot(level))
        return activation.forward(step.node.activation, z)

    def make(x: Array) -> Bound:
        return _activated(step, conv.bound_forward(x, weight.shape, step.y, step.x, step.groups, way, _slot(level)))

    held = bind(site, x, None, make, chosen, way)
    return run(held, weight), held.bound.slope


def vjp(step: Step, g: Array, weight: Array, mask: Array | None, level: int, n: int) -> Array:
    """The gradient by x, given that by the convolution of a step, g times mask; see `conv.vjp`."""
    site = Site(step, "vjp", n)
    held = found(site, g, mask, weight)
    if held is not None:
        return run(held, weight)
    chosen = vjp_way(weight.shape, step.y, step.x, step.groups, n)
    way = conv.exact(chosen, weight)
    if chosen in _UNBOUND:
        return conv.vjp(g, weight, step.y, step.x, step.groups, mask, way, _slot(level))

    def make(g: Array) -> Bound:
        return conv.bound_vjp(g, weight.shape, step.y, step.x, step.groups, mask, way, _slot(level))

    return run(bind(site, g, mask, make, chosen, way), weight)


def max_forward(step: Step, x: Array, level: int) -> tuple[Array, Places, Any]:
    """(the max pooling of a step and its activation, its places, the slope of the activation)."""

    def make(x: Array) -> Bound:
        return _activated(step, maxpool.forward(x, step.y, step.x, _slot(level)))

    bound = _ran(step, "forward", x, None, make)
    return bound.made, bound.saved, bound.slope


def max_vjp(step: Step, g: Array, places: Places, mask: Array | None, level: int) -> Array:
    """The gradient by x, given that by the max pooling of a step, g times mask."""

    def make(g: Array) -> Bound:
        return maxpool.vjp(g, places, step.y, step.x, mask, _slot(level))

    return _ran(step, "vjp", g, places, make).made


def sum_forward(step: Step, x: Array, beside: Array, level: int) -> tuple[Array, Any]:
    """(the activation of x and what is beside it, added up, and its slope)."""

    def make(x: Array) -> Bound:
        made = room(_slot(level), beside, x.shape, x.dtype)
        return _activated(step, Bound(x, beside, None, made, [(np.add, (x, beside, made))]))

    bound = _ran(step, "forward", x, beside, make)
    return bound.made, bound.slope


def sum_vjp(step: Step, through: Array, beside: Array, level: int) -> Array:
    """The gradient by what a sum was handed: that through its body, and what comes beside it where that was taken."""

    def make(through: Array) -> Bound:
        made = room(_slot(level), beside, through.shape, through.dtype)
        if step.shortcut is not None:
            return Bound(through, beside, None, made, [(np.add, (through, beside, made))])
        skipped = taken(made, step.skip)  # a view: what is skipped is cut out, but nothing of it repeated
        return Bound(through, beside, None, made, [copied(made, through), (np.add, (skipped, beside, skipped))])

    return _ran(step, "vjp", through, beside, make).made


def activation_vjp(step: Step, g: Array, slope: Array, level: int) -> Array:
    """The gradient by what is activated, given that by the activation."""

    def make(g: Array) -> Bound:
        made = room(_slot(level), g, g.shape, g.dtype)
        return Bound(g, slope, None, made, [(np.multiply, (g, slope, made))])

    return _ran(step, "slope", g, slope, make).made


def taken(x: Array, read: Read) -> Array:
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


def _ran(step: Step, direction: Direction, operand: Array, given: Any, make: Callable[[Array], Bound]) -> Bound:
    """A step without weights, run."""
    site = Site(step, direction, operand.shape[3])
    held = found(site, operand, given) or bind(site, operand, given, make)
    run(held)
    return held.bound


def _slot(level: int) -> str:
    return f"level {level}"


def _activated(step: Step, bound: Bound) -> Bound:
    activate, slope = activation.applied(step.node.activation, bound.made)
    bound.calls.extend(activate)
    return bound._replace(slope=slope)
