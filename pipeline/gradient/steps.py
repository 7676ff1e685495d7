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
    """Returns the operation of a step and its activation, run on x: its `out`, `saved` for its VJP, and its `slope`.

    x: float32 or float64 [rows, C, columns, n]; out: [rows', F, columns', n], of its dtype.
    """
    operation = OPERATIONS[type(step.node.layer)]

    def make() -> Bound:
        return _activated(step, operation.forward(x, step, parameters, level))

    return run_cached(Site(step, "forward", x.shape[3]), x, None, make, parameters)


def vjp(step: Step, g: Array, parameters: Parameters, saved: Any, slope: Any, level: int) -> Array:
    """Returns the gradient by x [rows, C, columns, n], from that by the result of the step, g [rows', F, columns', n].

    Both are of one dtype. saved, slope: those that `forward` returned.
    """
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
    """Returns g times the slope of an activation, both [rows, F, columns, n]; the result is of the dtype of g."""

    def make() -> Bound:
        out = room(level, g, g.shape, g.dtype)
        return Bound(g, out, [(np.multiply, (g, slope, out))])

    return run_cached(Site(step, "slope", g.shape[3]), g, slope, make).out


def sum_forward(step: Step, x: Array, beside: Array, level: int) -> Bound:
    """Returns the activation of the sum of x and `beside`, run: `out` and its `slope`.

    All are [rows, F, columns, n] and of one dtype.
    """

    def make() -> Bound:
        out = room(level, beside, x.shape, x.dtype)
        return _activated(step, Bound(x, out, [(np.add, (x, beside, out))]))

    return run_cached(Site(step, "forward", x.shape[3]), x, beside, make)


def sum_vjp(step: Step, through: Array, beside: Array, level: int) -> Array:
    """Returns the gradient by the operand of a sum, [rows, C, columns, n].

    It adds the gradient through its body to that beside it, where the shortcut read the operand. All are of one dtype.
    """

    def make() -> Bound:
        out = room(level, beside, through.shape, through.dtype)
        if step.shortcut is not None:
            return Bound(through, out, [(np.add, (through, beside, out))])
        skipped = reading.view(out, step.skip)  # what is skipped is cut out, but nothing of it repeated
        return Bound(through, out, [copy_call(out, through), (np.add, (skipped, beside, skipped))])

    return run_cached(Site(step, "vjp", through.shape[3]), through, beside, make).out


def read(step: Step, x: Array, part: Read, level: int) -> Array:
    """Returns what a step reads of x [rows, C, columns, n], of its dtype: a view where these are slices."""
    if reading.is_view(part):
        return reading.view(x, part)
    return run_cached(Site(step, "read", x.shape[3]), x, None, lambda: reading.forward(x, part, level)).out


def spread(step: Step, g: Array, shape: tuple[int, ...], level: int) -> Array:
    """Returns the gradient by the array of `shape` [rows, C, columns, n] that a step reads, of the dtype of g.

    It is the transpose of `read`.
    """
    if step.read is EVERYTHING:
        return g
    return run_cached(Site(step, "spread", g.shape[3]), g, None, lambda: reading.vjp(g, step.read, shape, level)).out


def _activated(step: Step, bound: Bound) -> Bound:
    activate, slope = activation.bind(step.node.activation, bound.out)
    bound.calls.extend(activate)
    return bound._replace(slope=slope)
