"""A config's heatmap: the gradient of one output unit by the input, gathered over probes (Luo et al. 2016).

E[y, x] = sum over probes and input channels of |d out[p, q, c] / d in[y, x, channel]|, or of the gradient's square or
its positive part. Only the cone of the unit is computed, forward and back, for a block of probes at once.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.box import Box
from pipeline.cone import cone
from pipeline.config import Config, Gradient
from pipeline.cost import probes_per_block
from pipeline.layers.array import Array
from pipeline.probes import draw_probes
from pipeline.propagate import backward, forward
from pipeline.step import Step
from pipeline.weights import Parameters, draw_weights


class Heatmap(NamedTuple):
    """`inside`: float64 [height, width] of the box, outside which the heatmap is zero; `plane`: (height, width).

    n_zero, n_nan: how many gradients were all zero, or not finite.
    """

    inside: npt.NDArray[np.float64]
    box: Box
    plane: tuple[int, int]
    n_zero: int
    n_nan: int

    @property
    def values(self) -> npt.NDArray[np.float64]:
        """The whole heatmap, float64 [height, width]."""
        whole = np.zeros(self.plane)
        whole[self.box.top : self.box.bottom, self.box.left : self.box.right] = self.inside
        return whole


def measure_heatmap(config: Config, deadline: float | None = None) -> Heatmap:
    """The heatmap of a config.

    Probes go through in blocks whose size depends on the config alone and are summed in the order of their index, in
    float64. `deadline` is a time of `time.monotonic`, checked between layers and blocks. Raises Timeout past it, and
    InputError for a file of probes or weights that does not match.
    """
    plan = cone(config)
    dtype = np.dtype(config.dtype)
    parameters = prepared(plan.steps, draw_weights(config), dtype)
    inside = np.zeros((plan.box.height, plan.box.width))
    n_zero = n_nan = 0
    size = probes_per_block(config)
    for first in range(0, config.probes.count, size):
        probes = draw_probes(config.probes, config.input, plan.box, first, min(first + size, config.probes.count))
        gradient, finite = input_gradient(config, probes.astype(dtype, copy=False), parameters, deadline)
        alive = gradient.any(axis=(0, 1, 2))
        made = _magnitude(gradient, config.readout.gradient)
        if not np.isfinite(made.sum()):  # a finite gradient may have a square that is not
            finite &= np.logical_and.reduce(np.isfinite(made), axis=(0, 1, 2))
        n_zero += int(np.count_nonzero(~alive & finite))
        if not finite.all():
            n_nan += int(np.count_nonzero(~finite))
            made = made[..., finite]
        inside += made.sum(axis=(1, 3))
    return Heatmap(inside, plan.box, (config.input.height, config.input.width), n_zero, n_nan)


def _magnitude(gradient: Array, kind: Gradient) -> npt.NDArray[np.float64]:
    exact = gradient.astype(np.float64)
    if kind == "abs":
        return np.abs(exact, out=exact)
    if kind == "square":
        with np.errstate(over="ignore"):
            return np.square(exact, out=exact)
    return np.maximum(exact, 0, out=exact)


def input_gradient(
    config: Config, probes: Array, parameters: dict[int, Parameters], deadline: float | None
) -> tuple[Array, npt.NDArray[np.bool_]]:
    """(gradient by the input inside the cone [rows, channels, columns, n], which probes are finite [n])."""
    plan = cone(config)
    with np.errstate(all="ignore"):  # an overflow shows as a probe that is not finite
        out, traces = forward(plan.steps, probes, parameters, deadline)
        seed = _readout(config, out, plan.features)
        finite: npt.NDArray[np.bool_] = np.logical_and.reduce(np.isfinite(out), axis=(0, 1, 2))
        gradient = backward(plan.steps, seed, traces, parameters, deadline)  # takes the memory of `out`
        if not np.isfinite(gradient.sum()):
            finite &= np.logical_and.reduce(np.isfinite(gradient), axis=(0, 1, 2))
    return gradient, finite


def _readout(config: Config, out: Array, features: tuple[int, int]) -> Array:
    """The gradient of the readout by the unit's channels, [1, channels, 1, n]."""
    channel = config.readout.channel
    if channel == "relu_sum":
        return (out > 0).astype(out.dtype)
    return _constant_readout(channel - features[0] if isinstance(channel, int) else channel, out.shape, out.dtype)


@lru_cache(maxsize=64)
def _constant_readout(channel: int | str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    seed = np.zeros(shape, dtype)
    if channel == "sum":
        seed[...] = 1
    elif channel == "mean":
        seed[...] = 1 / shape[1]
    elif isinstance(channel, int):
        seed[:, channel] = 1
    seed.flags.writeable = False
    return seed


def prepared(steps: tuple[Step, ...], drawn: dict[int, Parameters], dtype: np.dtype[Any]) -> dict[int, Parameters]:
    """The parameters of each step's own features, in the precision of the kernel."""
    found: dict[int, Parameters] = {}
    for step in steps:
        if step.body:
            found |= prepared(step.body, drawn, dtype)
        if step.shortcut is not None:
            found |= prepared((step.shortcut,), drawn, dtype)
        whole = drawn.get(step.node.index)
        if whole is None:
            continue
        every = step.weight_shape == step.node.weight_shape
        if every and whole.is_weight_of(dtype):
            found[step.node.index] = whole
            continue
        weight, own = whole.weight, slice(*step.features)
        if weight is not None and weight.ndim > 1:
            weight = weight[slice(*step.taps[0]), slice(*step.taps[1])]
        parts = (weight, whole.bias, whole.mean, whole.var)
        found[step.node.index] = Parameters(
            *(None if part is None else np.ascontiguousarray(part[..., own], dtype) for part in parts)
        )
    return found
