"""Steps of a pass, each bound to its arrays and run, or run again as it is cached; see `cache`.

Arrays are [rows, channels, columns, n], float32 or float64. Steps and their sources say in which places of scratch
memory results and gradients lie; see `places`.
"""

from typing import Any

import numpy as np

from pipeline.gradient import reading
from pipeline.gradient.cache import Site, run_cached
from pipeline.gradient.step import Source, Step
from pipeline.gradient.table import JOINS, OPERATIONS
from pipeline.ops import activation
from pipeline.ops.bound import Bound
from pipeline.ops.buffer import Array, room
from pipeline.ops.parameters import Parameters


def read(step: Step, source: Source, x: Array) -> Array:
    """Returns what a step reads of x [rows, C, columns, n], of its dtype: a view where these are slices."""
    if not source.read.is_scattered:
        return reading.view(x, source.read)
    site = Site(step, "read", x.shape[3], source.slot)
    return run_cached(site, x, None, lambda: reading.forward(x, source.read, source.copied)).out


def forward(step: Step, operands: list[Array], parameters: Parameters) -> Bound:
    """Returns the operation of a step and its activation, run: its `out`, `saved` for its VJP, and its `slope`.

    operands: what it reads, float32 or float64 [rows, C, columns, n]; out: [rows', F, columns', n], of their dtype.
    """
    join = JOINS.get(type(step.node.layer))
    x, *others = operands

    def make() -> Bound:
        if join is not None:
            return _activated(step, join.forward(operands, step.place))
        return _activated(step, OPERATIONS[type(step.node.layer)].forward(x, step, parameters, step.place))

    return run_cached(Site(step, "forward", x.shape[3]), x, tuple(others) if others else None, make, parameters)


def vjp(step: Step, source: Source, g: Array, parameters: Parameters, saved: Any, mask: Any) -> Array:
    """Returns the gradient by what a step reads of a source, [rows, C, columns, n]: a new array, g, or a part of g.

    g: that by the result of the step times the slope of its activation, [rows', F, columns', n], or, with the mask of a
    rectifier, without it. saved: that of the forward step. All are of one dtype.
    """
    join = JOINS.get(type(step.node.layer))
    if source.gradient is None:
        return g if join is None else join.part(g, step, source)

    def make() -> Bound:
        if join is not None:
            return join.vjp(g, step, source, saved, source.gradient)
        return OPERATIONS[type(step.node.layer)].vjp(g, step, parameters, saved, mask, source.gradient)

    beside = mask if saved is None else saved  # a step that saves anything saves it with its mask
    return run_cached(Site(step, "vjp", g.shape[3], source.slot), g, beside, make, parameters).out


def activation_vjp(step: Step, g: Array, slope: Array) -> Array:
    """Returns g times the slope of an activation, both [rows, F, columns, n]; the result is of the dtype of g."""

    def make() -> Bound:
        out = room(step.sloped, g.shape, g.dtype)
        return Bound(g, out, [(np.multiply, (g, slope, out))])

    return run_cached(Site(step, "slope", g.shape[3]), g, slope, make).out


def spread(step: Step, source: Source, g: Array) -> Array:
    """Returns the gradient by the whole of which a step reads a part, from that by the part, g [rows, C, columns, n].

    It is the transpose of `read`, and of the dtype of g.
    """
    n = g.shape[3]
    site = Site(step, "spread", n, source.slot)
    return run_cached(site, g, None, lambda: reading.vjp(g, source.read, (*source.whole, n), source.spread)).out


def add(step: Step, source: Source, part: Array, base: Array) -> None:
    """Adds to the gradient by a result [rows, C, columns, n] one that was handed on by another step that read it.

    part: the gradient by what the step read of it, or spread over all of it, of the same dtype.
    """
    target = base if source.spread is not None else reading.view(base, source.read)
    site = Site(step, "add", part.shape[3], source.slot)
    run_cached(site, target, part, lambda: Bound(target, target, [(np.add, (target, part, target))]))


def _activated(step: Step, bound: Bound) -> Bound:
    activate, slope = activation.bind(step.node.activation, bound.out)
    bound.calls.extend(activate)
    return bound._replace(slope=slope)
