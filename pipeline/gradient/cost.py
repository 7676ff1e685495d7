"""What a config will cost: multiply-adds, bytes and expected seconds, from the plan of its cone alone."""

from collections.abc import Callable
from functools import lru_cache
from math import inf, prod
from time import perf_counter
from typing import NamedTuple

import msgspec

from pipeline.config.config import Config
from pipeline.errors import InputError, amount, quote
from pipeline.gradient import footprint
from pipeline.gradient.cone import Cone, cone_of
from pipeline.gradient.step import Step
from pipeline.limits import DEFAULT_MEMORY, MAX_ARRAY, over_memory
from pipeline.ops.choice import LARGEST, Effort, Way, forward_efforts, forward_way, vjp_efforts, vjp_way
from pipeline.stem.layers import SMOOTH, AvgPool, Conv, Convolution, Depthwise, Group, MaxPool, Transposed
from pipeline.stem.network import walk
from pipeline.stem.plane import Box, Plane

BLOCK_BYTES = 2**28
"""Probes are taken in blocks whose working set stays below this; a constant, so that blocks follow from the config."""

_CALLS_PER_CONFIG = 120
_CALLS_PER_STEP = 45
"""Python and NumPy's calls, both ways, as calls of NumPy on a few numbers."""
_CALLS_PER_UNBOUND_STEP = 3000
"""What is added where views are made anew, and in several blocks of rows."""
_SECONDS_PER_RESULT = 140e-6
_SECONDS_PER_SEEN = 0.25e-6
_SECONDS_PER_PIXEL = 0.0003e-6
"""Sizes, curves and packed arrays: for each result, for a pixel of its cone, and for a pixel of its plane."""

_PER_PASS = 11
_PER_PASS_OF_TRANSFORMS = 45
_PER_SMOOTH, _PER_OTHER = 340, 155
_PER_READ = 40
_PER_PIXEL = 250
_PER_DRAW = 76
_PER_WEIGHT = 160
"""Multiply-adds that take as long as

- passing over a number beside a product, and in the Fourier way;
- a number that a step makes, both ways, with a smooth activation, and with any other;
- a number that a step without weights reads;
- a number of the input: it is cut out of an image, and its gradient is summed;
- drawing a number of an image;
- a weight: it is drawn and put in place.

Fitted to 533 random configs that take 3 ms to 2 s, each warm, on a Zen 5.
"""
_THIN_MADE, _THIN_READ = 11, 3.5
"""How much longer a multiply-add takes in a product that makes one line, and in one that reads one; see `_spent`."""


class Work(msgspec.Struct, frozen=True):
    """The work of one config.

    multiply_adds: of the direct way, forward and back, for one probe. effort: multiply-adds that take as long as all
    that is done to all probes. steps: how many; unbound: those whose views are made anew.
    """

    multiply_adds: int
    effort: float
    steps: int
    unbound: int


class _Unit(NamedTuple):
    """What a plan follows from, and the bytes of a number in the kernel."""

    stem: str
    plane: Plane
    unit: tuple[int, int]
    channel: int | None
    repeated: bool
    item: int

    @property
    def plan(self) -> Cone:
        return cone_of(*self[:5])


def _unit(config: Config) -> _Unit:
    channel = config.readout.channel
    given = channel if isinstance(channel, int) else None
    item = 4 if config.dtype == "float32" else 8
    return _Unit(config.stem, config.input, config.unit, given, config.probes.may_repeat, item)


def work(config: Config) -> Work:
    """The work of a config, added up over its cone."""
    return _work(_unit(config), config.probes.count)


@lru_cache(maxsize=1024)
def _work(unit: _Unit, count: int) -> Work:
    plan = unit.plan
    multiply_adds = steps = unbound = 0
    effort = float(_PER_PIXEL * count * plan.box.height * plan.box.width * unit.plane.channels)
    effort += _PER_DRAW * count * _image(plan.box, unit.plane)
    for step in walk(plan.steps):
        kh, kw, inputs, channels = step.weight_shape
        made = step.y.size_out * step.x.size_out * channels * count
        read = step.y.size_in * step.x.size_in * count
        if isinstance(step.node.layer, Convolution):
            read *= inputs * step.groups
            multiply_adds += 2 * _pixels(step) * kh * kw * inputs * channels
            effort += _convolution(step, count) + _PER_WEIGHT * prod(step.node.weight_shape)
        else:
            read *= channels if isinstance(step.node.layer, MaxPool | AvgPool) else step.node.given.channels
            effort += _PER_READ * max(made, read)
        effort += made * (_PER_SMOOTH if step.node.activation in SMOOTH else _PER_OTHER)
        steps += 1
        bound = isinstance(step.node.layer, Conv | Depthwise | MaxPool | Group) and step.y.dilation == 1
        unbound += not bound or max(made, read) * unit.item > LARGEST
    return Work(multiply_adds, effort, steps, unbound)


def _image(box: Box, plane: Plane) -> int:
    """Numbers of a random image that are drawn to cut a box of the plane out of it; see `probes`."""
    y, x = plane.height // 2, plane.width // 2
    far = max(abs(box.top - y), abs(box.bottom - 1 - y), abs(box.left - x), abs(box.right - 1 - x))
    return (2 * far + 1) ** 2 * plane.channels


def _pixels(step: Step) -> int:
    """Pixels that each tap of a convolution meets."""
    if isinstance(step.node.layer, Transposed):
        return step.y.size_in * step.x.size_in
    return step.y.size_out * step.x.size_out


def _convolution(step: Step, n: int) -> float:
    """The effort of a convolution of n probes, both ways, in multiply-adds."""
    product = step.product
    kh, kw, inputs, features = product.shape
    own = features // product.groups
    ties = step.ties and not isinstance(step.node.layer, Transposed)
    there, back = forward_way(*product, n, ties), vjp_way(*product, n)
    taps = 1 if there in ("unfolded", "windowed") else kw  # that are lines of what is made, and not of what is read
    forward = _spent(there, forward_efforts(*product, n)[there], own * taps, kh * kw * inputs // taps)
    return forward + _spent(back, vjp_efforts(*product, n)[back], kw * inputs, kh * own)


def _spent(way: Way, effort: Effort, made: int, read: int) -> float:
    """The effort of one way in multiply-adds, where products make and read so many lines."""
    passes = _PER_PASS_OF_TRANSFORMS if way == "fourier" else _PER_PASS
    return effort.products * (1 + _THIN_MADE / made + _THIN_READ / read) + passes * effort.passes


class Speed(NamedTuple):
    """What one core does: multiply-adds of a large float32 product in a second, seconds of a call on a few numbers."""

    multiply_adds: float
    call: float


@lru_cache(maxsize=1)
def speed() -> Speed:
    """The speed of this machine, measured once per process in a few milliseconds.

    Used for expectations only; results never depend on it.
    """
    import numpy as np
    from threadpoolctl import threadpool_limits

    side, calls = 384, 100
    a, few = np.full((side, side), 0.5, np.float32), np.zeros(16, np.float32)

    def product() -> None:
        a @ a

    def some_calls() -> None:
        for _ in range(calls):
            np.add(few, few, few)

    with threadpool_limits(1):
        took = _quickest(product, some_calls)
    return Speed(side**3 / took[0], took[1] / calls)


def _quickest(*functions: Callable[[], None]) -> list[float]:
    """Seconds of each at best. They take turns, so that what disturbs the machine for a moment disturbs few rounds."""
    best = [inf] * len(functions)
    for _ in range(6):
        for index, function in enumerate(functions):
            started = perf_counter()
            function()
            best[index] = min(best[index], perf_counter() - started)
    return best


def expected_seconds(config: Config) -> float:
    """Expected time of a config on one core, from its weights to its packed result, in seconds."""
    unit = _unit(config)
    return _kernel_seconds(unit, config.probes.count) + _result_seconds(unit)


@lru_cache(maxsize=1024)
def _result_seconds(unit: _Unit) -> float:
    box, plane = unit.plan.box, unit.plane
    seen, pixels = box.height * box.width, plane.height * plane.width
    return _SECONDS_PER_RESULT + seen * _SECONDS_PER_SEEN + pixels * _SECONDS_PER_PIXEL


def kernel_seconds(config: Config) -> float:
    """Expected time of a config's heatmap on one core, in seconds."""
    return _kernel_seconds(_unit(config), config.probes.count)


@lru_cache(maxsize=1024)
def _kernel_seconds(unit: _Unit, count: int) -> float:
    cost = _work(unit, count)
    precision = 1 if unit.item == 4 else 2
    calls = _CALLS_PER_CONFIG + cost.steps * _CALLS_PER_STEP + cost.unbound * _CALLS_PER_UNBOUND_STEP
    here = speed()
    return calls * here.call + precision * cost.effort / here.multiply_adds


def probes_per_block(config: Config) -> int:
    """How many probes are taken at once, a function of the config alone: as many as `BLOCK_BYTES` hold."""
    return _probes(_unit(config), config.probes.count)


def working_set(config: Config) -> int:
    """Bytes that measuring a config takes: one block of probes, the weights, and copies of the heatmap's rows."""
    return _room(_unit(config), config.probes.count)


@lru_cache(maxsize=1024)
def _room(unit: _Unit, count: int) -> int:
    plan = unit.plan
    rows = 24 * plan.box.height * unit.plane.width
    return _peak(unit, _probes(unit, count)) + footprint.weights(plan, unit.item) + rows


@lru_cache(maxsize=1024)
def _peak(unit: _Unit, n: int) -> int:
    return footprint.peak(unit.plan, n, unit.item)


@lru_cache(maxsize=1024)
def _probes(unit: _Unit, count: int) -> int:
    """The largest number of probes, up to `count`, of which a block fits, found by halving; one at least."""
    fits, beyond, tried = 1, count + 1, count
    while beyond - fits > 1:
        if _peak(unit, tried) <= BLOCK_BYTES:
            fits = tried
        else:
            beyond = tried
        tried = (fits + beyond) // 2
    return fits


def check_memory(config: Config, memory: int = DEFAULT_MEMORY) -> None:
    """Raises InputError where measuring a config would take more than `memory` bytes, or a heatmap too large."""
    plane = 8 * config.input.height * config.input.width
    if plane > MAX_ARRAY:
        raise InputError(
            f"the heatmap of {config.input} would have {amount(plane)}, more than the {amount(MAX_ARRAY)} that can be "
            "read; make the plane smaller"
        )
    needed = working_set(config)
    if needed > memory:
        raise InputError(
            f"stem {quote(config.stem)} on {config.input} {over_memory(needed, memory)}; "
            "raise it or make the plane, the features or the kernel smaller"
        )
