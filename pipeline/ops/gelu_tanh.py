"""GELU approximated by tanh, z (1 + tanh(u)) / 2 with u = sqrt(2 / pi) (z + K z^3) (Hendrycks and Gimpel 2016).

With U(z) = 2 u = A (z + K z^3) and A = 2 sqrt(2 / pi), (1 + tanh(u)) / 2 is the logistic function

    s = 1 / (1 + exp(-U))        value = z s        slope = s + z U' s (1 - s)

Of float32 this is computed in float64, in which 1 - s = exp(-U) s has no cancellation, the errors of U are small, and
what is left of the slope around its zero is, too.

Float64 needs more care. With x = |z| and e = exp(-U(x)), s is at -x tail(x) = e / (1 + e), and

    value = max(z, 0) - x tail(x)        slope = bend(x) for z <= 0, and 1 - bend(x) for z > 0

    bend(x) = tail(x) - x U' e / (1 + e)^2 = h(x) e / (1 + e)^2        h(x) = 1 + e - A (x + 3 K x^3)

The slope is zero at -ROOT. With d = ROOT - x and q = ROOT^2 + ROOT x + x^2, h less h(ROOT), which is zero, has no
cancellation:

    h(x) = exp(-U(ROOT)) (exp(U(ROOT) - U) - 1) + A d (1 + 3 K q)        U(ROOT) - U = A d (1 + K q)

An error of U is one of e, in the tail hundreds of times as large relatively. So e is exp(-U(p)), from a table, times
exp(U(p) - U(x)), whose exponent is small, where p is the multiple of 1 / STEPS that is nearest to x:

    U(x) - U(p) = A (x - p) (1 + K (x^2 + x p + p^2))
"""

from decimal import Decimal, localcontext
from functools import cache
from math import exp

import numpy as np
import numpy.typing as npt

from pipeline.ops.bound import perform
from pipeline.ops.buffer import Array
from pipeline.ops.gelu import reflect_calls

_EXACT_A, _EXACT_K = Decimal("1.595769121605730711759784239737527474"), Decimal("0.044715")
_A, _K = float(_EXACT_A), float(_EXACT_K)
_ROOT, _ROOT_REST = 0.7524614220710163, -3.6355605e-17
"""The root is the sum of these."""
_U_ROOT = _A * _ROOT * (1 + _K * _ROOT * _ROOT)
_FAR_SINGLE = 20
"""From here on the tail is zero in float32, and exp(U) is still a number of float64."""
_FAR = 22
"""From here on e is zero in float64."""
_STEPS = 16

_Doubles = npt.NDArray[np.float64]


def gelu_tanh(z: Array) -> tuple[_Doubles, _Doubles]:
    """Returns (value, slope), float64, of z [...], float32 or float64."""
    of = _of_single if z.dtype == np.float32 else _of_double
    return of(z.astype(np.float64, copy=False))


def _of_single(z: _Doubles) -> tuple[_Doubles, _Doubles]:
    """Returns (value, slope), as exact as float32 needs them; z is overwritten."""
    near = np.clip(z, -_FAR_SINGLE, _FAR_SINGLE)
    square = near * near
    u = square * (-_A * _K)
    u -= _A
    u *= near
    e = np.exp(u, u)  # of -U
    s = e + 1
    np.reciprocal(s, s)
    slope = square
    slope *= 3 * _A * _K
    slope += _A
    slope *= near
    slope *= np.multiply(e, s, e)
    slope += 1
    slope *= s
    return np.multiply(z, s, z), slope


def _of_double(z: _Doubles) -> tuple[_Doubles, _Doubles]:
    x = np.abs(z)
    near = np.minimum(x, _FAR)
    root = _root_of_e(near)
    above = 1 + root * root
    d = (_ROOT - near) + _ROOT_REST
    q = _ROOT * _ROOT + near * (_ROOT + near)
    h = exp(-_U_ROOT) * np.expm1(_A * d * (1 + _K * q)) + _A * d * (1 + 3 * _K * q)
    bend = root * (h * root / (above * above))
    perform(reflect_calls(bend, z > 0, np.empty_like(z), np.empty_like(z)))
    return np.maximum(z, 0) - x * (root * root / above), bend


def _root_of_e(x: _Doubles) -> _Doubles:
    """Returns the square root of e, a number with all its digits where e is not."""
    step = np.rint(np.fmin(x, _FAR) * _STEPS)  # a number also of NaN
    p = step / _STEPS
    rest = _A * (x - p) * (1 + _K * (x * x + p * (x + p)))
    root: _Doubles = _table()[step.astype(np.intp)] * np.exp(rest * -0.5)
    return root


@cache
def _table() -> _Doubles:
    """Returns the square root of e at the multiples of 1 / STEPS up to FAR."""
    with localcontext(prec=30):
        places = (Decimal(step) / _STEPS for step in range(_FAR * _STEPS + 1))
        return np.array([float((-_EXACT_A * p * (1 + _EXACT_K * p * p) / 2).exp()) for p in places])
