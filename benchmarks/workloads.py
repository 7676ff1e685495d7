"""The stems that the kernel is timed on, and their arrays, the same for every peer."""

from typing import Any, NamedTuple

import msgspec
import numpy as np

from pipeline.config import Config
from pipeline.draws import draw_probes, draw_weights
from pipeline.gradient import Plan, plan_of
from pipeline.ops.buffer import Array
from pipeline.ops.parameters import Parameters
from pipeline.stem import GlobalAvgPool, Node, Upsample
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
BRANCHED: tuple[tuple[str, str, int, int], ...] = (
    (
        "7x7/2:64 max3x3/2 6xcat(|bn relu 1x1:128=linear bn relu 3x3:32=linear) bn relu 1x1:128=linear",  # DenseNet
        *("224x224x3", 4, 0),
    ),
    (
        "7x7/2:64 max3x3/2 1x1:64 3x3:192 max3x3/2 cat(1x1:64|1x1:96 3x3:128|1x1:16 5x5:32|max3x3 1x1:32) "
        "cat(1x1:128|1x1:128 3x3:192|1x1:32 5x5:96|max3x3 1x1:64) 1x1:192",  # Inception
        *("224x224x3", 4, 0),
    ),
    (
        "2x3x3:32 cat(|max2x2/2 2x3x3:64 cat(|max2x2/2 2x3x3:128 up2) 2x3x3:64 up2) 2x3x3:32",  # U-Net
        *("128x128x3", 4, 0),
    ),
    ("3x3:64 res(2x3x3:64 mul(|gap 1x1:4 1x1:64=sigmoid))", "56x56x3", 4, 0),  # squeeze and excitation
)
"""The last two have peers on a crop of the plane that are padded: what they read follows from the unit's place."""


class Crop(NamedTuple):
    """A part of the plane: `images` [n, channels, rows, columns], where the unit is, and where the window is."""

    images: Array
    unit: tuple[int, int]
    window: tuple[slice, slice]


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
            if parameters.weight is not None and parameters.weight.ndim > 1:
                found[index] = np.ascontiguousarray(parameters.weight.transpose(3, 2, 0, 1))
        return found

    @property
    def images(self) -> Array:
        """The probes inside the window as [n, channels, rows, columns]."""
        return np.ascontiguousarray(self.probes.transpose(3, 1, 0, 2))

    @property
    def is_valid(self) -> bool:
        """Whether the window without any padding leaves one unit: no plane is made larger, and none is read whole."""
        return not any(isinstance(node.layer, Upsample | GlobalAvgPool) for node in self.config.network)

    @property
    def crop(self) -> "Crop":
        """The window, wider by what makes its first pixel one of each plane: where strides begin to count."""
        plane, box = self.config.input, self.plan.cone.box
        step = max(plane.height // node.output.height for node in self.config.network if node.output.height > 1)
        top, left = box.top // step * step, box.left // step * step
        bottom, right = (min(-(-end // step) * step, plane.height) for end in (box.bottom, box.right))
        images = np.zeros((self.probes.shape[3], plane.channels, bottom - top, right - left), np.float32)
        inside = slice(box.top - top, box.bottom - top), slice(box.left - left, box.right - left)
        images[:, :, *inside] = self.images
        jump = plane.height // self.config.network[-1].output.height
        return Crop(images, (self.config.unit[0] - top // jump, self.config.unit[1] - left // jump), inside)


def workload(stem: str, plane: str, count: int, seed: int) -> Workload:
    """The arrays of a stem."""
    fields: dict[str, Any] = {"stem": stem, "input": plane, "probes": {"count": count}, "init": {"seed": seed}}
    return arrays_of(build(fields))


def arrays_of(config: Config) -> Workload:
    """The arrays of a config whose probes are drawn with seed 0."""
    count = config.probes.count
    plan = plan_of(config)
    probes = draw_probes(config.probes, config.input, plan.cone.box, 0, count)
    return Workload(config, plan, draw_weights(config), probes)


def spread(node: Node, operands: list[Any]) -> list[Any]:
    """The operands of a join but those of one pixel that counts for all."""
    pairs = zip(node.planes, operands, strict=True)
    return [x for plane, x in pairs if (plane.height, plane.width) == (node.output.height, node.output.width)]
