"""What a config will cost: multiply-adds, bytes and expected seconds, from the plan of its cone alone."""

from collections.abc import Callable
from functools import lru_cache
from math import inf
from time import perf_counter
from typing import NamedTuple

from pipeline.config.config import Config
from pipeline.errors import InputError, amount, quote
from pipeline.gradient import effort, footprint
from pipeline.gradient.cone import Cone, cone_of
from pipeline.gradient.load import Load, load
from pipeline.gradient.rates import RATES
from pipeline.limits import DEFAULT_MEMORY, MAX_ARRAY, over_memory
from pipeline.stem.network import walk
from pipeline.stem.plane import Plane

BLOCK_BYTES = 2**28
"""Probes are taken in blocks whose working set stays below this; a constant, so that blocks follow from the config."""

_CALLS_PER_CONFIG = 70
_CALLS_PER_BLOCK = 150
_CALLS_PER_STEP = 40
"""Python and NumPy's calls, of a step in one direction, in calls of NumPy on a few numbers, as in 1x3x3 to 20x3x3."""
_SECONDS_PER_RESULT = 140e-6
_SECONDS_PER_SEEN = 0.25e-6
_SECONDS_PER_PIXEL = 0.0003e-6
"""Sizes, curves and packed arrays: for each result, for a pixel of its cone, and for a pixel of its plane."""


class Toll(NamedTuple):
    """What a step costs: bytes in both directions, and multiply-adds that take as long as both."""

    uses: footprint.Uses
    effort: float


@lru_cache(maxsize=2**15)  # the steps of a sweep of some thousand stems, of which most share theirs
def _toll(own: Load) -> Toll:
    return Toll(footprint.uses(own), effort.both_ways(own))


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


@lru_cache(maxsize=16)  # a config asks for its own several times
def _tolls(unit: _Unit, n: int) -> list[Toll]:
    """What the steps of a plan cost, for a block of `n` probes."""
    return [_toll(load(step, n, unit.item)) for step in walk(unit.plan.steps)]


def multiply_adds(config: Config) -> int:
    """Multiply-adds of the direct way, forward and back, for one probe."""
    return sum(map(effort.multiply_adds, walk(_unit(config).plan.steps)))


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
    plan, size, here = unit.plan, _probes(unit, count), speed()
    tolls, blocks = _tolls(unit, size), count / size  # the last block, which may be smaller, takes its share
    pixels = count * plan.box.height * plan.box.width * unit.plane.channels
    spent = blocks * sum(toll.effort for toll in tolls) + RATES.summed * pixels * unit.item / 4
    spent += effort.draws(plan, unit.plane, count, size)
    calls = _CALLS_PER_CONFIG + blocks * (_CALLS_PER_BLOCK + 2 * _CALLS_PER_STEP * len(tolls))
    return calls * here.call + spent / here.multiply_adds


def probes_per_block(config: Config) -> int:
    """How many probes are taken at once, by the config alone: all, or halved until `BLOCK_BYTES` hold them."""
    return _probes(_unit(config), config.probes.count)


def working_set(config: Config) -> int:
    """Bytes that measuring a config takes: one block of probes, the weights, and copies of the heatmap's rows."""
    return _room(_unit(config), config.probes.count)


@lru_cache(maxsize=1024)
def _room(unit: _Unit, count: int) -> int:
    plan = unit.plan
    rows = 24 * plan.box.height * unit.plane.width
    return _peak(unit, _probes(unit, count)) + footprint.weights(plan, unit.item) + rows


@lru_cache(maxsize=16)
def _peak(unit: _Unit, n: int) -> int:
    return footprint.peak(unit.plan, n, unit.item, [toll.uses for toll in _tolls(unit, n)])


@lru_cache(maxsize=1024)
def _probes(unit: _Unit, count: int) -> int:
    """`count`, halved until a block fits; one at least."""
    while count > 1 and _peak(unit, count) > BLOCK_BYTES:
        count = -(-count // 2)
    return count


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
