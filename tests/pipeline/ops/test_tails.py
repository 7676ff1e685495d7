"""Activations have as many correct digits in their tails as elsewhere, and around the zeros of their slopes."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest

from pipeline.ops import activation
from pipeline.stem import NAMES, curve

mpmath.mp.dps = 60

ALPHA, SCALE = mpmath.mpf("1.6732632423543772848170429916717"), mpmath.mpf("1.0507009873554804934193349852946")


def logistic(z: Any) -> Any:
    return 1 / (1 + mpmath.exp(-z))


def softplus(z: Any) -> Any:
    return mpmath.log1p(mpmath.exp(z))


def mish(z: Any) -> Any:
    t = mpmath.tanh(softplus(z))
    return z * t, t + z * mpmath.sech(softplus(z)) ** 2 * logistic(z)


def gaussian(z: Any) -> Any:
    below = mpmath.erfc(-z / mpmath.sqrt(2)) / 2
    return z * below, below + z * mpmath.exp(-z * z / 2) / mpmath.sqrt(2 * mpmath.pi)


def gaussian_by_tanh(z: Any) -> Any:
    c, k = mpmath.sqrt(2 / mpmath.pi), mpmath.mpf("0.044715")
    below = logistic(2 * c * (z + k * z**3))
    above = logistic(-2 * c * (z + k * z**3))
    return z * below, below + z * below * above * 2 * c * (1 + 3 * k * z * z)


def leaky(z: Any, below: float) -> Any:
    return (z, mpmath.mpf(1)) if z > 0 else (z * mpmath.mpf(below), mpmath.mpf(below))


def exponential(z: Any, alpha: float) -> Any:
    return (z, mpmath.mpf(1)) if z > 0 else (alpha * mpmath.expm1(z), alpha * mpmath.exp(z))


def scaled(z: Any) -> Any:
    return (SCALE * z, SCALE) if z > 0 else (SCALE * ALPHA * mpmath.expm1(z), SCALE * ALPHA * mpmath.exp(z))


def hardswish(z: Any) -> Any:
    """At -3 and 3 the slopes are those of PyTorch."""
    if z <= -3:
        return mpmath.mpf(0), mpmath.mpf(0)
    return (z, mpmath.mpf(1)) if z >= 3 else (z * (z + 3) / 6, (2 * z + 3) / 6)


def clipped(z: Any, least: float, largest: float) -> Any:
    """At the kinks the slope is zero, as that of PyTorch."""
    return min(max(z, mpmath.mpf(least)), mpmath.mpf(largest)), mpmath.mpf(least < z < largest)


def hardsigmoid(z: Any, a: float, b: float) -> Any:
    """As if its numbers were fractions: 1/6 is not what a float is."""
    a, b = (
        mpmath.mpf(Fraction(number).limit_denominator(1000).numerator)
        / Fraction(number).limit_denominator(1000).denominator
        for number in (a, b)
    )
    value = min(max(a * z + b, mpmath.mpf(0)), mpmath.mpf(1))
    return value, a if 0 < value < 1 else mpmath.mpf(0)


EXACT: dict[str, Callable[..., tuple[Any, Any]]] = {
    "linear": lambda z: (z, mpmath.mpf(1)),
    "relu": lambda z: (z, mpmath.mpf(1)) if z > 0 else (mpmath.mpf(0), mpmath.mpf(0)),
    "relu6": lambda z: clipped(z, 0, 6),
    "leaky_relu": leaky,
    "elu": exponential,
    "selu": scaled,
    "gelu": gaussian,
    "gelu_tanh": gaussian_by_tanh,
    "silu": lambda z: (z * logistic(z), logistic(z) * (1 + z * logistic(-z))),
    "mish": mish,
    "tanh": lambda z: (mpmath.tanh(z), mpmath.sech(z) ** 2),
    "sigmoid": lambda z: (logistic(z), logistic(z) * logistic(-z)),
    "softplus": lambda z: (softplus(z), logistic(z)),
    "hardswish": hardswish,
    "hardsigmoid": hardsigmoid,
    "hardtanh": clipped,
}
"""(value, slope) by definition, to 60 digits, from z and the activation's numbers."""
ALL = [*NAMES, "leaky_relu(0.3)", "leaky_relu(-1)", "elu(0.5)", "hardtanh(-2,3)", "hardsigmoid(0.2,0.5)"]


def exactly(kind: str, z: float) -> Any:
    name, numbers = curve(kind)
    return EXACT[name](mpmath.mpf(z), *numbers)


ZEROS = {
    "gelu": -0.7517915246935645,
    "gelu_tanh": -0.7524614220710162,
    "silu": -1.2784645427610738,
    "mish": -1.1924312145154955,
    "hardswish": -1.5,
}
"""Where a slope is zero; a hundredth around it no relative accuracy is asked for."""


def arguments(dtype: str, largest: float, kind: str) -> np.ndarray:
    """Evenly spread and at random, close to nothing, dense around a zero of the slope and at the kinks."""
    drawn = np.random.default_rng(0)
    small = np.geomspace(1e-30, largest, 300)
    found = [
        np.linspace(-largest, largest, 1601),
        drawn.uniform(-largest, largest, 400),
        small,
        -small,
        [0.0, 1.0, -1.0, 2.5, -2.5, 3.0, -3.0, 6.0],
    ]
    found.append(drawn.uniform(-14, 14, 1000))
    if kind in ZEROS:
        zero = ZEROS[kind]
        found += [zero + np.linspace(0.0101, 0.3, 200), zero - np.linspace(0.0101, 0.3, 200)]
    return np.concatenate(found).astype(dtype)


def errors(found: np.ndarray, exact: list[Any]) -> np.ndarray:
    """Relative errors; where the exact number is below the normal ones, in units of the smallest normal number.

    There a step from one number to the next is all the accuracy that there is: half of one, and as much again for what
    the number was made of, is not counted.
    """
    info = np.finfo(found.dtype)
    step, tiny = mpmath.mpf(float(info.smallest_subnormal)), mpmath.mpf(float(info.smallest_normal))
    worst = []
    for number, right in zip(found.tolist(), exact, strict=True):
        difference = abs(mpmath.mpf(number) - right)
        if abs(right) < tiny:
            difference = max(difference - step, 0)
        worst.append(float(difference / max(abs(right), tiny)))
    return np.array(worst)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize(("dtype", "largest", "tolerance"), [("float32", 80, 1e-6), ("float64", 700, 1e-13)])
@pytest.mark.parametrize("part", [1, 100], ids=["together", "apart"])
def test_slopes_are_right_relatively(kind: Any, dtype: str, largest: float, tolerance: float, part: int) -> None:
    """All together, and those of like size together: of small arguments alone GELU goes a shorter way."""
    z = arguments(dtype, largest, kind)
    z = z[np.argsort(np.abs(z))]
    exact = [exactly(kind, number)[1] for number in z.tolist()]
    slopes = [activation.forward(kind, some.copy())[1] for some in np.array_split(z, part)]
    found = np.ones_like(z) if slopes[0] is None else np.concatenate(slopes).astype(dtype)
    counted = np.abs(z - ZEROS.get(kind, np.inf)) > 0.01
    assert errors(found, exact)[counted].max() <= tolerance


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize(("dtype", "largest", "tolerance"), [("float32", 80, 1e-6), ("float64", 700, 1e-13)])
def test_values_are_right_relatively(kind: Any, dtype: str, largest: float, tolerance: float) -> None:
    """GELU's tail in float32 is the difference of two numbers that are z^2 times as large."""
    z = arguments(dtype, largest, kind)
    exact = [exactly(kind, number)[0] for number in z.tolist()]
    found = errors(activation.forward(kind, z.copy())[0], exact)
    if kind == "gelu" and dtype == "float32":
        found /= np.maximum(1, z * z)
    assert found.max() <= tolerance


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_far_out_an_activation_is_its_asymptote(kind: Any, dtype: str) -> None:
    """No argument that is finite makes anything that is not."""
    for far in (-1e30, -1e4, 1e4, 1e30):
        z = np.full(7, far, dtype)
        value, slope = activation.forward(kind, z.copy())
        right = exactly(kind, float(z[0])) if abs(far) < 1e5 else None
        assert np.isfinite(value).all()
        if slope is not None:
            assert np.isfinite(slope).all()
        if right is not None and slope is not None:
            np.testing.assert_allclose(np.asarray(slope, dtype), float(right[1]), rtol=1e-6, atol=1e-38)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_no_number_stays_so_and_its_neighbours_are_right(kind: Any, dtype: str) -> None:
    """Signs at random, and a NaN among them, of which no table and no choice may make a number."""
    z = np.random.default_rng(1).normal(0, 3, 999).astype(dtype)
    z[::7] = np.nan
    with np.errstate(invalid="raise"):
        value, slope = activation.forward(kind, z.copy())
    assert (np.isnan(value) == np.isnan(z)).all()
    for index in (1, 2, 500, 998):
        right = exactly(kind, float(z[index]))
        assert value[index] == pytest.approx(float(right[0]), rel=1e-5)
        assert slope is None or slope[index] == pytest.approx(float(right[1]), rel=1e-5, abs=1e-7)
