"""A step: one node of a network restricted to the cone of a unit, and the parts of earlier results that it reads."""

from typing import TypeAlias

import msgspec

from pipeline.stem import RECTIFIERS, Activation, Axis, Box, Conv, Depthwise, Layer, MaxPool, Node, curve

Range: TypeAlias = tuple[int, int]
"""Half-open: channels `first` to `stop`."""


class Read(msgspec.Struct, frozen=True):
    """The part of an array that a step reads: channels, then rows and columns, in this order.

    Rows and columns are slices, or lists of pixels where padding repeats pixels of the plane. None stands for all of
    them; where all three are None, the object is EVERYTHING.
    """

    channels: slice | None = None
    rows: slice | tuple[int, ...] | None = None
    columns: slice | tuple[int, ...] | None = None

    @property
    def is_scattered(self) -> bool:
        """Whether it lists pixels: what is read is a copy then, and not a view."""
        return isinstance(self.rows, tuple) or isinstance(self.columns, tuple)


EVERYTHING = Read()


class Source(msgspec.Struct, frozen=True):
    """One operand of a step: what it reads of the result of an earlier step, or of the input piece.

    step: the number of that step, INPUT for the input piece. slot: which input of the node it is. channels: those of
    that input that are read, half-open. shape: (rows, channels, columns) of what is read, `whole` of the result that it
    is read from.

    Of what several steps read, the gradients are added up: `is_base` is the one to which the others are added. copied,
    gradient, spread: numbers of places (see `places`), of the copy of what is read, of the gradient by it, and of that
    gradient spread over the whole; None where there is no such array.
    """

    step: int
    slot: int
    read: Read
    channels: Range
    shape: tuple[int, int, int]
    whole: tuple[int, int, int]
    is_base: bool = True
    copied: int | None = None
    gradient: int | None = None
    spread: int | None = None


class Step(msgspec.Struct, frozen=True):
    """One node restricted to the cone: `y` and `x` are its axes on the piece that it reads.

    box: the rows and columns of the node's plane that it makes. taps: the rows and columns of a convolution's kernel
    that meet a pixel, half-open; `y` and `x` count only these.
    ties: whether outputs may tie in front of a max pool; see `ties`. place, sloped: the numbers of the places of its
    result and of the gradient by it times the slope of its activation; see `places`. ended: the steps whose results are
    not read after it.
    """

    node: Node
    y: Axis
    x: Axis
    sources: tuple[Source, ...]
    box: Box
    features: Range
    taps: tuple[Range, Range]
    groups: int = 1
    ties: bool = False
    place: int = 0
    sloped: int | None = None
    ended: tuple[int, ...] = ()

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """Returns (rows, columns, input channels of one group, features) of the used part of a convolution's kernel."""
        inputs = self.node.input.channels // self.node.groups
        return self.y.kernel, self.x.kernel, inputs, self.features[1] - self.features[0]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Returns (rows, channels, columns) of its result."""
        return self.y.size_out, self.features[1] - self.features[0], self.x.size_out

    @property
    def is_masked(self) -> bool:
        """Whether its VJP multiplies the gradient by the mask of its rectifier itself, without a pass before."""
        return is_masked(self.node.layer, self.node.activation)


def is_masked(layer: Layer, activation: Activation) -> bool:
    """Whether the VJP of a layer multiplies the gradient by the mask of its activation itself; see `Step`."""
    return isinstance(layer, Conv | Depthwise | MaxPool) and curve(activation).name in RECTIFIERS
