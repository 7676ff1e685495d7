"""The tables of operations: for each kind of layer its forward and its VJP, with one signature for all.

Joins, which read several arrays, have a table and a signature of their own.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pipeline.gradient.step import Source, Step
from pipeline.ops import conv, join, maxpool, norm, pool, transposed, upsample
from pipeline.ops.bound import Bound
from pipeline.ops.buffer import Array, room
from pipeline.ops.parameters import Parameters
from pipeline.ops.passes import copy_call
from pipeline.stem import (
    Activate,
    Add,
    AvgPool,
    BatchNorm,
    Cat,
    Conv,
    Depthwise,
    GlobalAvgPool,
    LayerNorm,
    MaxPool,
    Mul,
    PreResidual,
    Residual,
    Transposed,
    Upsample,
)

Mask = Any
"""bool, of the shape of the gradient that it multiplies; None for an operation that takes none."""


class Operation(NamedTuple):
    """How a layer is bound, forward and back; what is bound is run by `ops.bound.run`, or by `cache.run_cached`.

    forward(x, step, parameters, place) binds the step to x [rows, C, columns, n]. vjp(g, step, parameters, saved, mask,
    place) binds its transpose to the gradient g by what it made [rows', F, columns', n]; `saved` is that of the forward
    step. Parameters are those of the features that the step makes, and say which parts are loaded and, for some
    weights, in which way they are multiplied. Results go to the place of a number, see `ops.buffer.room`. Activations
    are not part of it, but a VJP that takes the mask of a rectifier multiplies g by it; see `Step.is_masked`.
    """

    forward: Callable[[Array, Step, Parameters, int | None], Bound]
    vjp: Callable[[Array, Step, Parameters, Any, Mask, int | None], Bound]


def _copy_forward(x: Array, step: Step, own: Parameters, level: int | None) -> Bound:
    out = room(level, x, x.shape, x.dtype)  # the activation writes over it, and a shortcut may still need x
    return Bound(x, out, [copy_call(out, x)])


_CONVOLUTION = Operation(
    lambda x, step, own, level: conv.forward(x, own, step.y, step.x, step.groups, level, step.ties),
    lambda g, step, own, saved, mask, level: conv.vjp(g, own, step.y, step.x, step.groups, mask, level),
)

OPERATIONS: dict[type, Operation] = {
    Conv: _CONVOLUTION,
    Depthwise: _CONVOLUTION,
    Transposed: Operation(
        lambda x, step, own, level: transposed.forward(x, own, step.y, step.x, step.groups, level, step.ties),
        lambda g, step, own, saved, mask, level: transposed.vjp(g, own, step.y, step.x, step.groups, level),
    ),
    MaxPool: Operation(
        lambda x, step, own, level: maxpool.forward(x, step.y, step.x, level),
        lambda g, step, own, saved, mask, level: maxpool.vjp(g, saved, step.y, step.x, mask, level),
    ),
    AvgPool: Operation(
        lambda x, step, own, level: pool.average_forward(x, step.y, step.x, None, level),
        lambda g, step, own, saved, mask, level: pool.average_vjp(g, step.y, step.x, None, level),
    ),
    GlobalAvgPool: Operation(
        lambda x, step, own, level: pool.global_forward(x, level),
        lambda g, step, own, saved, mask, level: pool.global_vjp(g, step.y, step.x, level),
    ),
    Upsample: Operation(
        lambda x, step, own, level: upsample.forward(x, step.y, step.x, level),
        lambda g, step, own, saved, mask, level: upsample.vjp(g, step.y, step.x, level),
    ),
    BatchNorm: Operation(
        lambda x, step, own, level: norm.batch_forward(x, level),
        lambda g, step, own, saved, mask, level: norm.batch_vjp(g, level),
    ),
    LayerNorm: Operation(
        lambda x, step, own, level: norm.layer_forward(x, norm.EPSILON, level),
        lambda g, step, own, saved, mask, level: norm.layer_vjp(g, saved, level),
    ),
    Activate: Operation(_copy_forward, lambda g, step, own, saved, mask, level: Bound(g, g, [])),
}


class JoinOperation(NamedTuple):
    """How a join is bound, forward and back.

    forward(operands, place) binds it to what it reads, arrays [rows, C, columns, n]. vjp(g, step, source, saved, place)
    binds its transpose to the gradient g by what it made, for one of its sources. part(g, step, source) is that
    gradient where it is g itself or a view of it; see `places.is_handed_on`.
    """

    forward: Callable[[Sequence[Array], int | None], Bound]
    vjp: Callable[[Array, Step, Source, Any, int | None], Bound]
    part: Callable[[Array, Step, Source], Array]


def _no_vjp(g: Array, step: Step, source: Source, saved: Any, place: int | None) -> Bound:
    raise TypeError(f"the gradient by a branch of a {type(step.node.layer).__name__} is a part of that by its result")


def _no_part(g: Array, step: Step, source: Source) -> Array:
    raise TypeError(f"the gradient by a branch of a {type(step.node.layer).__name__} is no part of that by its result")


def _branch_of_cat(g: Array, step: Step, source: Source) -> Array:
    before = sum(plane.channels for plane in step.node.planes[: source.slot])
    first, stop = source.channels
    return join.cat_vjp(g, before + first - step.features[0], stop - first)


_SUM = JoinOperation(
    join.add_forward,
    lambda g, step, source, saved, place: join.add_vjp(g, (*source.shape, g.shape[3]), place),
    lambda g, step, source: g,
)

JOINS: dict[type, JoinOperation] = {
    Residual: _SUM,
    PreResidual: _SUM,
    Add: _SUM,
    Cat: JoinOperation(join.cat_forward, _no_vjp, _branch_of_cat),
    Mul: JoinOperation(
        join.mul_forward,
        lambda g, step, source, saved, place: join.mul_vjp(g, saved, source.slot, place),
        _no_part,
    ),
}
