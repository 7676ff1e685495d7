"""Local response norm of float64 numbers of any size, whose squares float64 may not hold; see `lrn`.

Arrays are float64 [rows, C, columns, n]. With r_c = D_c^(-1/2), the inverse of a root of squares,

    y_c = x_c r_c^(2 beta)

and the gradient by x_j, g_c being that by y_c, is

    g_j r_j^(2 beta) - 2 alpha beta / size * sum of g_c r_c^(2 beta) (x_c r_c) (x_j r_c) over all c whose channels j is
    one of

in which both products in brackets are at most sqrt(size / alpha). What is multiplied by a power of r is an array times
a power of two for each probe.
"""

from math import sqrt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.ops.buffer import Array
from pipeline.ops.lrn import neighbours
from pipeline.stem import LocalResponseNorm

Exponents = npt.NDArray[np.int64]

_NOTHING = -(2.0**40)
"""An exponent below any other."""


class Responses(NamedTuple):
    """What the VJP needs: the operand, and of the channels of the result r and r^(2 beta) * 2**exponent."""

    x: Array
    inverse: Array
    factor: Array
    exponent: Exponents


def forward(x: Array, layer: LocalResponseNorm, first: int, channels: int) -> tuple[Array, Exponents, Responses]:
    """Returns (values, exponent, saved): the norm of `channels` channels of x from `first` on is values * 2**exponent.

    x, values: float64 [rows, C, columns, n]. exponent: int64 [n], that of each probe.
    """
    part = x[:, first : first + channels]
    deviation = np.full(part.shape, sqrt(layer.k))
    for there, here in neighbours(layer, first, channels, x.shape[1]):
        deviation[:, there] = np.hypot(deviation[:, there], x[:, here] * sqrt(layer.alpha / layer.channels))
    factor = _divided(np.ones_like(part), deviation, 2 * layer.beta)
    return *_divided(part, deviation, 2 * layer.beta), Responses(x, 1 / deviation, *factor)


def vjp(g: Array, saved: Responses, layer: LocalResponseNorm, first: int) -> tuple[Array, Exponents]:
    """Returns (values, exponent): the gradient by x is values * 2**exponent.

    g, values: float64 [rows, channels, columns, n]. exponent: int64 [n].
    """
    asked = slice(first, first + g.shape[1])
    x, inverse = saved.x, saved.inverse
    direct = g * saved.factor
    product = direct * (x[:, asked] * inverse)
    out = np.zeros_like(x)
    for there, here in neighbours(layer, first, g.shape[1], x.shape[1]):
        out[:, here] += product[:, there] * (x[:, here] * inverse[:, there])
    out *= -2 * layer.alpha * layer.beta / layer.channels
    out[:, asked] += direct
    return out, saved.exponent


def _divided(x: Array, deviation: Array, power: float) -> tuple[Array, Exponents]:
    """Returns (values, exponent [n]): x / deviation**power is values * 2**exponent, the largest near 1."""
    (mantissa, of_x), (divisor, of_deviation) = np.frexp(x), np.frexp(deviation)
    exact = of_x - power * of_deviation
    exponent = np.floor(np.where(x == 0, _NOTHING, exact).max(axis=(0, 1, 2)))
    return mantissa * divisor**-power * np.exp2(np.minimum(exact - exponent, 1)), exponent.astype(np.int64)
