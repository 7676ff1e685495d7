"""The window cut out by hand, compiled by JAX."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.workloads import Workload
from pipeline.ops.buffer import Array
from pipeline.stem import MaxPool, Network, Residual

ACTIVATIONS = {"relu": jax.nn.relu, "gelu": lambda z: jax.nn.gelu(z, approximate=False), "linear": lambda z: z}
LAYOUT = ("NHWC", "HWIO", "NHWC")  # the one that XLA is quick at on processors


def cropped(work: Workload) -> Callable[[], Array]:
    """The gradient by the cropped input, jitted; weights are arguments, so that nothing is folded into the code."""
    x = jnp.asarray(work.images.transpose(0, 2, 3, 1))
    weights = {i: jnp.asarray(kernel.transpose(2, 3, 1, 0)) for i, kernel in work.kernels.items()}

    def unit(x: jax.Array, weights: dict[int, jax.Array]) -> jax.Array:
        return _stack(work.config.network, x, weights)[:, :, :, 0].sum()

    compiled = jax.jit(jax.grad(unit))

    def gradient() -> Array:
        return np.asarray(compiled(x, weights).block_until_ready()).transpose(0, 3, 1, 2)

    return gradient


def _stack(nodes: Network, x: jax.Array, weights: dict[int, jax.Array]) -> jax.Array:
    for node in nodes:
        stride = node.y.stride, node.x.stride
        if isinstance(node.layer, Residual):
            made = _stack(node.body, x, weights)
            edge = (x.shape[1] - made.shape[1]) // 2
            x = made + x[:, edge : edge + made.shape[1], edge : edge + made.shape[2]]
        elif isinstance(node.layer, MaxPool):
            window = (1, node.y.kernel, node.x.kernel, 1)
            x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, (1, *stride, 1), "VALID")
        else:
            x = jax.lax.conv_general_dilated(
                x, weights[node.index], stride, "VALID", dimension_numbers=LAYOUT, feature_group_count=node.groups
            )
        x = ACTIVATIONS[node.activation](x)
    return x
