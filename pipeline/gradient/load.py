"""The load of a step: all that its cost follows from, for a block of probes.

Steps of many stems have the same one: what follows from it is computed once. See `footprint` and `effort`.
"""

from math import prod
from typing import NamedTuple

from pipeline.gradient.scratch import Bulk
from pipeline.gradient.step import Step, is_masked
from pipeline.ops.precision import normalised_item
from pipeline.ops.span import mirrored, reading_spread
from pipeline.stem import RECTIFIERS, Activation, Axis, InstanceNorm, Layer, LayerNorm, Transposed, curve


class Load(NamedTuple):
    """A step for a block of `n` probes, with `item` bytes a number.

    operands: (rows, channels, columns) of each. shape: of a convolution's weight, kernel height and width, input
    channels of a group, features; of other layers the last is their channels. scattered: (rows, columns) that it is
    handed, where it reads some of these twice or leaves some out.
    returned: numbers of one probe of the gradients that are put into that of a whole result, or added to another.
    """

    layer: Layer
    operands: tuple[tuple[int, int, int], ...]
    shape: tuple[int, int, int, int]
    y: Axis
    x: Axis
    groups: int
    activation: Activation
    ties: bool
    scattered: tuple[int, int] | None
    returned: int
    n: int
    item: int

    @property
    def channels(self) -> int:
        """Channels of the first operand."""
        return self.operands[0][1]

    @property
    def numbers_in(self) -> int:
        """Numbers of all operands."""
        return self.n * sum(map(prod, self.operands))

    @property
    def numbers_out(self) -> int:
        """Numbers of the result."""
        return self.y.size_out * self.x.size_out * self.shape[3] * self.n

    @property
    def has_slope(self) -> bool:
        """Whether the slope of its activation is kept as numbers, and not as a mask."""
        return curve(self.activation).name not in ("linear", *RECTIFIERS)

    @property
    def normalised_item(self) -> int:
        """Bytes of a number while a norm normalises it with others: 4 or 8."""
        rows, channels, columns = self.operands[0]
        if isinstance(self.layer, LayerNorm):
            together = channels
        else:
            together = rows * columns * (1 if isinstance(self.layer, InstanceNorm) else channels // self.groups)
        return normalised_item(self.item, together)

    @property
    def is_masked(self) -> bool:
        """Whether the gradient is multiplied by a mask; see `Step.is_masked`."""
        return is_masked(self.layer, self.activation)

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
    operands = tuple(one.shape for one in step.sources)
    scattered = (source.whole[0], source.whole[2]) if source.read.is_scattered else None
    returned = 0
    for one in step.sources:
        if one.spread is not None:
            returned += prod(one.whole)
        if not one.is_base:
            returned += prod(one.shape)
    shape, activation = step.weight_shape, node.activation
    return Load(
        node.layer, operands, shape, step.y, step.x, step.groups, activation, step.ties, scattered, returned, n, item
    )
