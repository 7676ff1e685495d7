"""Norms: batch norm with frozen statistics, layer norm over the channels of each pixel, group norm over the plane.

Arrays are [rows, C, columns, n]; results go to the place of a number; see `buffer.room`.

With h = weight * g, the gradient by what is normalised is inverse * (h - mean(h) - normalised * mean(h * normalised)),
where the means are over what is normalised together.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from pipeline.ops.bound import Bound
from pipeline.ops.buffer import Array, Place, room, scratch
from pipeline.ops.parameters import Parameters
from pipeline.ops.precision import normalised_item
from pipeline.ops.span import tap
from pipeline.stem import Axis

EPSILON = 1e-5
"""Of batch norm."""

Axes: TypeAlias = tuple[int, ...]
InverseDeviation: TypeAlias = Callable[[Array, Axes, float], Array]
"""See `inverse_deviation`."""

_CHANNELS: Axes = (1,)
_GROUP: Axes = (0, 2, 3)
"""Rows, channels and columns of [rows, groups, channels of a group, columns, n], summed in this order: the sums of a
few hundred numbers each are off by fewer roundings than one sum of all, and whole rows are added the quickest."""


def batch_forward(x: Array, place: int | None = None) -> Bound:
    """Returns the bound (x - mean) * scale + bias by channel (Ioffe and Szegedy 2015, frozen).

    x and the result are [rows, C, columns, n], float32 or float64.
    """
    out = room(place, x.shape, x.dtype)

    def start(own: Parameters) -> None:
        np.subtract(x, 0 if own.mean is None else _per_channel(own.mean), out)
        np.multiply(out, _scale(own), out)
        if own.bias is not None:
            np.add(out, _per_channel(own.bias), out)

    return Bound(x, out, [], start)


def batch_vjp(g: Array, place: int | None = None) -> Bound:
    """Returns the bound gradient by x of a frozen batch norm, of the shape [rows, C, columns, n] and dtype of g."""
    out = room(place, g.shape, g.dtype)

    def start(own: Parameters) -> None:
        np.multiply(g, _scale(own), out)

    return Bound(g, out, [], start)


def _per_channel(values: Array) -> Array:
    return values[:, None, None]


def _scale(own: Parameters) -> Array | int:
    """Returns the factor of each channel of a frozen batch norm, [C, 1, 1]; 1 untrained."""
    if own.var is None:
        return _weight(own)
    inverse: Array = 1 / np.sqrt(own.var + EPSILON)
    return _per_channel(inverse if own.weight is None else inverse * own.weight)


class Normalized(NamedTuple):
    """The arrays that the VJP of a norm needs: the normalised pixels, [rows, C, columns, n] or with channels in groups
    [rows, groups, C // groups, columns, n], and their `inverse_deviation`; float64 if few are normalised together."""

    pixels: Array
    inverse: Array


def mean(x: Array, axes: Axes, dtype: np.dtype[Any] | None = None) -> Array:
    """Returns the mean of x [...] over some axes, one after the other, which are kept as axes of one.

    It has the dtype of x, unless another is asked for.
    """
    for axis in axes:
        x = np.mean(x, axis=axis, keepdims=True, dtype=dtype)
    return x


def inverse_deviation(centred: Array, axes: Axes, epsilon: float) -> Array:
    """Returns 1 / sqrt(variance + epsilon) over some axes, which are kept as axes of one, of the dtype of `centred`.

    centred: float32 or float64 [...], whose mean over these axes is zero.
    """
    inverse: Array = 1 / np.sqrt(mean(centred * centred, axes) + centred.dtype.type(epsilon))
    return inverse


def layer_forward(
    x: Array,
    epsilon: float = EPSILON,
    place: int | None = None,
    inverse_of: InverseDeviation = inverse_deviation,
) -> Bound:
    """Returns the bound layer norm of x: each pixel's channels at mean 0 and variance 1, scaled and shifted.

    x and the result are [rows, C, columns, n], float32 or float64. `saved` is a Normalized. From Ba et al. 2016.
    """
    out = room(place, x.shape, x.dtype)
    dtype = _working_dtype(x.dtype, x.shape[1])
    pixels, inverse = np.empty(x.shape, dtype), np.empty((len(x), 1, *x.shape[2:]), dtype)

    def start(own: Parameters) -> None:
        np.mean(x, 1, dtype, inverse, True)
        np.subtract(x, inverse, pixels)
        inverse[...] = inverse_of(pixels, _CHANNELS, epsilon)
        np.multiply(pixels, inverse, pixels)
        _affine(pixels, own, out)

    return Bound(x, out, [], start, saved=Normalized(pixels, inverse))


def layer_vjp(g: Array, saved: Normalized, place: int | None = None) -> Bound:
    """Returns the bound gradient by x, [rows, C, columns, n] of the dtype of g."""
    pixels, inverse = saved
    out = room(place, g.shape, g.dtype)
    made = _working(out, pixels.dtype)
    product = scratch(Place.SUMS, g.shape, pixels.dtype)

    def start(own: Parameters) -> None:
        h = np.multiply(g, _weight(own), made)
        along = np.multiply(h, pixels, product).mean(axis=1, keepdims=True)
        np.subtract(h, h.mean(axis=1, keepdims=True), made)
        np.subtract(made, np.multiply(pixels, along, product), made)
        np.multiply(inverse, made, out)

    return Bound(g, out, [], start)


def group_forward(
    x: Array,
    y: Axis,
    across: Axis,
    groups: int,
    epsilon: float = EPSILON,
    place: int | None = None,
    inverse_of: InverseDeviation = inverse_deviation,
) -> Bound:
    """Returns the bound group norm of x, a whole plane: each group at mean 0 and variance 1, scaled and shifted.

    x is [rows, C, columns, n], float32 or float64, and the result the pixels of it that the axes ask for, [rows', C,
    columns', n]: output o is pixel o - before. `saved` is a Normalized. From Wu and He 2018; with a group for each
    channel it is instance norm (Ulyanov et al. 2016).
    """
    rows, channels, columns, n = x.shape
    out = room(place, (y.size_out, channels, across.size_out, n), x.dtype)
    together = x.reshape(rows, groups, channels // groups, columns, n)
    dtype = _working_dtype(x.dtype, rows * (channels // groups) * columns)
    pixels, inverse = np.empty(together.shape, dtype), np.empty((1, groups, 1, 1, n), dtype)
    (_, here), (_, across_here) = tap(y, 0), tap(across, 0)
    asked = pixels.reshape(x.shape)[here, :, across_here]

    def start(own: Parameters) -> None:
        np.subtract(together, mean(together, _GROUP, dtype), pixels)
        inverse[...] = inverse_of(pixels, _GROUP, epsilon)
        np.multiply(pixels, inverse, pixels)
        _affine(asked, own, out)

    return Bound(x, out, [], start, saved=Normalized(pixels, inverse))


def group_vjp(g: Array, saved: Normalized, y: Axis, across: Axis, place: int | None = None) -> Bound:
    """Returns the bound gradient by x, a whole plane [rows, C, columns, n], of the dtype of g [rows', C, columns', n].

    The gradient by all other pixels than those of g is zero; only they add to the means.
    """
    pixels, inverse = saved
    rows, groups, inner, columns, n = pixels.shape
    out = room(place, (rows, groups * inner, columns, n), g.dtype)
    (_, here), (_, across_here) = tap(y, 0), tap(across, 0)
    made = _working(out, pixels.dtype)
    together = made.reshape(pixels.shape)
    asked, asked_made = (whole[here, :, across_here] for whole in (pixels.reshape(out.shape), made))
    h, product = (scratch(place, g.shape, pixels.dtype) for place in (Place.PRODUCT, Place.SUMS))
    shape = len(g), groups, inner, g.shape[2], n
    share = pixels.dtype.type(len(g) * g.shape[2] / (rows * columns))

    def start(own: Parameters) -> None:
        np.multiply(g, _weight(own), h)
        np.multiply(h, asked, product)
        along, constant = (mean(a.reshape(shape), _GROUP) * share for a in (product, h))
        np.multiply(pixels, -along, together)
        np.subtract(together, constant, together)
        np.add(asked_made, h, asked_made)
        np.multiply(together, inverse, out.reshape(pixels.shape))

    return Bound(g, out, [], start)


def _working_dtype(dtype: np.dtype[Any], together: int) -> np.dtype[Any]:
    return np.dtype(f"f{normalised_item(dtype.itemsize, together)}")


def _working(out: Array, dtype: np.dtype[Any]) -> Array:
    """Returns the array in which a gradient is made: `out` itself, or one of its shape and another dtype."""
    return out if out.dtype == dtype else scratch(Place.OPERAND, out.shape, dtype)


def _weight(own: Parameters) -> Array | int:
    return 1 if own.weight is None else _per_channel(own.weight)


def _affine(pixels: Array, own: Parameters, out: Array) -> None:
    """Puts pixels [rows, C, columns, n], scaled and shifted by channel, into `out`."""
    np.multiply(pixels, _weight(own), out)
    if own.bias is not None:
        np.add(out, _per_channel(own.bias), out)
