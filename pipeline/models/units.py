"""What a graph is made of once it is understood: layers of ours, each with its tensors and its parameters."""

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec
import numpy.typing as npt

from pipeline.errors import InputError
from pipeline.models.pointwise import Term
from pipeline.stem import Add, Cat, Layer, Mul, Plane

Array: TypeAlias = npt.NDArray[Any]
Parameters: TypeAlias = Callable[[], dict[str, Array]]
"""Makes the arrays of a layer, by their names in a file of weights; only what is needed is made."""
Layout: TypeAlias = str
"""nchw: channels first, with pixels. nhwc: channels last. flat: [1, C * height * width], channels outermost."""


def no_parameters() -> dict[str, Array]:
    """The parameters of a layer that has none: no arrays, of any dtype [...]."""
    return {}


class Unit(msgspec.Struct, frozen=True, eq=False):
    """One layer of the network. Those of groups have a branch for each input, which is filled in later.

    tensor: the name, in the model, of what it makes. plane: the plane of that.
    """

    tensor: str
    layer: Layer
    inputs: tuple[str, ...]
    plane: Plane
    parameters: Parameters = no_parameters

    @property
    def is_group(self) -> bool:
        """Whether it joins several tensors."""
        return isinstance(self.layer, Add | Cat | Mul)


class Held(msgspec.Struct, frozen=True):
    """A tensor that a unit makes, or the input; rank: how many dimensions it has in the model, with the batch."""

    tensor: str
    plane: Plane
    layout: Layout = "nchw"
    rank: int = 4

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape in the model, for a batch of one."""
        height, width, channels = self.plane.height, self.plane.width, self.plane.channels
        if self.layout == "flat":
            return 1, channels * height * width
        pixels = (height, width) if self.rank == 4 else (width,)
        return (1, channels, *pixels) if self.layout == "nchw" else (1, *pixels, channels)

    @property
    def channel_axis(self) -> int:
        """The axis of its channels."""
        return len(self.shape) - 1 if self.layout == "nhwc" else 1


class Point(msgspec.Struct, frozen=True, eq=False):
    """A tensor that is a function, pixel by pixel, of one that is held; `tensor` is its own name."""

    tensor: str
    term: Term
    start: Term
    of: Held


class View(msgspec.Struct, frozen=True):
    """A held tensor in another shape, its axes in another order (None: as they are), on the way to a third shape.

    normed: the epsilon with which its second axis was normalised over those behind it.
    """

    of: Held
    shape: tuple[int, ...]
    order: tuple[int, ...] | None = None
    normed: float | None = None


class Stat(msgspec.Struct, frozen=True):
    """A step of a norm over channels that is written out: its mean, x - mean, that squared, and so on.

    numbers: what the steps so far have settled: the epsilon of a layer norm; of a local response norm how many channels
    are summed, then alpha, k and beta. shape: its shape in the model, where that is another than the tensor's.
    """

    kind: str
    of: Held
    numbers: tuple[float, ...] = ()
    shape: tuple[int, ...] = ()


class Known(msgspec.Struct, frozen=True, eq=False):
    """A constant."""

    array: Array


class Unknown(msgspec.Struct, frozen=True):
    """What hangs on a node that is not understood: which, why, and the tensors before it, which are.

    is_plane: a plane of several pixels went into it.
    """

    node: str
    why: str
    before: tuple[str, ...]
    is_plane: bool


Value: TypeAlias = Held | Point | View | Stat | Known | Unknown


class UnsupportedError(InputError):
    """An operation, or a form of it, that our layers cannot say: what is wrong with it."""
