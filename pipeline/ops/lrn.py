"""Local response norm over neighbouring channels (Krizhevsky et al. 2012), in PyTorch's form.

Arrays are [rows, C, columns, n]; results go to the place of a number; see `buffer.room`. Channel c of the result is

    y_c = x_c D_c^-beta,    D_c = k + alpha / size * sum of x_j^2 over j from c - size // 2 to c + (size - 1) // 2

as far as there is a channel j. With g_c the gradient by y_c, that by x_j is

    g_j D_j^-beta - 2 alpha beta / size * x_j * sum of g_c x_c D_c^(-beta - 1) over all c whose channels j is one of
"""

from typing import NamedTuple

import numpy as np

from pipeline.ops.bound import Bound, Calls
from pipeline.ops.buffer import Array, Place, room, scalar, scratch
from pipeline.stem import LocalResponseNorm


class Responses(NamedTuple):
    """What the VJP needs: the operand, and of the channels of the result D^-beta and x D^(-beta - 1)."""

    x: Array
    factor: Array
    slope: Array


def forward(x: Array, layer: LocalResponseNorm, first: int, channels: int, place: int | None = None) -> Bound:
    """Returns the bound norm of `channels` channels of x [rows, C, columns, n], from `first` on, of its dtype.

    x holds all channels that there are around these. `saved` is its Responses.
    """
    rows, _, columns, n = x.shape
    asked = slice(first, first + channels)
    out = room(place, (rows, channels, columns, n), x.dtype)
    saved = Responses(*(np.empty(shape, x.dtype) for shape in (x.shape, out.shape, out.shape)))
    total, square = saved.slope, scratch(Place.SUMS, x.shape, x.dtype)
    calls: Calls = [
        (np.copyto, (saved.x, x)),
        (np.multiply, (saved.x, saved.x, square)),
        (total.fill, (0,)),
    ]
    for there, here in neighbours(layer, first, channels, x.shape[1]):
        calls.append((np.add, (total[:, there], square[:, here], total[:, there])))
    calls += [
        (np.multiply, (total, scalar(layer.alpha / layer.channels, x.dtype), total)),
        (np.add, (total, scalar(layer.k, x.dtype), total)),
        (np.power, (total, scalar(-layer.beta, x.dtype), saved.factor)),
        (np.multiply, (saved.x[:, asked], saved.factor, out)),
        (np.divide, (out, total, saved.slope)),
    ]
    return Bound(x, out, calls, saved=saved)


def vjp(g: Array, saved: Responses, layer: LocalResponseNorm, first: int, place: int | None = None) -> Bound:
    """Returns the bound gradient by x [rows, C, columns, n], of the dtype of g [rows, channels, columns, n]."""
    channels = g.shape[1]
    asked = slice(first, first + channels)
    out = room(place, saved.x.shape, g.dtype)
    product = scratch(Place.SUMS, g.shape, g.dtype)
    calls: Calls = [(np.multiply, (g, saved.slope, product)), (out.fill, (0,))]
    for there, here in neighbours(layer, first, channels, saved.x.shape[1]):
        calls.append((np.add, (out[:, here], product[:, there], out[:, here])))
    calls += [
        (np.multiply, (out, saved.x, out)),
        (np.multiply, (out, scalar(-2 * layer.alpha * layer.beta / layer.channels, g.dtype), out)),
        (np.multiply, (g, saved.factor, product)),
        (np.add, (out[:, asked], product, out[:, asked])),
    ]
    return Bound(g, out, calls)


def neighbours(layer: LocalResponseNorm, first: int, channels: int, count: int) -> list[tuple[slice, slice]]:
    """Returns, by distance, (channels of the result, channels of x that are so far from them)."""
    below = min(layer.channels // 2, first + channels - 1)
    above = min((layer.channels - 1) // 2, count - 1 - first)
    found = []
    for distance in range(-below, above + 1):
        start, stop = max(first + distance, 0), min(first + channels + distance, count)
        found.append((slice(start - first - distance, stop - first - distance), slice(start, stop)))
    return found
