"""A step: one node of a network restricted to the cone of a unit, and the part of an array that it reads."""

import msgspec

from pipeline.stem import Axis, Conv, Depthwise, Layer, MaxPool, Node

Range = tuple[int, int]
"""Half-open: channels `first` to `stop`."""


class Read(msgspec.Struct, frozen=True):
    """The part of an array that a step reads: channels, then rows and columns, in this order.

    Rows and columns are slices, or lists of pixels where padding repeats pixels of the plane. None stands for all of
    them; where all three are None, the object is EVERYTHING.
    """

    channels: slice | None = None
    rows: slice | tuple[int, ...] | None = None
    columns: slice | tuple[int, ...] | None = None


EVERYTHING = Read()


def takes_mask(layer: Layer) -> bool:
    """Whether the VJP of a layer multiplies the gradient by a rectifier's mask itself, without a pass before."""
    return isinstance(layer, Conv | Depthwise | MaxPool)


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
        """Returns (rows, columns, input channels of one group, features) of the used part of a convolution's kernel."""
        inputs = self.node.input.channels // self.node.groups
        return self.y.kernel, self.x.kernel, inputs, self.features[1] - self.features[0]
