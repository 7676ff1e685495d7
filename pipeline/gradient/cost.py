"""What a config is expected to cost: bytes of each step, and seconds, from its cone alone."""

from collections.abc import Callable
from functools import lru_cache
from math import inf
from time import thread_time
from typing import NamedTuple

from pipeline.gradient import effort, footprint
from pipeline.gradient.cone import Cone
from pipeline.gradient.load import Load, load
from pipeline.gradient.rates import RATES, Effort
from pipeline.stem import Plane

_CALLS_PER_CONFIG = 70
_CALLS_PER_BLOCK = 150
_CALLS_PER_STEP = 40
"""Python and NumPy's calls, of a step in one direction, in calls of NumPy on a few numbers, as in 1x3x3 to 20x3x3."""
_SECONDS_PER_RESULT = 140e-6
_SECONDS_PER_BOX_PIXEL = 0.25e-6
_SECONDS_PER_PIXEL = 0.0003e-6
"""Sizes, curves and packed arrays: for each result, for a pixel of its cone, and for a pixel of its plane."""


class Toll(NamedTuple):
    """What a step costs: bytes in both directions, and the effort of both."""

    uses: footprint.Uses
    effort: Effort


@lru_cache(maxsize=2**15)  # the steps of a sweep of some thousand stems, of which most share theirs
def _toll(own: Load) -> Toll:
    uses = footprint.uses(own)
    return Toll(uses, effort.both_ways(own) + effort.fresh_memory(own, uses))


def tolls(cone: Cone, n: int, item: int) -> list[Toll]:
    """Returns what each step of a cone costs for `n` probes, in numbers of `item` bytes."""
    return [_toll(load(step, n, item)) for step in cone.steps]


def multiply_adds(cone: Cone) -> int:
    """Returns the multiply-adds of the direct way, forward and back, for one probe."""
    return sum(map(effort.multiply_adds, cone.steps))


class Work(NamedTuple):
    """The work of a config.

    calls: of NumPy on a few numbers, that take as long as all calls. effort: of everything that is done to numbers.
    result_seconds: for sizes, curves and packed arrays.
    """

    calls: float
    effort: Effort
    result_seconds: float


def work(cone: Cone, plane: Plane, tolls: list[Toll], count: int, block: int, item: int) -> Work:
    """Returns the work of measuring `count` probes in blocks of `block`, of which each step costs its toll."""
    blocks = count / block  # the last one, which may be smaller, counts as its share
    calls = _CALLS_PER_CONFIG + blocks * (_CALLS_PER_BLOCK + 2 * _CALLS_PER_STEP * len(tolls))
    box_pixels = cone.box.height * cone.box.width
    summed = Effort(copies=RATES.summed * count * box_pixels * plane.channels * item / 4)
    efforts = [toll.effort for toll in tolls]
    steps = Effort(sum(one.products for one in efforts), sum(one.copies for one in efforts)) * blocks
    total = steps + summed + effort.draws(cone, plane, count, block)
    pixels = plane.height * plane.width
    result_seconds = _SECONDS_PER_RESULT + box_pixels * _SECONDS_PER_BOX_PIXEL + pixels * _SECONDS_PER_PIXEL
    return Work(calls, total, result_seconds)


def seconds(work: Work) -> float:
    """Returns the expected seconds of the heatmap of a config on one core of this machine."""
    here = speed()
    return work.calls * here.call + work.effort.products * here.product + work.effort.copies * here.copy


class Speed(NamedTuple):
    """Seconds that one core takes for a multiply-add of a large product, to copy a number, and to call NumPy."""

    product: float
    copy: float
    call: float


@lru_cache(maxsize=1)
def speed() -> Speed:
    """Returns the speed of this machine, measured once per process in a few milliseconds.

    It is used for expectations only; results never depend on it. Numbers are copied as a convolution unfolds them: in
    lines, within the second-level cache.
    """
    import numpy as np
    from threadpoolctl import threadpool_limits

    side, calls, copies = 384, 100, 60  # so many copies that the first, which finds nothing in the cache, hardly counts
    a, few = np.full((side, side), 0.5, np.float32), np.zeros(16, np.float32)
    lines = np.zeros((24, 24, 64), np.float32)
    turned = np.zeros_like(lines)

    def product() -> None:
        a @ a

    def some_copies() -> None:
        for _ in range(copies):
            np.copyto(turned, lines.transpose(1, 0, 2))

    def some_calls() -> None:
        for _ in range(calls):
            np.add(few, few, few)

    with threadpool_limits(1):
        took = _quickest(product, some_copies, some_calls)
    return Speed(took[0] / side**3, took[1] / (copies * lines.size), took[2] / calls)


def _quickest(*functions: Callable[[], None]) -> list[float]:
    """Returns the least seconds of the processor that each function took.

    They take turns, so that what disturbs the machine for a moment disturbs few rounds.
    """
    best = [inf] * len(functions)
    for _ in range(6):
        for index, function in enumerate(functions):
            started = thread_time()
            function()
            best[index] = min(best[index], thread_time() - started)
    return best
