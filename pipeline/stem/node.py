"""A node: one layer of a network in its place, with what feeds it, its planes and its geometry."""

from math import prod
from typing import Literal, TypeAlias

import msgspec

from pipeline.stem.activations import Activation
from pipeline.stem.layers import Layer, PaddingMode
from pipeline.stem.plane import Axis, Plane

INPUT = -1
"""Stands for the input plane among the inputs of a node."""

Geometry: TypeAlias = Literal["reads", "feeds", "global", "pixelwise", "resampled", "join"]
"""How the pixels of a node hang on those before it, along each axis.

reads: output o reads inputs o*stride - before + i*dilation (convolution, pooling, padding, crop). feeds: input n feeds
outputs n*stride - before + i*dilation (transposed convolution, nearest up-sampling). global: every output reads the
whole plane, which it may keep (norms over it) or reduce to a pixel. pixelwise: output o reads input o. resampled: each
output reads a window of its own; see `Axis.scheme`. join: several inputs, pixel by pixel; one of a single pixel counts
for all.
"""


class Node(msgspec.Struct, frozen=True):
    """One layer in its place: what feeds it, its planes, and its geometry along both axes.

    inputs: the index of each node that feeds it, INPUT for the input plane. planes: their planes, one for each.
    is_projection: it is the convolution of a residual sum's shortcut, for which no layer of the stem stands.
    """

    index: int
    layer: Layer
    inputs: tuple[int, ...]
    planes: tuple[Plane, ...]
    output: Plane
    geometry: Geometry
    y: Axis
    x: Axis
    groups: int = 1
    padding_mode: PaddingMode = "zeros"
    activation: Activation = "linear"
    is_projection: bool = False

    @property
    def input(self) -> Plane:
        """The plane of its only input, or of its first."""
        return self.planes[0]

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """(kernel height, kernel width, input channels of one group, features) of a convolution."""
        return self.y.kernel, self.x.kernel, self.input.channels // self.groups, self.output.channels

    @property
    def fan_in(self) -> int:
        """Inputs that one output unit of a convolution weighs, borders aside."""
        return prod(self.weight_shape[:3])


Network: TypeAlias = tuple[Node, ...]
"""The nodes in running order: node i has index i, its inputs are before it, and the last one is the output."""
