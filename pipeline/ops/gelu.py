"""The Gaussian error linear unit, z * Phi(z), with Phi the normal distribution (Hendrycks and Gimpel 2016).

Its slope is Phi(z) + z phi(z), with phi the normal density. Both follow from two functions of x = |z| that are small in
the tail, so that neither loses its relative accuracy there:

    tail(x) = Phi(-x)            bend(x) = Phi(-x) - x phi(x), the slope at -x

    value = max(z, 0) - x tail(x)        slope = bend(x) for z <= 0, and 1 - bend(x) for z > 0

Both are a bell, exp(-x^2 / 2), times a factor that changes slowly:

    tail(x) = bell(x) erfcx(x / sqrt(2)) / 2        bend(x) = bell(x) (ROOT - x) r(x) = tail(x) - x bell(x) / sqrt(2 pi)

The slope is zero at -ROOT. Dividing that root out leaves a function r that falls slowly from 0.665 to 0.399. In float32
it is a polynomial in t = 1 / (4 + x), fitted for the least relative error, so that all is passes that NumPy vectorises;
the tail is then the bend plus x bell(x) / sqrt(2 pi), which leaves the value x^2 roundings off. In float64 erfcx is
SciPy's.
"""

from functools import partial
from math import pi, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.ops.bound import Calls, perform
from pipeline.ops.buffer import Array, Place, scalar, scratch, zeros

_ROOT = 0.75179152469355646
_ROOT_HIGH = float(np.float32(_ROOT))
"""In float32 the root is this number and a small rest."""

_SHIFT = 4
_NEAR = 2.5
"""Up to here a polynomial of four powers will do, and x^2 may be rounded: the bell is then off by 2e-7 at most."""
_R_NEAR = 0.406893624, 0.0167578041, 0.233933692, -0.192039541, 0.199532555
_R_FAR = (
    0.398937201,
    0.0750036918,
    0.064529668,
    0.0470366724,
    0.0551959876,
    -0.0146063179,
    0.0591836639,
    -0.0202025986,
)
"""Coefficients of r by ascending powers of 4 t, for x up to 2.5 and up to 14; errors are 2e-7 and 4e-8."""

_FAR = 40
"""From here on the bell is zero, also in float64."""

_HIGH: dict[int, npt.NDArray[Any]] = {4: np.array(0xFFFFF000, np.uint32), 8: np.array(0xFFFFFFFFFC000000, np.uint64)}
"""By the size of a number: the mask of its upper half, whose square is exact."""


def gelu(z: Array) -> tuple[Array, Array]:
    """Returns (value, slope) of z [...], float32 or float64, and of its shape and dtype; the value overwrites z."""
    slope = np.empty_like(z)
    perform(bind(z, slope))
    return z, slope


def bind(z: Array, slope: Array) -> Calls:
    """Returns the calls that overwrite z [...] by its activation and fill `slope`, alike float32 or float64."""
    if z.dtype == np.float64:
        return [(_by_erfcx, (z, slope))]
    dtype = z.dtype
    places = Place.MAGNITUDE, Place.BELL, Place.RECIPROCAL, Place.SPARE
    x, bell, t, spare = (scratch(place, z.shape, dtype) for place in places)
    positive = scratch(Place.IS_POSITIVE, z.shape, np.dtype(np.bool_))
    near: Calls = [(np.multiply, (x, x, bell)), (np.multiply, (bell, _number(-0.5), bell)), (np.exp, (bell, bell))]
    far: Calls = _bell(x, bell, t, spare)
    return [
        (np.absolute, (z, x)),
        (_one_of, (x, near + _polynomial(_R_NEAR, x, t, slope), far + _polynomial(_R_FAR, x, t, slope))),
        (np.subtract, (_number(_ROOT_HIGH), x, t)),
        (np.add, (t, _number(_ROOT - _ROOT_HIGH), t)),
        (np.multiply, (slope, t, slope)),
        (np.multiply, (slope, bell, slope)),  # the bend
        (np.multiply, (bell, x, bell)),
        (np.multiply, (bell, _number(1 / sqrt(2 * pi)), bell)),
        (np.add, (bell, slope, bell)),  # the tail
        (np.multiply, (bell, x, bell)),
        (np.greater, (z, _number(0), positive)),
        (partial(np.maximum, out=z), (z, zeros(z.shape, dtype))),
        (np.subtract, (z, bell, z)),
        *reflect_calls(slope, positive, t, spare),
    ]


def _number(value: float) -> npt.NDArray[Any]:
    return scalar(value, np.dtype(np.float32))


def _one_of(x: Array, near: Calls, far: Calls) -> None:
    perform(near if np.maximum.reduce(x, None) <= _NEAR else far)


def _polynomial(coefficients: tuple[float, ...], x: Array, t: Array, out: Array) -> Calls:
    """Returns the calls for out = sum of coefficients times (SHIFT t)^power, t = 1 / (SHIFT + x)."""
    scaled = [_number(coefficient * _SHIFT**power) for power, coefficient in enumerate(coefficients)]
    steps: Calls = [(np.add, (x, _number(_SHIFT), t)), (np.reciprocal, (t, t)), (np.multiply, (t, scaled[-1], out))]
    for coefficient in scaled[-2:0:-1]:
        steps += [(np.add, (out, coefficient, out)), (np.multiply, (out, t, out))]
    return [*steps, (np.add, (out, scaled[0], out))]


def reflect_calls(part: Array, positive: npt.NDArray[np.bool_], one: Array, rest: Array) -> Calls:
    """Returns the calls that replace `part` [...], a function of |z|, by 1 - part where z is positive.

    part: float32 or float64. positive: bool. one, rest: scratch arrays. All are of one shape. Whole arrays are added
    up, as NumPy takes long to choose where signs are random.
    """
    return [
        (np.copyto, (one, positive.view(np.uint8))),
        (np.multiply, (part, scalar(-2, part.dtype), rest)),
        (np.add, (rest, scalar(1, part.dtype), rest)),
        (np.multiply, (rest, one, rest)),
        (np.add, (part, rest, part)),
    ]


def _bell(x: Array, out: Array, high: Array, low: Array) -> Calls:
    """Returns the calls for out = exp(-x^2 / 2).

    x^2 = high^2 + low (x + high) with x = high + low, of which the first square is exact: a square that is off by its
    last digit would make a bell that is off by many, where x is large.
    """
    mask, half = _HIGH[x.itemsize], scalar(-0.5, x.dtype)
    return [
        (partial(np.minimum, out=out), (x, scalar(_FAR, x.dtype))),
        (np.bitwise_and, (out.view(mask.dtype), mask, high.view(mask.dtype))),
        (np.subtract, (out, high, low)),
        (np.add, (out, high, out)),
        (np.multiply, (low, out, low)),
        (np.multiply, (low, half, low)),
        (np.exp, (low, low)),
        (np.multiply, (high, high, out)),
        (np.multiply, (out, half, out)),
        (np.exp, (out, out)),
        (np.multiply, (out, low, out)),
    ]


def _by_erfcx(z: Array, slope: Array) -> None:
    from scipy.special import erfcx

    x, bell, high, low = (np.empty_like(z) for _ in range(4))
    np.absolute(z, x)
    perform(_bell(x, bell, high, low))
    factor = 0.5 * erfcx(x * sqrt(0.5))
    np.multiply(bell, factor - x * (1 / sqrt(2 * pi)), slope)
    perform(reflect_calls(slope, z > 0, high, low))
    z[...] = np.maximum(z, 0) - x * (bell * factor)
