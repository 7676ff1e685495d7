"""What a config will cost: multiply-adds, bytes and expected seconds, from the plan of its cone alone."""

from collections.abc import Callable
from functools import lru_cache
from math import inf
from time import perf_counter
from typing import NamedTuple

import msgspec

from pipeline.config.config import Config
from pipeline.errors import InputError, amount, quote
from pipeline.gradient import footprint
from pipeline.gradient.cone import Cone, cone_of
from pipeline.gradient.effort import both_ways, draws, multiply_adds
from pipeline.gradient.load import load
from pipeline.gradient.rates import RATES
from pipeline.limits import DEFAULT_MEMORY, MAX_ARRAY, over_memory
from pipeline.stem.network import walk
from pipeline.stem.plane import Plane

BLOCK_BYTES = 2**28
"""Probes are taken in blocks whose working set stays below this; a constant, so that blocks follow from the config."""

_CALLS_PER_CONFIG = 100
_CALLS_PER_BLOCK = 300
_CALLS_PER_STEP = 130
"""Python and NumPy's calls, of a step in one direction, as calls of NumPy on a few numbers."""
_SECONDS_PER_RESULT = 140e-6
_SECONDS_PER_SEEN = 0.25e-6
_SECONDS_PER_PIXEL = 0.0003e-6
"""Sizes, curves and packed arrays: for each result, for a pixel of its cone, and for a pixel of its plane."""


class Work(msgspec.Struct, frozen=True):
    """The work of one config.

    multiply_adds: of the direct way, forward and back, for one probe. effort: multiply-adds that take as long as all
    that is done to all probes. calls: those of NumPy on a few numbers that take as long as the rest.
    """

    multiply_adds: int
    effort: float
    calls: float


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
    plan, size = unit.plan, _probes(unit, count)
    steps = walk(plan.steps)
    blocks = count / size  # the last, which may be smaller, takes its share
    effort = blocks * sum(both_ways(load(step, size, unit.item)) for step in steps)
    pixels = count * plan.box.height * plan.box.width * unit.plane.channels
    effort += draws(plan, unit.plane, count, size) + RATES.summed * pixels * unit.item / 4
    calls = _CALLS_PER_CONFIG + blocks * (_CALLS_PER_BLOCK + 2 * _CALLS_PER_STEP * len(steps))
    return Work(2 * sum(map(multiply_adds, steps)), effort, calls)


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
    here = speed()
    return cost.calls * here.call + cost.effort / here.multiply_adds


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
