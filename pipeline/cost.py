"""What a config will cost: multiply-adds, bytes and expected seconds, from the plan of its cone alone."""

from functools import lru_cache
from math import prod

import msgspec

from pipeline.cone import Cone, Step, cone, cone_of
from pipeline.config import Config
from pipeline.errors import InputError
from pipeline.network import Plane
from pipeline.stem import Convolution, Group, MaxPool, Transposed

BLOCK_BYTES = 2**28
"""Probes are taken in blocks whose working set stays below this; a constant, so that blocks follow from the config."""

DEFAULT_MEMORY = 10**9
"""What a worker may take for one config, in bytes."""

_MULTIPLY_ADDS_PER_SECOND = 25e9
_BYTES_PER_SECOND = 2.5e9
_SECONDS_PER_STEP = 20e-6
_SECONDS_PER_CONFIG = 100e-6


class Work(msgspec.Struct, frozen=True):
    """The work of one config: per probe multiply-adds and bytes passed through, both ways; bytes held; steps."""

    multiply_adds: int
    moved: int
    held: int
    weights: int
    steps: int


def work(config: Config) -> Work:
    """The work of a config, added up over its cone."""
    channel = config.readout.channel
    given = channel if isinstance(channel, int) else None
    return _work(config.stem, config.input, config.unit, given, 4 if config.dtype == "float32" else 8)


@lru_cache(maxsize=1024)
def _work(stem: str, plane: Plane, unit: tuple[int, int], channel: int | None, itemsize: int) -> Work:
    plan = cone_of(stem, plane, unit, channel)
    total = Work(0, 0, _size(plan) * itemsize, 0, 0)
    largest = 0
    for step in _flat(plan.steps):
        made = step.y.size_out * step.x.size_out * (step.features[1] - step.features[0])
        products, passing, weights = 0, 2 * made, 0
        if isinstance(step.node.layer, Convolution):
            kh, kw, inputs, _ = step.node.weight_shape
            weights = kh * kw * inputs * (step.features[1] - step.features[0])
            pixels = step.y.size_in * step.x.size_in if isinstance(step.node.layer, Transposed) else 0
            pixels = pixels or step.y.size_out * step.x.size_out
            products = 2 * pixels * weights
            # One copy for each column of the kernel forward, all its taps back.
            passing += step.y.kernel * step.x.kernel * inputs * step.groups * pixels
        elif not isinstance(step.node.layer, Group):
            passing += step.y.size_in * step.x.size_in * (step.features[1] - step.features[0])
        largest = max(largest, passing * itemsize)
        kept = made * (5 * itemsize if isinstance(step.node.layer, MaxPool) else 2 * itemsize)
        total = Work(
            total.multiply_adds + products,
            total.moved + 3 * passing * itemsize,
            total.held + kept,
            total.weights + weights,
            total.steps + 1,
        )
    return msgspec.structs.replace(total, held=total.held + largest)


def _size(plan: Cone) -> int:
    return plan.box.height * plan.box.width * plan.steps[0].node.given.channels


def _flat(steps: tuple[Step, ...]) -> list[Step]:
    found: list[Step] = []
    for step in steps:
        found.extend(_flat(step.body))
        if step.shortcut is not None:
            found.append(step.shortcut)
        found.append(step)
    return found


def expected_seconds(config: Config) -> float:
    """Expected time of a config on one core, in seconds."""
    cost = work(config)
    products = cost.multiply_adds * config.probes.count + cost.weights / 4
    moved = cost.moved * config.probes.count
    fixed = _SECONDS_PER_CONFIG + cost.steps * _SECONDS_PER_STEP
    return fixed + products / _MULTIPLY_ADDS_PER_SECOND + moved / _BYTES_PER_SECOND


def probes_per_block(config: Config) -> int:
    """How many probes are taken at once, a function of the config alone."""
    return max(1, min(config.probes.count, BLOCK_BYTES // max(work(config).held, 1)))


def working_set(config: Config) -> int:
    """Bytes that measuring a config takes: one block of probes, the weights, and the heatmap with its copies."""
    cost = work(config)
    weights = sum(prod(step.node.weight_shape) for step in _flat(cone(config).steps) if _is_convolution(step))
    return probes_per_block(config) * cost.held + 12 * weights + 32 * config.input.height * config.input.width


def _is_convolution(step: Step) -> bool:
    return isinstance(step.node.layer, Convolution)


def check_memory(config: Config, memory: int = DEFAULT_MEMORY) -> None:
    """Raises InputError where measuring a config would take more than `memory` bytes."""
    needed = working_set(config)
    if needed > memory:
        raise InputError(
            f"stem {config.stem!r} on {config.input} would take {needed} bytes, more than the {memory} of --memory; "
            "raise it or make the plane, the features or the kernel smaller"
        )
