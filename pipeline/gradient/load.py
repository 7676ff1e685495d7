"""The load of a step: all that its cost follows from, for a block of probes.

Steps of many stems have the same one: what follows from it is computed once. See `footprint` and `effort`.
"""

from typing import NamedTuple

from pipeline.gradient.scratch import Bulk
from pipeline.gradient.step import EVERYTHING, Step
from pipeline.ops.span import mirrored, reading_spread
from pipeline.stem import Activation, Axis, Convolution, Layer, Transposed


class Load(NamedTuple):
    """A step for a block of `n` probes, with `item` bytes a number.

    shape: of a convolution's weight, kernel height and width, input channels of a group, features; of other layers the
    last is their channels. is_cut: whether it reads a part of what it is handed. scattered: (rows, columns) that it is
    handed, where it reads some of these twice or leaves some out.
    """

    layer: Layer
    shape: tuple[int, int, int, int]
    y: Axis
    x: Axis
    groups: int
    activation: Activation
    ties: bool
    is_cut: bool
    scattered: tuple[int, int] | None
    n: int
    item: int

    @property
    def channels(self) -> int:
        """Channels of the operand."""
        return self.shape[2] * self.groups if isinstance(self.layer, Convolution) else self.shape[3]

    @property
    def numbers_in(self) -> int:
        """Numbers of the operand."""
        return self.y.size_in * self.x.size_in * self.channels * self.n

    @property
    def numbers_out(self) -> int:
        """Numbers of the result."""
        return self.y.size_out * self.x.size_out * self.shape[3] * self.n

    @property
    def has_slope(self) -> bool:
        """Whether the slope of its activation is kept as numbers."""
        return self.activation not in ("relu", "linear")

    @property
    def product(self) -> Bulk:
        """The convolution that it is, or that a transposed convolution is the transpose of."""
        kh, kw, inputs, features = self.shape
        if not isinstance(self.layer, Transposed):
            return Bulk(self.shape, self.y, self.x, self.groups, self.n, self.item)
        turned = kh, kw, features // self.groups, inputs * self.groups
        return Bulk(turned, mirrored(self.y), mirrored(self.x), self.groups, self.n, self.item)

    @property
    def windows(self) -> Bulk:
        """The convolution of its pixels among zeros that replaces a transposed convolution where windows may tie."""
        return Bulk(self.shape, reading_spread(self.y), reading_spread(self.x), self.groups, self.n, self.item)


def load(step: Step, n: int, item: int) -> Load:
    """Returns the load of a step for `n` probes, of numbers of `item` bytes."""
    node, source = step.node, step.sources[0]
    is_cut = source.read is not EVERYTHING
    scattered = (source.whole[0], source.whole[2]) if source.read.is_scattered else None
    shape, activation = step.weight_shape, node.activation
    return Load(node.layer, shape, step.y, step.x, step.groups, activation, step.ties, is_cut, scattered, n, item)
