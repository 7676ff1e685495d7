"""A plan: a config made ready to be measured. It is made once, by the task, and handed to whoever needs it."""

from functools import lru_cache

import msgspec

from pipeline.config import Config, Probes
from pipeline.errors import InputError, amount, quote
from pipeline.gradient import cost, footprint
from pipeline.gradient.cone import Cone, cone
from pipeline.limits import DEFAULT_MEMORY, MAX_ARRAY, over_memory
from pipeline.stem import Plane, network

BLOCK_BYTES = 2**28
"""Probes run in blocks whose working set stays below this; a constant, so that blocks follow from the config alone."""


class Plan(msgspec.Struct, frozen=True, eq=False):
    """What measuring a config needs to know of it, besides the numbers that are drawn.

    cone: the steps from the input to the unit. block: how many probes run at once, all or so many halvings of them
    that `BLOCK_BYTES` hold a block. working_set: bytes at the peak: one block, the weights, and copies of the heatmap's
    rows; or files of weights and probes while arrays are made of them. work: what its expected seconds follow from.
    """

    cone: Cone
    block: int
    working_set: int
    work: cost.Work

    @property
    def kernel_seconds(self) -> float:
        """Expected seconds of the heatmap on one core."""
        return cost.seconds(self.work)

    @property
    def expected_seconds(self) -> float:
        """Expected seconds of the config on one core, from its weights to its packed result."""
        return self.kernel_seconds + self.work.result_seconds


def plan_of(config: Config) -> Plan:
    """Returns the plan of a config; configs that differ only in their draws share it."""
    channel = config.readout.channel
    index = channel if isinstance(channel, int) else None
    item = 4 if config.dtype == "float32" else 8
    may_repeat, has_file, count = config.probes.may_repeat, config.init.kind == "file", config.probes.count
    plan = _plan(config.stem, config.input, config.layer, config.unit, index, may_repeat, has_file, item, count)
    if config.probes.kind not in ("images", "file", "neural_api"):
        return plan
    kept, making = footprint.whole_probes(config.probes, config.input, plan.block, _content_size(config.probes))
    return msgspec.structs.replace(plan, working_set=max(plan.working_set + kept, making))


def _content_size(probes: Probes) -> int:
    """Returns the bytes of the file or of the packed images of some probes, 0 for probes of another kind."""
    if probes.path is None:
        return 0
    from pipeline.draws import content_size  # loads NumPy, which other probes are planned without

    return content_size(probes.path, probes.sha256)


@lru_cache(maxsize=256)
def _plan(
    stem: str,
    plane: Plane,
    layer: int | None,
    unit: tuple[int, int],
    channel: int | None,
    repeated: bool,
    has_file: bool,
    item: int,
    count: int,
) -> Plan:
    """Returns the plan for `count` probes, in numbers of `item` bytes."""
    of_unit = cone(stem, plane, unit, channel, repeated, layer)
    block, tolls, peak = count, cost.tolls(of_unit, count, item), 0
    while (peak := footprint.peak(of_unit, block, item, [toll.uses for toll in tolls])) > BLOCK_BYTES and block > 1:
        block = -(-block // 2)
        tolls = cost.tolls(of_unit, block, item)
    rows = 24 * of_unit.box.height * plane.width
    stored = footprint.stored(network(stem, plane)) if has_file else 0
    working_set = max(peak + footprint.weights(of_unit, item, stored) + rows, 2 * stored)
    return Plan(of_unit, block, working_set, cost.work(of_unit, plane, tolls, count, block, item))


def expected_seconds(config: Config) -> float:
    """Returns the expected seconds of a config on one core, by which the queue orders and shares its work."""
    return plan_of(config).expected_seconds


def check_memory(config: Config, plan: Plan, memory: int = DEFAULT_MEMORY) -> None:
    """Raises InputError where measuring a config would take more than `memory` bytes, or a heatmap too large."""
    plane = 8 * config.input.height * config.input.width
    if plane > MAX_ARRAY:
        raise InputError(
            f"the heatmap of {config.input} would have {amount(plane)}, more than the {amount(MAX_ARRAY)} that can be "
            "read; make the plane smaller"
        )
    if plan.working_set > memory:
        raise InputError(
            f"stem {quote(config.stem)} on {config.input} {over_memory(plan.working_set, memory)}; "
            "raise it or make the plane, the features or the kernel smaller"
        )
