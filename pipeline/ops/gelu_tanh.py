"""GELU approximated by tanh, z (1 + tanh(u)) / 2 with u = sqrt(2 / pi) (z + K z^3) (Hendrycks and Gimpel 2016).

With x = |z|, U = 2 |u| and e = exp(-U), (1 + tanh(u)) / 2 is at -x the logistic function, tail(x) = e / (1 + e):

    value = max(z, 0) - x tail(x)        slope = bend(x) for z <= 0, and 1 - bend(x) for z > 0

    bend(x) = tail(x) - x U' e / (1 + e)^2 = h(x) e / (1 + e)^2

    h(x) = 1 + e - A (x + 3 K x^3), with A = 2 sqrt(2 / pi)

The slope is zero at -ROOT. There, with d = ROOT - x and s = ROOT^2 + ROOT x + x^2, h less h(ROOT), which is zero, has
no cancellation:

    h(x) = exp(-U(ROOT)) (exp(U(ROOT) - U) - 1) + A d (1 + 3 K s)        U(ROOT) - U = A d (1 + K s)

An error of U is one of e, in the tail hundreds of times as large relatively. So U is the sum of two numbers.
"""

from math import exp

import numpy as np
import numpy.typing as npt

from pipeline.ops.buffer import Array
from pipeline.ops.gelu import HIGH

_K = 0.044715
_A = 1.5957691216057307118
"""2 sqrt(2 / pi)."""
_AK = 0.071354816272600248763
_FAR = 40
"""From here on e is zero, also in float64, and no power of x overflows."""
ROOT = 0.75246142207101625848

_U_ROOT = _A * ROOT * (1 + _K * ROOT * ROOT)

_Pair = tuple[Array, Array]
"""A number, and what it lacks by rounding."""


def tail_and_bend(x: Array, d: Array) -> tuple[Array, Array]:
    """Returns (tail, bend) of x >= 0 [...], float32 or float64; d: ROOT - x, to the last digit of its own."""
    x = np.minimum(x, x.dtype.type(_FAR))
    u, rest = _exponent(x)
    root = np.exp(u * -0.5) * (1 - rest / 2)  # of e: it has its digits where those of e are lost
    e = root * root
    s = ROOT * ROOT + x * (ROOT + x)
    h = exp(-_U_ROOT) * np.expm1(_A * d * (1 + _K * s)) + _A * d * (1 + 3 * _K * s)
    return e / (1 + e), root * (h * root / ((1 + e) * (1 + e)))


def _exponent(x: Array) -> _Pair:
    """Returns U = x (A + A K x^2), and what it lacks."""
    square, square_rest = _product(x, x)
    (near, near_rest), (factor, factor_rest) = (_halved(number, x) for number in (_A, _AK))
    term, term_rest = _product(square, np.full_like(x, factor))
    total, total_rest = _sum(np.full_like(x, near), term)
    total_rest = total_rest + (term_rest + square_rest * factor + square * factor_rest + near_rest)
    u, rest = _product(x, total)
    return u, rest + x * total_rest


def _halved(number: float, x: Array) -> tuple[float, float]:
    """Returns a constant as the type of x has it, and what that lacks; float64 of any constant lacks too little."""
    high = float(x.dtype.type(number))
    return high, number - high


def _sum(a: Array, b: Array) -> _Pair:
    """Returns a + b and what it lacks (Knuth 1969)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _product(a: Array, b: Array) -> _Pair:
    """Returns a * b and what it lacks: the products of their upper and lower halves are exact (Dekker 1971)."""
    product = a * b
    (high, low), (other, lower) = _split(a), _split(b)
    return product, ((high * other - product) + high * lower + low * other) + low * lower


def _split(a: Array) -> _Pair:
    mask = HIGH[a.itemsize]
    high: npt.NDArray[np.floating] = (a.view(mask.dtype) & mask).view(a.dtype)
    return high, a - high
