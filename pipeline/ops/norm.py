"""Batch norm with frozen statistics, and layer norm over the channels of each pixel.

Arrays are [rows, C, columns, n]; results go to the `level` of `buffer.room`.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from pipeline.ops.bound import Bound
from pipeline.ops.buffer import Array, Place, room, scratch
from pipeline.ops.parameters import Parameters

EPSILON = 1e-5


def batch_forward(x: Array, level: int | None = None) -> Bound:
    """Returns the bound (x - mean) * scale + bias by channel (Ioffe and Szegedy 2015, frozen).

    x and the result are [rows, C, columns, n], float32 or float64.
    """
    out = room(level, x, x.shape, x.dtype)

    def start(own: Parameters) -> None:
        np.subtract(x, 0 if own.mean is None else _per_channel(own.mean), out)
        np.multiply(out, _scale(own), out)
        if own.bias is not None:
            np.add(out, _per_channel(own.bias), out)

    return Bound(x, out, [], start)


def batch_vjp(g: Array, level: int | None = None) -> Bound:
    """Returns the bound gradient by x of a frozen batch norm, of the shape [rows, C, columns, n] and dtype of g."""
    out = room(level, g, g.shape, g.dtype)

    def start(own: Parameters) -> None:
        np.multiply(g, _scale(own), out)

    return Bound(g, out, [], start)


def _per_channel(values: Array) -> Array:
    return values[:, None, None]


def _scale(own: Parameters) -> Array | int:
    """Returns the factor of each channel of a frozen batch norm, [C, 1, 1]; 1 untrained."""
    if own.var is None:
        return 1 if own.weight is None else _per_channel(own.weight)
    inverse: Array = 1 / np.sqrt(own.var + EPSILON)
    return _per_channel(inverse if own.weight is None else inverse * own.weight)


class Normalized(NamedTuple):
    """The arrays that the VJP of a layer norm needs: the normalised pixels and their `inverse_deviation`."""

    pixels: Array
    inverse: Array


def inverse_deviation(centred: Array) -> Array:
    """Returns 1 / sqrt(variance + eps) over each pixel's channels: [rows, 1, columns, n], of the dtype of `centred`.

    centred: float32 or float64 [rows, C, columns, n], whose mean over the channels is zero.
    """
    inverse: Array = 1 / np.sqrt((centred * centred).mean(axis=1, keepdims=True) + centred.dtype.type(EPSILON))
    return inverse


def layer_forward(
    x: Array, level: int | None = None, inverse_of: Callable[[Array], Array] = inverse_deviation
) -> Bound:
    """Returns the bound layer norm of x: each pixel's channels at mean 0 and variance 1, scaled and shifted.

    x and the result are [rows, C, columns, n], float32 or float64. inverse_of: see `inverse_deviation`. `saved` is a
    Normalized. From Ba et al. 2016, with eps 1e-5.
    """
    out = room(level, x, x.shape, x.dtype)
    pixels, inverse = np.empty_like(x, order="C"), np.empty((len(x), 1, *x.shape[2:]), x.dtype)

    def start(own: Parameters) -> None:
        np.mean(x, 1, None, inverse, True)
        np.subtract(x, inverse, pixels)
        inverse[...] = inverse_of(pixels)
        np.multiply(pixels, inverse, pixels)
        np.multiply(pixels, 1 if own.weight is None else _per_channel(own.weight), out)
        if own.bias is not None:
            np.add(out, _per_channel(own.bias), out)

    return Bound(x, out, [], start, saved=Normalized(pixels, inverse))


def layer_vjp(g: Array, saved: Normalized, level: int | None = None) -> Bound:
    """Returns the bound gradient by x, [rows, C, columns, n] of the dtype of g.

    With h = weight * g it is inverse * (h - mean(h) - pixels * mean(h * pixels)).
    """
    pixels, inverse = saved
    out = room(level, g, g.shape, g.dtype)
    product = scratch(Place.SUMS, g.shape, g.dtype)

    def start(own: Parameters) -> None:
        h = np.multiply(g, 1 if own.weight is None else _per_channel(own.weight), out)
        along = np.multiply(h, pixels, product).mean(axis=1, keepdims=True)
        np.subtract(h, h.mean(axis=1, keepdims=True), out)
        np.subtract(out, np.multiply(pixels, along, product), out)
        np.multiply(inverse, out, out)

    return Bound(g, out, [], start)
