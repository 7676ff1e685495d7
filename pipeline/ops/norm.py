"""Batch norm with frozen statistics, and layer norm over the channels of each pixel."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from pipeline.ops.array import Array

EPSILON = 1e-5


def _per_channel(values: Array) -> Array:
    return values[:, None, None]


def batch_scale(weight: Array | None, var: Array | None) -> Array | None:
    """[C]: what a frozen batch norm multiplies each channel by; None is 1, the untrained identity."""
    if weight is None and var is None:
        return None
    if var is None:
        return weight
    inverse: Array = 1 / np.sqrt(var + EPSILON)
    return inverse if weight is None else inverse * weight


def batch_forward(x: Array, scale: Array | None, mean: Array | None, bias: Array | None) -> Array:
    """(x - mean) * scale + bias by channel, x [rows, C, columns, n] (Ioffe and Szegedy 2015, frozen)."""
    if mean is not None:
        x = x - _per_channel(mean)
    if scale is not None:
        x = x * _per_channel(scale)
    return x if bias is None else x + _per_channel(bias)


def batch_vjp(g: Array, scale: Array | None) -> Array:
    """The gradient by x of a frozen batch norm."""
    return g if scale is None else g * _per_channel(scale)


class Normalized(NamedTuple):
    """What the VJP of a layer norm needs: the normalised pixels and the inverse deviation of each."""

    pixels: Array
    inverse: Array


def inverse_deviation(centred: Array) -> Array:
    """[rows, 1, columns, n]: 1 / sqrt(variance + eps) of each pixel's channels, of which the mean is zero."""
    inverse: Array = 1 / np.sqrt((centred * centred).mean(axis=1, keepdims=True) + centred.dtype.type(EPSILON))
    return inverse


def layer_forward(
    x: Array, weight: Array | None, bias: Array | None, inverse_of: Callable[[Array], Array] = inverse_deviation
) -> tuple[Array, Normalized]:
    """Each pixel's channels at mean 0 and variance 1, then scaled and shifted (Ba et al. 2016, eps 1e-5)."""
    centred = x - x.mean(axis=1, keepdims=True)
    inverse = inverse_of(centred)
    centred *= inverse
    made = centred if weight is None else centred * _per_channel(weight)
    return made if bias is None else made + _per_channel(bias), Normalized(centred, inverse)


def layer_vjp(g: Array, saved: Normalized, weight: Array | None) -> Array:
    """The gradient by x: with h = weight * g, inverse * (h - mean(h) - pixels * mean(h * pixels))."""
    h = g if weight is None else g * _per_channel(weight)
    along = (h * saved.pixels).mean(axis=1, keepdims=True)
    made: Array = saved.inverse * (h - h.mean(axis=1, keepdims=True) - saved.pixels * along)
    return made
