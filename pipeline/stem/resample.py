"""Axes whose outputs are weighted means of windows of their own: bilinear up-sampling and adaptive pooling."""

from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple

from pipeline.stem.plane import Axis


class Taps(NamedTuple):
    """One output's window: its first input, unclipped, and the weight of each input from there on; they add up to 1."""

    first: int
    weights: tuple[Fraction, ...]

    @property
    def last(self) -> int:
        """The last input of the window."""
        return self.first + len(self.weights) - 1


def taps(axis: Axis, output: int) -> Taps:
    """The window of an output of an axis that is not even, on a plane that goes on without end.

    - half_pixel: the output stands at input (o + 1/2)/f - 1/2, between two pixels (PyTorch's align_corners=False; ONNX
      half_pixel). Beyond the plane's ends the last pixel stands for the one that is missing.
    - corners: it stands at o (n - 1)/(f n - 1) (align_corners=True).
    - adaptive: the mean of inputs floor(o n / size) to ceil((o + 1) n / size), the end not included.

    An input whose weight is zero is not in the window. Raises ValueError for an even axis.
    """
    if axis.scheme == "adaptive":
        first = floor(Fraction(output * axis.size_in, axis.size_out))
        stop = ceil(Fraction((output + 1) * axis.size_in, axis.size_out))
        return Taps(first, (Fraction(1, stop - first),) * (stop - first))
    if axis.scheme == "half_pixel":
        place = Fraction(2 * output + 1, 2 * axis.stride) - Fraction(1, 2)
    elif axis.scheme == "corners":
        place = Fraction(output * (axis.size_in - 1), axis.size_out - 1) if axis.size_out > 1 else Fraction(0)
    else:
        raise ValueError(f"an axis of scheme {axis.scheme} has no windows of its own")
    first = floor(place)
    second = place - first
    return Taps(first, (1 - second, second) if second else (Fraction(1),))


def clipped(window: Taps, size: int) -> Taps:
    """The window on a plane of `size` pixels: what lies beyond an end is added to the last pixel there."""
    weights: dict[int, Fraction] = {}
    for at, weight in enumerate(window.weights, window.first):
        pixel = min(max(at, 0), size - 1)
        weights[pixel] = weights.get(pixel, Fraction(0)) + weight
    return Taps(min(weights), tuple(weights.values()))
