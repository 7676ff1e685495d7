"""Planes and their geometry: sizes, the axes of a layer, boxes of pixels, taps of a kernel, and padding.

A kernel may span far more than its plane (kernel and dilation go up to a million each). Whoever walks back through it
sizes its arrays by the taps that touch the plane (`read_taps`, `feeding_taps`), never by the kernel.
"""

from typing import Annotated, Literal, TypeAlias

import msgspec

from pipeline.stem.layers import MAX_INTEGER, PaddingMode

Side: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=MAX_INTEGER)]

MAX_SIDE = 2**31
"""No plane between the layers may be wider: up-sampling doubles it at will."""


class Plane(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Size of a feature map or of the input."""

    height: Side
    width: Side
    channels: Side = 1

    def __str__(self) -> str:
        return f"{self.height}x{self.width}x{self.channels}"


Scheme: TypeAlias = Literal["even", "half_pixel", "corners", "adaptive"]
"""How the windows of an axis follow each other: evenly by its stride, or as `resample` says."""


class Axis(msgspec.Struct, frozen=True):
    """One axis of a layer.

    Convolution and pooling: output `o` reads inputs `o*stride - before + i*dilation`, i = 0 .. kernel-1, and
    `size_out = (size_in + before + after - dilation*(kernel-1) - 1) // stride + 1`.
    Transposed: input `n` feeds outputs `n*stride - before + i*dilation`, and
    `size_out = (size_in-1)*stride + dilation*(kernel-1) + 1 - before - after` (a negative `after` appends zeros).
    Up-sampling by f: kernel = stride = f, output `o` reads input `o // f`. Global pooling: kernel = size_in.
    Layers that act on each pixel by itself, joins and norms over the plane have kernel = stride = 1.
    Another scheme than "even": output `o` is a weighted mean of the inputs of its own window; see
    `pipeline.stem.resample`. Bilinear up-sampling by f has kernel 2 and stride f.
    """

    size_in: int
    size_out: int
    kernel: int
    stride: int = 1
    dilation: int = 1
    before: int = 0
    after: int = 0
    scheme: Scheme = "even"

    @property
    def has_gaps(self) -> bool:
        """Whether the kernels of a transposed convolution leave out pixels: between them, or between their taps."""
        return self.stride > 1 and (self.dilation > 1 or self.kernel < self.stride)


class Box(msgspec.Struct, frozen=True):
    """Rows `top` to `bottom` and columns `left` to `right`, the ends not included."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def height(self) -> int:
        """Number of rows."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.right - self.left


def read_taps(axis: Axis, first: int, last: int, lowest: int, highest: int) -> range:
    """Taps i of a convolution or pool with lowest <= o*s - before + i*d <= highest for some o in [first, last]."""
    least = -((last * axis.stride - axis.before - lowest) // axis.dilation)
    most = (highest + axis.before - first * axis.stride) // axis.dilation
    return range(max(least, 0), max(min(most, axis.kernel - 1) + 1, 0))


def counted_pixels(axis: Axis, outputs: range, padding: tuple[int, int]) -> tuple[int, ...]:
    """How many pixels count in the windows of these outputs of an average pooling, along one axis of a whole plane.

    padding: how many before the plane and behind it do; (0, 0) where only those of the plane do.
    """
    first, stop = -padding[0], axis.size_in + padding[1]
    windows = (output * axis.stride - axis.before for output in outputs)
    return tuple(min(window + axis.kernel, stop) - max(window, first) for window in windows)


def feeding_taps(axis: Axis, first: int, last: int) -> range:
    """Taps i of a transposed convolution with n*s - before + i*d in [first, last] for some input n of the plane."""
    least = -(((axis.size_in - 1) * axis.stride - axis.before - first) // axis.dilation)
    most = (last + axis.before) // axis.dilation
    return range(max(least, 0), max(min(most, axis.kernel - 1) + 1, 0))


def folded(mode: PaddingMode, first: int, last: int, size: int) -> list[int]:
    """The pixels of the plane that padded positions `first` to `last` of a line of `size` pixels stand for.

    reflect mirrors without repeating the edge, replicate repeats it, circular wraps around.
    """
    positions = range(first, last + 1)
    if mode == "replicate":
        return [min(max(position, 0), size - 1) for position in positions]
    if mode == "circular":
        return [position % size for position in positions]
    period = max(2 * (size - 1), 1)
    return [min(position % period, period - position % period) if size > 1 else 0 for position in positions]
