"""The table of operations: for each kind of layer its forward and its VJP, with one signature for all."""

from collections.abc import Callable
from typing import Any, NamedTuple

from pipeline.draws.weights import Parameters
from pipeline.gradient.step import Step
from pipeline.ops import conv, maxpool, norm, pool, transposed, upsample
from pipeline.ops.array import Array
from pipeline.ops.bound import run
from pipeline.stem.layers import (
    Activate,
    AvgPool,
    BatchNorm,
    Conv,
    Depthwise,
    GlobalAvgPool,
    LayerNorm,
    MaxPool,
    Transposed,
    Upsample,
)


class Operation(NamedTuple):
    """forward(x, step, parameters) -> (y, saved); vjp(g, step, parameters, saved) -> the gradient by x.

    Parameters are those of the features that the step makes. Activations are not part of it. Convolutions without bias
    and max pools are here for completeness: `propagate` has `steps` run the same operations, bound.
    """

    forward: Callable[[Array, Step, Parameters], tuple[Array, Any]]
    vjp: Callable[[Array, Step, Parameters, Any], Array]


def _copy_forward(x: Array, step: Step, parameters: Parameters) -> tuple[Array, Any]:
    return x.copy(), None  # the activation that follows may write over it, and a shortcut may still need x


def _identity_vjp(g: Array, step: Step, parameters: Parameters, saved: Any) -> Array:
    return g


def _conv_forward(x: Array, step: Step, parameters: Parameters) -> tuple[Array, Any]:
    return _biased(conv.forward(x, _weight(parameters), step.y, step.x, step.groups, ties=step.ties), parameters), None


def _conv_vjp(g: Array, step: Step, parameters: Parameters, saved: Any) -> Array:
    return conv.vjp(g, _weight(parameters), step.y, step.x, step.groups)


def _transposed_forward(x: Array, step: Step, parameters: Parameters) -> tuple[Array, Any]:
    made = transposed.forward(x, _weight(parameters), step.y, step.x, step.groups, step.ties)
    return _biased(made, parameters), None


def _transposed_vjp(g: Array, step: Step, parameters: Parameters, saved: Any) -> Array:
    return transposed.vjp(g, _weight(parameters), step.y, step.x, step.groups)


def _weight(parameters: Parameters) -> Array:
    if parameters.weight is None:
        raise ValueError("a convolution has weights")
    return parameters.weight


def _biased(made: Array, parameters: Parameters) -> Array:
    if parameters.bias is not None:
        made += parameters.bias[:, None, None]
    return made


def _max_forward(x: Array, step: Step, parameters: Parameters) -> tuple[Array, Any]:
    bound = maxpool.forward(x, step.y, step.x)
    return run(bound), bound.saved


def _max_vjp(g: Array, step: Step, parameters: Parameters, saved: Any) -> Array:
    return run(maxpool.vjp(g, saved, step.y, step.x))


def _average_forward(x: Array, step: Step, parameters: Parameters) -> tuple[Array, Any]:
    return pool.average_forward(x, step.y, step.x), None


def _average_vjp(g: Array, step: Step, parameters: Parameters, saved: Any) -> Array:
    return pool.average_vjp(g, step.y, step.x)


def _global_forward(x: Array, step: Step, parameters: Parameters) -> tuple[Array, Any]:
    return pool.global_forward(x), None


def _global_vjp(g: Array, step: Step, parameters: Parameters, saved: Any) -> Array:
    return pool.global_vjp(g, step.y, step.x)


def _upsample_forward(x: Array, step: Step, parameters: Parameters) -> tuple[Array, Any]:
    return upsample.forward(x, step.y, step.x), None


def _upsample_vjp(g: Array, step: Step, parameters: Parameters, saved: Any) -> Array:
    return upsample.vjp(g, step.y, step.x)


def _batch_forward(x: Array, step: Step, parameters: Parameters) -> tuple[Array, Any]:
    scale = norm.batch_scale(parameters.weight, parameters.var)
    return norm.batch_forward(x, scale, parameters.mean, parameters.bias), scale


def _batch_vjp(g: Array, step: Step, parameters: Parameters, saved: Any) -> Array:
    return norm.batch_vjp(g, saved)


def _layer_forward(x: Array, step: Step, parameters: Parameters) -> tuple[Array, Any]:
    return norm.layer_forward(x, parameters.weight, parameters.bias)


def _layer_vjp(g: Array, step: Step, parameters: Parameters, saved: Any) -> Array:
    return norm.layer_vjp(g, saved, parameters.weight)


_CONVOLUTION = Operation(_conv_forward, _conv_vjp)
_AVERAGE = Operation(_average_forward, _average_vjp)

OPERATIONS: dict[type, Operation] = {
    Conv: _CONVOLUTION,
    Depthwise: _CONVOLUTION,
    Transposed: Operation(_transposed_forward, _transposed_vjp),
    MaxPool: Operation(_max_forward, _max_vjp),
    AvgPool: _AVERAGE,
    GlobalAvgPool: Operation(_global_forward, _global_vjp),
    Upsample: Operation(_upsample_forward, _upsample_vjp),
    BatchNorm: Operation(_batch_forward, _batch_vjp),
    LayerNorm: Operation(_layer_forward, _layer_vjp),
    Activate: Operation(_copy_forward, _identity_vjp),
}
