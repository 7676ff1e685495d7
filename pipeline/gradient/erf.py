"""A config's heatmap: the gradient of one output unit by the input, gathered over probes (Luo et al. 2016).

E[y, x] = sum over probes and input channels of |d out[p, q, c] / d in[y, x, channel]|, or of the gradient's square or
its positive part. Only the cone of the unit is computed, forward and back, for a block of probes at once.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.config import Config, Gradient, Readout
from pipeline.draws import draw_probes, draw_weights
from pipeline.gradient import rescaled
from pipeline.gradient.cone import Cone
from pipeline.gradient.plan import Plan
from pipeline.gradient.propagate import Trace, backward, forward, looking
from pipeline.gradient.step import Step
from pipeline.gradient.watch import LEAST, Watch, total_magnitude
from pipeline.ops.buffer import Array
from pipeline.ops.parameters import Parameters
from pipeline.scale import Sum
from pipeline.stem import SMOOTH, Box, curve


class Heatmap(NamedTuple):
    """A heatmap: float64 `inside` [height, width] of a box of the plane, outside which it is zero.

    A heatmap whose largest number is beyond 2**-960 or 2**960 is multiplied by the power of two that puts it there.
    plane: (height, width). n_zero, n_nan: how many gradients were all zero, or not finite.
    """

    inside: npt.NDArray[np.float64]
    box: Box
    plane: tuple[int, int]
    n_zero: int
    n_nan: int

    @property
    def values(self) -> npt.NDArray[np.float64]:
        """Returns the whole heatmap, float64 [height, width]."""
        whole = np.zeros(self.plane)
        whole[self.box.top : self.box.bottom, self.box.left : self.box.right] = self.inside
        return whole


def measure_heatmap(config: Config, plan: Plan, deadline: float | None = None) -> Heatmap:
    """Returns the heatmap of a config, by its plan.

    Probes go through in blocks whose size depends on the config alone and are summed in the order of their index, in
    float64. Those that the kernel's type cannot hold, as their numbers are too small or too large, are measured again
    by `pipeline.gradient.rescaled`: a heatmap does not depend on the scale of its gradients.

    `deadline` is a time of `time.monotonic` in seconds, checked between layers and blocks. Raises Timeout past it, and
    InputError for a file of probes or weights that does not match.
    """
    cone, dtype, drawn = plan.cone, np.dtype(config.dtype), draw_weights(config)
    fits = config.init.kind != "file" or all(_fits(one, dtype) for one in drawn.values())
    parameters, exact = step_parameters(cone.steps, drawn, dtype) if fits else {}, None
    total = Sum((cone.box.height, cone.box.width))
    n_zero = n_nan = 0
    span = config.probes.span
    for first in span[:: plan.block]:
        stop = min(first + plan.block, span.stop)
        probes = draw_probes(config.probes, config.input, cone.box, first, stop)
        beyond = np.arange(probes.shape[3])
        if fits and _is_held(probes, dtype):
            gradient, zero, beyond = input_gradient(
                cone, config.readout, probes.astype(dtype, copy=False), parameters, deadline
            )
            n_zero += zero
            if len(beyond):
                gradient = np.delete(gradient, beyond, axis=3)
            total.add(_magnitude(gradient, config.readout.gradient).sum(axis=(1, 3)))
        if len(beyond):
            exact = exact or step_parameters(cone.steps, drawn, np.dtype(np.float64))
            for some in np.array_split(beyond, min(2, len(beyond))):  # float64 takes twice the memory
                with np.errstate(all="ignore"):
                    zero, nan = _add_rescaled(total, cone, config.readout, probes[..., some], exact, deadline)
                n_zero, n_nan = n_zero + zero, n_nan + nan
    return Heatmap(total.over(1), cone.box, (config.input.height, config.input.width), n_zero, n_nan)


def _fits(own: Parameters, dtype: np.dtype[Any]) -> bool:
    return all(part is None or _is_held(part, dtype) for part in (own.weight, own.bias, own.mean, own.var))


def _is_held(array: Array, dtype: np.dtype[Any]) -> bool:
    """Whether no number of an array is too large for a type, nor so small that it loses digits."""
    if array.dtype.itemsize <= dtype.itemsize:
        return True
    watch = Watch(0)
    with np.errstate(all="ignore", under="call", over="call", call=watch):
        array.astype(dtype)
    return not watch.was_raised


def _magnitude(gradient: Array, kind: Gradient) -> npt.NDArray[np.float64]:
    exact = gradient.astype(np.float64)
    if kind == "abs":
        return np.abs(exact, out=exact)
    return np.square(exact, out=exact) if kind == "square" else np.maximum(exact, 0, out=exact)


def _add_rescaled(
    total: Sum,
    cone: Cone,
    readout: Readout,
    probes: Array,
    parameters: dict[int, Parameters],
    deadline: float | None,
) -> tuple[int, int]:
    """Adds probes that the kernel's type cannot hold to the total.

    Returns (how many gradients are zero, how many are not finite).
    """
    n = probes.shape[3]
    look, one = looking(deadline, "forward"), np.zeros(n, np.int64)
    scaled = rescaled.Scaled(probes.astype(np.float64), one)
    out, traces, finite = rescaled.forward(cone.steps, scaled, parameters, look)
    seed = rescaled.Scaled(readout_gradient(readout, out.values, cone.features), one)
    gradient = rescaled.backward(cone.steps, seed, traces, parameters, looking(deadline, "backward"))
    values, exponent = rescaled.near_one(gradient)
    magnitude = rescaled.largest(values)
    finite &= np.isfinite(magnitude)
    gathered = _magnitude(values, readout.gradient)
    power = 2 if readout.gradient == "square" else 1
    for probe in np.flatnonzero(finite & (magnitude > 0)).tolist():
        total.add(gathered[..., probe].sum(axis=1), power * int(exponent[probe]))
    return int(np.count_nonzero(finite & (magnitude == 0))), int(np.count_nonzero(~finite))


class InputGradient(NamedTuple):
    """The gradient by the input inside the cone, `values` [rows, channels, columns, n].

    It is valid until this thread runs steps again. n_zero: how many probes have a gradient that is exactly zero.
    beyond: the numbers of the probes whose gradient the kernel's type cannot hold, intp [m]: it is not finite, or has
    or may have lost digits for being too small.
    """

    values: Array
    n_zero: int
    beyond: npt.NDArray[np.intp]


_NONE = np.empty(0, np.intp)


def input_gradient(
    cone: Cone, readout: Readout, probes: Array, parameters: dict[int, Parameters], deadline: float | None
) -> InputGradient:
    """Returns the gradient of the readout of a cone's unit by its probes.

    probes: float32 or float64 [rows, channels, columns, n] of the cone's box; the gradient is of their dtype.
    parameters: those of each step, by the index of its layer; see `step_parameters`. Raises Timeout past the deadline.
    """
    n = probes.shape[3]
    watch = Watch(n)
    with np.errstate(all="ignore", under="call", over="call", call=watch):
        out, traces = forward(cone.steps, probes, parameters, deadline, watch)
        seed = readout_gradient(readout, out, cone.features)
        blurred = watch.lost
        gradient = backward(cone.steps, seed, traces, parameters, deadline, watch)  # takes the memory of `out`
        sums = total_magnitude(gradient, n)
    least, magnitudes = LEAST[probes.dtype], sums.tolist()
    alive = [magnitude for magnitude in magnitudes if magnitude != 0]
    n_zero = n - len(alive)
    # A zero is one where no product was too small, and no slope, of which no product may tell.
    zeros_are_sure = not n_zero or not (cone.is_smooth or watch.was_raised)
    are_held = watch.lost is None and least <= min(alive, default=1) and sum(alive) <= 1 / least  # it sees a NaN, too
    if zeros_are_sure and are_held:
        return InputGradient(gradient, n_zero, _NONE)
    right = (sums >= least) & (sums <= 1 / least)
    if watch.lost is not None:
        right &= ~watch.lost
    zero = (sums == 0) & _ended(cone, seed, traces, blurred)
    return InputGradient(gradient, int(np.count_nonzero(zero)), np.flatnonzero(~right & ~zero))


def _ended(cone: Cone, seed: Array, traces: list[Trace], blurred: npt.NDArray[np.bool_] | None) -> Any:
    """Returns the probes, bool [n], whose gradient certainly ends at the unit itself.

    The slope of its activation is 0 there, and what it was computed from was not blurred.
    """
    slope = traces[-1].slope
    if curve(cone.steps[-1].node.activation).name in SMOOTH:
        return False
    passed = seed != 0 if slope is None else (seed != 0) & (slope != 0)
    ended = ~np.logical_or.reduce(passed, axis=(0, 1, 2))
    return ended if blurred is None else ended & ~blurred


def readout_gradient(readout: Readout, out: Array, features: tuple[int, int]) -> Array:
    """Returns the gradient of the readout by the unit's channels, [1, channels, 1, n]: read-only or new.

    out: the result of the unit, float32 or float64 [1, channels, 1, n]; the gradient is of its dtype. features: its
    channels among all, half-open.
    """
    channel = readout.channel
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


def step_parameters(
    steps: tuple[Step, ...], drawn: dict[int, Parameters], dtype: np.dtype[Any]
) -> dict[int, Parameters]:
    """Returns the parameters of each step's own features, in `dtype`, by the index of its layer."""
    parameters: dict[int, Parameters] = {}
    for step in steps:
        whole = drawn.get(step.node.index)
        if whole is None:
            continue
        if whole.is_weight_of(dtype) and whole.weight is not None and whole.weight.shape == step.weight_shape:
            parameters[step.node.index] = whole  # all of its taps and features
            continue
        weight, own = whole.weight, slice(*step.features)
        if weight is not None and weight.ndim > 1:
            weight = weight[slice(*step.taps[0]), slice(*step.taps[1])]
        parts = (weight, whole.bias, whole.mean, whole.var)
        parameters[step.node.index] = Parameters(
            *(None if part is None else np.ascontiguousarray(part[..., own], dtype) for part in parts)
        )
    return parameters
