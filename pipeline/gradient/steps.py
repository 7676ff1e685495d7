"""Steps of a pass, each bound to its arrays and run, or run again as it is cached; see `cache`.

Arrays are [rows, channels, columns, n], float32 or float64. `level` says whose places of scratch memory a result goes
to: steps inside a sum run at a higher one, so that they leave alone what the sum was handed.
"""

from typing import Any

import numpy as np

from pipeline.gradient import reading
from pipeline.gradient.cache import Site, run_cached
from pipeline.gradient.step import EVERYTHING, Read, Step, takes_mask
from pipeline.gradient.table import OPERATIONS
from pipeline.ops import activation
from pipeline.ops.bound import Bound
from pipeline.ops.buffer import Array, room
from pipeline.ops.parameters import Parameters
from pipeline.ops.passes import copy_call


def forward(step: Step, x: Array, parameters: Parameters, level: int) -> Bound:
    """The operation of a step and its activation, run: `out`, what its VJP needs as `saved`, and the `slope`."""
    operation = OPERATIONS[type(step.node.layer)]

    def make() -> Bound:
        return _activated(step, operation.forward(x, step, parameters, level))

    return run_cached(Site(step, "forward", x.shape[3]), x, None, make, parameters)


def vjp(step: Step, g: Array, parameters: Parameters, saved: Any, slope: Any, level: int) -> Array:
    """The gradient by x, given that by what a step made, and what its forward saved: its `saved`, its `slope`."""
    operation = OPERATIONS[type(step.node.layer)]
    mask = None
    if slope is not None and takes_mask(step.node.layer) and slope.dtype == np.bool_:
        mask = slope
    elif slope is not None:
        g = activation_vjp(step, g, slope, level)

    def make() -> Bound:
        return operation.vjp(g, step, parameters, saved, mask, level)

    beside = mask if saved is None else saved  # a step that saves anything saves it with its mask
    return run_cached(Site(step, "vjp", g.shape[3]), g, beside, make, parameters).out


def activation_vjp(step: Step, g: Array, slope: Array, level: int) -> Array:
    """The gradient by what is activated, given that by the activation."""

    def make() -> Bound:
        out = room(level, g, g.shape, g.dtype)
        return Bound(g, out, [(np.multiply, (g, slope, out))])

    return run_cached(Site(step, "slope", g.shape[3]), g, slope, make).out


def sum_forward(step: Step, x: Array, beside: Array, level: int) -> Bound:
    """The activation of x and what is beside it, added up, run: `out` and its `slope`."""

    def make() -> Bound:
        out = room(level, beside, x.shape, x.dtype)
        return _activated(step, Bound(x, out, [(np.add, (x, beside, out))]))

    return run_cached(Site(step, "forward", x.shape[3]), x, beside, make)


def sum_vjp(step: Step, through: Array, beside: Array, level: int) -> Array:
    """The gradient by what a sum was handed: that through its body, and what comes beside it where that was read."""

    def make() -> Bound:
        out = room(level, beside, through.shape, through.dtype)
        if step.shortcut is not None:
            return Bound(through, out, [(np.add, (through, beside, out))])
        skipped = reading.view(out, step.skip)  # what is skipped is cut out, but nothing of it repeated
        return Bound(through, out, [copy_call(out, through), (np.add, (skipped, beside, skipped))])

    return run_cached(Site(step, "vjp", through.shape[3]), through, beside, make).out


def read(step: Step, x: Array, part: Read, level: int) -> Array:
    """What a step reads of the array that it is handed: a view of it where that is slices."""
    if reading.is_view(part):
        return reading.view(x, part)
    return run_cached(Site(step, "read", x.shape[3]), x, None, lambda: reading.forward(x, part, level)).out


def spread(step: Step, g: Array, shape: tuple[int, ...], level: int) -> Array:
    """The transpose of `read`: the gradient by the array of `shape` that the step was handed."""
    if step.read is EVERYTHING:
        return g
    return run_cached(Site(step, "spread", g.shape[3]), g, None, lambda: reading.vjp(g, step.read, shape, level)).out


def _activated(step: Step, bound: Bound) -> Bound:
    activate, slope = activation.bind(step.node.activation, bound.out)
    bound.calls.extend(activate)
    return bound._replace(slope=slope)
