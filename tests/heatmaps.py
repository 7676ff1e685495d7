"""The heatmap of a config and the gradient of its unit, as its task measures them."""

import msgspec

from pipeline.config import Config
from pipeline.gradient import plan_of
from pipeline.gradient.erf import Heatmap, InputGradient, input_gradient, measure_heatmap
from pipeline.ops.buffer import Array


def heatmap_of(config: Config, deadline: float | None = None, block: int | None = None) -> Heatmap:
    """The heatmap of a config, in blocks of so many probes."""
    plan = plan_of(config)
    return measure_heatmap(config, msgspec.structs.replace(plan, block=block or plan.block), deadline)


def gradient_of(config: Config, probes: Array, parameters: dict, deadline: float | None = None) -> InputGradient:
    """The gradient of a config's readout by probes [rows, channels, columns, n] of its cone."""
    return input_gradient(plan_of(config).cone, config.readout, probes, parameters, deadline)
