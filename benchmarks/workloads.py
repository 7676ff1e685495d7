"""The stems that the kernel is timed on, and their arrays, the same for every peer."""

from typing import Any, NamedTuple

import msgspec
import numpy as np

from pipeline.config import Config
from pipeline.draws import draw_probes, draw_weights
from pipeline.gradient import Plan, plan_of
from pipeline.ops.buffer import Array
from pipeline.ops.parameters import Parameters
from pipeline.sweep.build import build

STEMS: tuple[tuple[str, str, int, int], ...] = (  # stem, plane, probes, seed of the weights
    ("4x3x3", "21", 16, 0),
    ("4x5x5", "21", 16, 0),
    ("20x3x3:16", "101", 16, 0),
    ("10x7x7:16", "101", 16, 1),  # with seed 0 the unit is dead, and a gradient of zeros is quicker
    ("40x3x3:8", "161", 16, 0),
    ("20x3x3:64", "112", 8, 0),
    ("8x3x3:64", "224", 4, 0),
    ("4x13x13:32", "101", 8, 0),
    ("4xdw31x31:32", "161", 4, 0),
    ("7x7/2:64 max3x3/2 2xres(2x3x3:64)", "224x224x3", 4, 0),
    ("6x3x3=gelu", "64", 16, 0),
)


class Workload(NamedTuple):
    """A config, its plan, its weights by layer, and its probes inside the window, [rows, channels, columns, n]."""

    config: Config
    plan: Plan
    weights: dict[int, Parameters]
    probes: Array

    @property
    def widened(self) -> Config:
        """The same stem on a plane four times as high and as wide."""
        plane = self.config.input
        wide = msgspec.structs.replace(plane, height=4 * plane.height, width=4 * plane.width)
        return msgspec.structs.replace(self.config, input=wide)

    @property
    def trained(self) -> dict[int, Parameters]:
        """The weights, float32, with a bias [features] for each convolution."""
        rng = np.random.default_rng(1)
        found = {}
        for index, own in self.weights.items():
            bias = None if own.weight is None else rng.uniform(-0.05, 0.05, own.weight.shape[3]).astype(np.float32)
            found[index] = msgspec.structs.replace(own, bias=bias)
        return found

    @property
    def kernels(self) -> dict[int, Array]:
        """The weights as PyTorch has them, [F, C // groups, kh, kw]."""
        found = {}
        for index, parameters in self.weights.items():
            if parameters.weight is not None:
                found[index] = np.ascontiguousarray(parameters.weight.transpose(3, 2, 0, 1))
        return found

    @property
    def images(self) -> Array:
        """The probes inside the window as [n, channels, rows, columns]."""
        return np.ascontiguousarray(self.probes.transpose(3, 1, 0, 2))


def workload(stem: str, plane: str, count: int, seed: int) -> Workload:
    """The arrays of a stem."""
    fields: dict[str, Any] = {"stem": stem, "input": plane, "probes": {"count": count}, "init": {"seed": seed}}
    config = build(fields)
    plan = plan_of(config)
    probes = draw_probes(config.probes, config.input, plan.cone.box, 0, count)
    return Workload(config, plan, draw_weights(config), probes)
