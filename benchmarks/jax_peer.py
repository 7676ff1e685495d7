"""The window cut out by hand, compiled by JAX."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.workloads import Workload, spread
from pipeline.ops.buffer import Array
from pipeline.stem import (
    INPUT,
    Activate,
    BatchNorm,
    Cat,
    Conv,
    Depthwise,
    GlobalAvgPool,
    Join,
    MaxPool,
    Mul,
    Network,
    Node,
    Upsample,
)

ACTIVATIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "relu": jax.nn.relu,
    "gelu": lambda z: jax.nn.gelu(z, approximate=False),
    "sigmoid": jax.nn.sigmoid,
    "linear": lambda z: z,
}
LAYOUT = ("NHWC", "HWIO", "NHWC")  # the one that XLA is quick at on processors


def cropped(work: Workload) -> Callable[[], Array]:
    """The gradient by the cropped input, float32 [n, channels, rows, columns], jitted.

    Weights are arguments, so that nothing is folded into the code.
    """
    x = jnp.asarray(work.images.transpose(0, 2, 3, 1))
    weights = {i: jnp.asarray(kernel.transpose(2, 3, 1, 0)) for i, kernel in work.kernels.items()}

    def unit(x: jax.Array, weights: dict[int, jax.Array]) -> jax.Array:
        return _run(work.config.network, x, weights)[:, :, :, 0].sum()

    compiled = jax.jit(jax.grad(unit))

    def gradient() -> Array:
        return np.asarray(compiled(x, weights).block_until_ready()).transpose(0, 3, 1, 2)

    return gradient


def _run(nodes: Network, x: jax.Array, weights: dict[int, jax.Array]) -> jax.Array:
    """What the last node makes of x; branches are cropped to the smallest of them, as nothing is padded."""
    made = {INPUT: x}
    for node in nodes:
        operands = [made[index] for index in node.inputs]
        z = _joined(node, operands) if isinstance(node.layer, Join) else _layer(node, operands[0], weights)
        made[node.index] = ACTIVATIONS[node.activation](z)
    return made[nodes[-1].index]


def _layer(node: Node, x: jax.Array, weights: dict[int, jax.Array]) -> jax.Array:
    stride = node.y.stride, node.x.stride
    match node.layer:
        case Conv() | Depthwise():
            return jax.lax.conv_general_dilated(
                x, weights[node.index], stride, "VALID", dimension_numbers=LAYOUT, feature_group_count=node.groups
            )
        case MaxPool():
            window = (1, node.y.kernel, node.x.kernel, 1)
            return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, (1, *stride, 1), "VALID")
        case GlobalAvgPool():
            return x.mean(axis=(1, 2), keepdims=True)
        case Upsample():
            return x.repeat(stride[0], axis=1).repeat(stride[1], axis=2)
        case BatchNorm() | Activate():
            return x
    raise TypeError(f"{type(node.layer).__name__} has no peer; write one here")


def _joined(node: Node, operands: list[jax.Array]) -> jax.Array:
    alike = [id(x) for x in spread(node, operands)]
    height, width = (min(sizes) for sizes in zip(*(x.shape[1:3] for x in spread(node, operands)), strict=True))
    x, *others = (_cut(x, height, width) if id(x) in alike else x for x in operands)
    if isinstance(node.layer, Cat):
        return jnp.concatenate((x, *others), axis=3)
    for other in others:
        x = x * other if isinstance(node.layer, Mul) else x + other
    return x


def _cut(x: jax.Array, height: int, width: int) -> jax.Array:
    """The middle of a plane."""
    top, left = (x.shape[1] - height) // 2, (x.shape[2] - width) // 2
    return x[:, top : top + height, left : left + width]
