"""What a config will cost: multiply-adds, bytes and expected seconds, from the plan of its cone alone."""

from collections.abc import Callable
from functools import lru_cache
from math import inf, prod
from time import perf_counter
from typing import NamedTuple

import msgspec

from pipeline.cone import cone, cone_of
from pipeline.config import Config
from pipeline.errors import InputError, amount, quote
from pipeline.layers.choice import LARGEST, PASS, Effort, forward_efforts, forward_way, vjp_efforts, vjp_way
from pipeline.limits import over_memory
from pipeline.network import Plane, walk
from pipeline.result import MAX_BYTES
from pipeline.stem import SMOOTH, AvgPool, Conv, Convolution, Depthwise, Group, MaxPool, Transposed
from pipeline.step import Step

BLOCK_BYTES = 2**28
"""Probes are taken in blocks whose working set stays below this; a constant, so that blocks follow from the config."""

DEFAULT_MEMORY = 10**9
"""What a worker may take for one config, in bytes."""

_CALLS_PER_CONFIG = 120
_CALLS_PER_STEP = 55
"""Python and NumPy's calls, both ways, as calls of NumPy on a few numbers."""
_CALLS_PER_UNBOUND_STEP = 600
"""What is added where views are made anew, and in several blocks of rows."""
_SECONDS_PER_RESULT = 140e-6
_SECONDS_PER_SEEN = 0.25e-6
_SECONDS_PER_PIXEL = 0.0003e-6
"""Sizes, curves and packed arrays: for each result, for a pixel of its cone, and for a pixel of its plane."""
_SCRATCH = 4 * 2**20
"""Bytes of what lies between the arrays of a convolution, which is made in blocks."""
_BYTES_PER_STEP = 20_000
"""Of the views that a step is bound to, both ways."""
_PASSES_PER_SMOOTH = 90
_PASSES_PER_RECTIFIER = 10
"""Passes over its numbers that an activation takes as long as, both ways."""
_REACHED = 1.0
"""The rate at which effort is got through overall, as a share of that of the matrix product that is timed."""
_MULTIPLY_ADDS_PER_WEIGHT = 360
"""Drawing a weight and putting it in place, as multiply-adds."""


class Work(msgspec.Struct, frozen=True):
    """The work of one config.

    multiply_adds: of the direct way, forward and back, for one probe. effort: multiply-adds that take as long as all
    that is done to all probes. held: bytes of one probe in a block; fixed: bytes whatever the probes. weights: numbers
    that the cone reads. steps: how many; unbound: those whose views are made anew.
    """

    multiply_adds: int
    effort: float
    held: int
    fixed: int
    weights: int
    steps: int
    unbound: int


def work(config: Config) -> Work:
    """The work of a config, added up over its cone."""
    channel = config.readout.channel
    given = channel if isinstance(channel, int) else None
    itemsize = 4 if config.dtype == "float32" else 8
    return _work(config.stem, config.input, config.unit, given, config.probes.may_repeat, itemsize, config.probes.count)


@lru_cache(maxsize=1024)
def _work(
    stem: str,
    plane: Plane,
    unit: tuple[int, int],
    channel: int | None,
    repeated: bool,
    itemsize: int,
    count: int,
) -> Work:
    plan = cone_of(stem, plane, unit, channel, repeated)
    size = plan.box.height * plan.box.width * plan.steps[0].node.given.channels
    multiply_adds = weights = drawn = steps = unbound = 0
    effort, kept, passed, beside = PASS * 4.0 * size * count, 0, 0, 0
    for step in walk(plan.steps):
        channels = step.features[1] - step.features[0]
        made = step.y.size_out * step.x.size_out * channels
        read = step.y.size_in * step.x.size_in
        spent = Effort(0.0, 8.0 * made * count)
        own = 0
        if isinstance(step.node.layer, Convolution):
            kh, kw, inputs, _ = step.weight_shape
            weights += kh * kw * inputs * channels
            drawn += prod(step.node.weight_shape)
            read *= inputs * step.groups
            multiply_adds += 2 * _pixels(step) * kh * kw * inputs * channels
            spent, own = _convolution(step, (kh, kw, inputs, channels), count)
        elif isinstance(step.node.layer, MaxPool | AvgPool):
            read *= channels
            lines = step.y.size_in * step.x.size_out * channels
            spent = Effort(0.0, 4.0 * (read + 2 * step.x.kernel * lines + 2 * step.y.kernel * made) * count)
            own = read + 2 * lines + made
        else:
            read *= step.node.given.channels
            own = made
        smooth = step.node.activation in SMOOTH
        over = made * count * (_PASSES_PER_SMOOTH if smooth else _PASSES_PER_RECTIFIER)
        effort += spent.products + PASS * (spent.passes + over)
        kept += made * (itemsize if smooth else 1)
        passed = max(passed, (made + read) * itemsize)
        beside = max(beside, (own + (2 * made if smooth else 0)) * itemsize)
        steps += 1
        bound = isinstance(step.node.layer, Conv | Depthwise | MaxPool | Group) and step.y.dilation == 1
        unbound += not bound or max(made, read) * count * itemsize > LARGEST
    held = kept + passed + beside + 4 * size * itemsize
    scratch = min(_SCRATCH, 3 * passed * count)
    fixed = scratch + steps * _BYTES_PER_STEP + 2 * itemsize * weights + 4 * drawn
    effort += _MULTIPLY_ADDS_PER_WEIGHT * drawn
    return Work(multiply_adds, effort, held, fixed, weights, steps, unbound)


def _pixels(step: Step) -> int:
    """Pixels that each tap of a convolution meets."""
    if isinstance(step.node.layer, Transposed):
        return step.y.size_in * step.x.size_in
    return step.y.size_out * step.x.size_out


def _convolution(step: Step, shape: tuple[int, int, int, int], n: int) -> tuple[Effort, int]:
    """(the effort both ways, numbers of one probe that it takes beside those it is given and makes)."""
    y, x, groups = step.y, step.x, step.groups
    kh, kw, inputs, features = shape
    read, made = y.size_in * x.size_in * inputs * groups, y.size_out * x.size_out * features
    if not isinstance(step.node.layer, Conv | Depthwise):  # the transpose of a convolution that reads the larger plane
        spread = kh * kw * features * y.size_in * x.size_in
        one = other = Effort(2.0 * spread * inputs * n, 2.0 * spread * n)
        return Effort(one.products + other.products, one.passes + other.passes), spread
    there, back = forward_way(shape, y, x, groups, n, step.ties), vjp_way(shape, y, x, groups, n)
    one, other = forward_efforts(shape, y, x, groups, n)[there], vjp_efforts(shape, y, x, groups, n)[back]
    own = 0
    if back == "unfolded":
        rows = kh * y.size_out if y.size_out == 1 or y.dilation > 1 else y.size_in
        own = made + read + 5 * rows * kw * inputs * groups * x.size_out // 4
    if "phases" in (there, back):
        own = read + 2 * made
    if there == "windowed":
        height, width = (axis.before + axis.size_in + axis.after for axis in (y, x))
        own = max(own, height * width * inputs * groups)
    if "fourier" in (there, back):
        own = max(own, 3 * read // 2, 5 * made // 2)
    return Effort(one.products + other.products, one.passes + other.passes), own


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
    box = cone(config).box
    seen, plane = box.height * box.width, config.input.height * config.input.width
    return kernel_seconds(config) + _SECONDS_PER_RESULT + seen * _SECONDS_PER_SEEN + plane * _SECONDS_PER_PIXEL


def kernel_seconds(config: Config) -> float:
    """Expected time of a config's heatmap on one core, in seconds."""
    cost = work(config)
    precision = 1 if config.dtype == "float32" else 2
    calls = _CALLS_PER_CONFIG + cost.steps * _CALLS_PER_STEP + cost.unbound * _CALLS_PER_UNBOUND_STEP
    here = speed()
    return calls * here.call + precision * cost.effort / (_REACHED * here.multiply_adds)


def probes_per_block(config: Config) -> int:
    """How many probes are taken at once, a function of the config alone."""
    return max(1, min(config.probes.count, BLOCK_BYTES // max(work(config).held, 1)))


def working_set(config: Config) -> int:
    """Bytes that measuring a config takes: one block of probes, the weights, and copies of the heatmap's rows."""
    cost = work(config)
    return probes_per_block(config) * cost.held + cost.fixed + 24 * cone(config).box.height * config.input.width


def check_memory(config: Config, memory: int = DEFAULT_MEMORY) -> None:
    """Raises InputError where measuring a config would take more than `memory` bytes, or a heatmap too large."""
    plane = 8 * config.input.height * config.input.width
    if plane > MAX_BYTES:
        raise InputError(
            f"the heatmap of {config.input} would have {amount(plane)}, more than the {amount(MAX_BYTES)} that can be "
            "read; make the plane smaller"
        )
    needed = working_set(config)
    if needed > memory:
        raise InputError(
            f"stem {quote(config.stem)} on {config.input} {over_memory(needed, memory)}; "
            "raise it or make the plane, the features or the kernel smaller"
        )
