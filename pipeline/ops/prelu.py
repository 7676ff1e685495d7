"""PReLU, one slope a channel for what is not positive (He et al. 2015); at zero it is that slope, as in PyTorch.

Arrays are [rows, C, columns, n]; results go to the place of a number; see `buffer.room`.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.ops.bound import Bound
from pipeline.ops.buffer import Array, Place, room, scratch
from pipeline.ops.parameters import Parameters

UNTRAINED = 0.25


class Signs(NamedTuple):
    """Where the operand is positive: bool [rows, C, columns, n]."""

    is_positive: npt.NDArray[np.bool_]


def forward(x: Array, place: int | None = None) -> Bound:
    """Returns the bound x [rows, C, columns, n] where it is positive, x times the weight [C] elsewhere, of its dtype.

    `saved` is its Signs.
    """
    out = room(place, x.shape, x.dtype)
    below = scratch(Place.SUMS, x.shape, x.dtype)
    signs = Signs(np.empty(x.shape, np.bool_))

    def start(own: Parameters) -> None:
        np.greater(x, 0, signs.is_positive)
        np.minimum(x, 0, out=below)
        np.multiply(below, _slope(own, x), below)
        np.maximum(x, 0, out=out)
        np.add(out, below, out)  # one of which is zero

    return Bound(x, out, [], start, saved=signs)


def vjp(g: Array, saved: Signs, place: int | None = None) -> Bound:
    """Returns the bound gradient by x, of the shape [rows, C, columns, n] and dtype of g."""
    out = room(place, g.shape, g.dtype)
    below = scratch(Place.SUMS, g.shape, g.dtype)

    def start(own: Parameters) -> None:
        np.multiply(g, saved.is_positive, out)
        np.subtract(g, out, below)
        np.multiply(below, _slope(own, g), below)
        np.add(out, below, out)  # one of which is zero

    return Bound(g, out, [], start)


def _slope(own: Parameters, x: Array) -> Array:
    """Returns the slope of each channel [C, 1, 1], or that of all of them [()]."""
    slope: Array = np.asarray(UNTRAINED, x.dtype) if own.weight is None else own.weight[:, None, None]
    return slope
