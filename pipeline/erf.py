"""A config's heatmap: the gradient of one output unit by the input, gathered over probes (Luo et al. 2016).

E[y, x] = sum over probes and input channels of |d out[p, q, c] / d in[y, x, channel]|, or of the gradient's square or
its positive part. Only the cone of the unit is computed, forward and back, for a block of probes at once.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline import rescaled
from pipeline.box import Box
from pipeline.cone import cone
from pipeline.config import Config, Gradient
from pipeline.cost import probes_per_block
from pipeline.layers.array import Array
from pipeline.layers.watch import LEAST, Watch, largest
from pipeline.probes import draw_probes
from pipeline.propagate import SumTrace, Trace, backward, forward, looking
from pipeline.scale import Sum
from pipeline.step import Step
from pipeline.weights import Parameters, draw_weights


class Heatmap(NamedTuple):
    """`inside`: float64 [height, width] of the box, outside which the heatmap is zero; `plane`: (height, width).

    A heatmap whose largest number is beyond 2**-960 or 2**960 is multiplied by the power of two that puts it there.
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
    float64. Those that the kernel's type cannot hold, as their numbers are too small or too large, are measured again
    by `pipeline.rescaled`: a heatmap does not depend on the scale of its gradients.

    `deadline` is a time of `time.monotonic`, checked between layers and blocks. Raises Timeout past it, and InputError
    for a file of probes or weights that does not match.
    """
    plan, dtype, drawn = cone(config), np.dtype(config.dtype), draw_weights(config)
    total = Sum((plan.box.height, plan.box.width))
    n_zero = n_nan = 0
    size = probes_per_block(config)
    cast = Watch(0)
    with np.errstate(all="ignore", under="call", over="call", call=cast):
        parameters, exact = prepared(plan.steps, drawn, dtype), None
        fits = not cast.was_raised
        for first in range(0, config.probes.count, size):
            probes = draw_probes(config.probes, config.input, plan.box, first, min(first + size, config.probes.count))
            cast.is_raised = False
            given = probes.astype(dtype, copy=False)
            right = np.zeros(probes.shape[3], np.bool_)
            if fits and not cast.is_raised:
                gradient, magnitude = input_gradient(config, given, parameters, deadline)
                right = magnitude >= 0
                made = _magnitude(gradient, config.readout.gradient)
                total.add((made if right.all() else made[..., right]).sum(axis=(1, 3)))
                n_zero += int(np.count_nonzero(magnitude == 0))
            if not right.all():
                exact = exact or prepared(plan.steps, drawn, np.dtype(np.float64))
                others = np.flatnonzero(~right)
                for some in np.array_split(others, min(2, len(others))):  # float64 takes twice the memory
                    zero, nan = _add_rescaled(total, config, probes[..., some], exact, deadline)
                    n_zero, n_nan = n_zero + zero, n_nan + nan
    return Heatmap(total.over(1), plan.box, (config.input.height, config.input.width), n_zero, n_nan)


def _magnitude(gradient: Array, kind: Gradient) -> npt.NDArray[np.float64]:
    exact = gradient.astype(np.float64)
    if kind == "abs":
        return np.abs(exact, out=exact)
    return np.square(exact, out=exact) if kind == "square" else np.maximum(exact, 0, out=exact)


def _add_rescaled(
    total: Sum, config: Config, probes: Array, parameters: dict[int, Parameters], deadline: float | None
) -> tuple[int, int]:
    """Adds probes that the kernel's type cannot hold; (how many gradients are zero, how many are not finite)."""
    plan, n = cone(config), probes.shape[3]
    look = looking(deadline, "forward")
    out, traces, finite = rescaled.forward(plan.steps, probes.astype(np.float64), parameters, look)
    seed = rescaled.Scaled(_readout(config, out, plan.features), np.zeros(n, np.int64))
    gradient = rescaled.backward(plan.steps, seed, traces, parameters, looking(deadline, "back"))
    values, exponent = rescaled.near_one(gradient)
    found = largest(values, n)
    finite &= np.isfinite(found)
    made = _magnitude(values, config.readout.gradient)
    power = 2 if config.readout.gradient == "square" else 1
    for probe in np.flatnonzero(finite & (found > 0)).tolist():
        total.add(made[..., probe].sum(axis=1), power * int(exponent[probe]))
    return int(np.count_nonzero(finite & (found == 0))), int(np.count_nonzero(~finite))


def input_gradient(
    config: Config, probes: Array, parameters: dict[int, Parameters], deadline: float | None
) -> tuple[Array, Array]:
    """(gradient by the input inside the cone [rows, channels, columns, n], each probe's largest magnitude [n]).

    The magnitude is NaN for a probe whose gradient the type of the probes cannot hold: one that is not finite, or has
    or may have lost digits for being too small. It is 0 for one that is exactly zero.
    """
    plan, n = cone(config), probes.shape[3]
    watch = Watch(n)
    with np.errstate(all="ignore", under="call", over="call", call=watch):
        out, traces = forward(plan.steps, probes, parameters, deadline, watch)
        seed = _readout(config, out, plan.features)
        finite = np.logical_and.reduce(np.isfinite(out), axis=(0, 1, 2))
        blurred = watch.lost
        gradient = backward(plan.steps, seed, traces, parameters, deadline, watch)  # takes the memory of `out`
        found = largest(gradient, n)
    least = LEAST[probes.dtype]
    right = finite & (found >= least) & (found <= 1 / least)
    if watch.lost is not None:
        right &= ~watch.lost
    if not right.all():
        right |= finite & (found == 0) & _is_dead(seed, traces, watch, blurred)
        found[~right] = np.nan
    return gradient, found


def _is_dead(
    seed: Array, traces: list[Trace], watch: Watch, blurred: npt.NDArray[np.bool_] | None
) -> npt.NDArray[np.bool_] | bool:
    """Of probes whose gradient came out zero, whether it is: bool [n], or one for all.

    It is where no number was too small and all slopes are 0 or 1. It is, too, where such slopes end it at the unit
    itself and what came to the unit, forward, was not blurred.
    """
    if not watch.was_raised and _is_rectified(traces):
        return True
    slope = traces[-1].slope
    if not _is_rectifier(slope):
        return False
    passed = seed != 0 if slope is None else (seed != 0) & slope
    ended: npt.NDArray[np.bool_] = ~np.logical_or.reduce(passed, axis=(0, 1, 2))
    return ended if blurred is None else ended & ~blurred


def _is_rectifier(slope: Any) -> bool:
    return slope is None or slope.dtype == np.bool_


def _is_rectified(traces: list[Trace]) -> bool:
    """Whether all slopes are 0 or 1: others may be too small for a number, without a product that says so."""
    for trace in traces:
        saved = trace.saved
        inner = [*saved.body, *saved.shortcut] if isinstance(saved, SumTrace) else []
        if not _is_rectifier(trace.slope) or not _is_rectified(inner):
            return False
    return True


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
