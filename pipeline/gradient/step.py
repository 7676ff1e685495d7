"""A step: one node of a network restricted to the cone of a unit, and what it takes of what it is handed."""

from typing import NamedTuple

import msgspec

from pipeline.stem.layers import Transposed
from pipeline.stem.network import Node
from pipeline.stem.plane import Axis

Range = tuple[int, int]
"""Half-open: channels `first` to `stop`."""


class Read(msgspec.Struct, frozen=True):
    """What a step takes from the array that it is handed: channels, then rows and columns, in this order.

    Rows and columns are slices, or lists of pixels where padding repeats pixels of the plane. None takes all of them;
    where it is all that is said, the object is EVERYTHING.
    """

    channels: slice | None = None
    rows: slice | tuple[int, ...] | None = None
    columns: slice | tuple[int, ...] | None = None


EVERYTHING = Read()


class Product(NamedTuple):
    """A convolution as it is multiplied: the shape of its weight, its axes, its groups.

    shape: kernel height and width, input channels of a group, features.
    """

    shape: tuple[int, int, int, int]
    y: Axis
    x: Axis
    groups: int


class Step(msgspec.Struct, frozen=True):
    """One node restricted to the cone: `y` and `x` are its axes on the piece that it reads.

    taps: the rows and columns of a convolution's kernel that meet a pixel, half-open; `y` and `x` count only these.
    ties: whether outputs may tie in front of a max pool; see `ties`.
    """

    node: Node
    y: Axis
    x: Axis
    read: Read
    features: Range
    taps: tuple[Range, Range]
    groups: int = 1
    body: "tuple[Step, ...]" = ()
    shortcut: "Step | None" = None
    skip: Read = EVERYTHING
    ties: bool = False

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """(rows, columns, input channels of one group, features) of the part of a convolution's kernel that is used."""
        _, _, inputs, _ = self.node.weight_shape
        return self.y.kernel, self.x.kernel, inputs, self.features[1] - self.features[0]

    @property
    def product(self) -> Product:
        """A convolution, or the one that a transposed convolution is the transpose of."""
        kh, kw, inputs, features = self.weight_shape
        if not isinstance(self.node.layer, Transposed):
            return Product((kh, kw, inputs, features), self.y, self.x, self.groups)
        y, x = (
            Axis(axis.size_out, axis.size_in, axis.kernel, axis.stride, axis.dilation, axis.before, axis.after)
            for axis in (self.y, self.x)
        )
        return Product((kh, kw, features // self.groups, inputs * self.groups), y, x, self.groups)
