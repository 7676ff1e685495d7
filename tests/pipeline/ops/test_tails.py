"""Activations have as many correct digits in their tails as elsewhere, and around the zeros of their slopes."""

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from pipeline.ops import activation
from pipeline.stem import ACTIVATIONS, LEAKY_SLOPE

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


def exponential(z: Any) -> Any:
    return (z, mpmath.mpf(1)) if z > 0 else (mpmath.expm1(z), mpmath.exp(z))


def scaled(z: Any) -> Any:
    return (SCALE * z, SCALE) if z > 0 else (SCALE * ALPHA * mpmath.expm1(z), SCALE * ALPHA * mpmath.exp(z))


def hardswish(z: Any) -> Any:
    """At -3 and 3 the slopes are those of PyTorch."""
    if z <= -3:
        return mpmath.mpf(0), mpmath.mpf(0)
    return (z, mpmath.mpf(1)) if z >= 3 else (z * (z + 3) / 6, (2 * z + 3) / 6)


EXACT: dict[str, Callable[[Any], tuple[Any, Any]]] = {
    "linear": lambda z: (z, mpmath.mpf(1)),
    "relu": lambda z: (z, mpmath.mpf(1)) if z > 0 else (mpmath.mpf(0), mpmath.mpf(0)),
    "leaky_relu": lambda z: (z, mpmath.mpf(1)) if z > 0 else (z * mpmath.mpf(LEAKY_SLOPE), mpmath.mpf(LEAKY_SLOPE)),
    "elu": exponential,
    "selu": scaled,
    "gelu": gaussian,
    "silu": lambda z: (z * logistic(z), logistic(z) * (1 + z * logistic(-z))),
    "mish": mish,
    "tanh": lambda z: (mpmath.tanh(z), mpmath.sech(z) ** 2),
    "sigmoid": lambda z: (logistic(z), logistic(z) * logistic(-z)),
    "softplus": lambda z: (softplus(z), logistic(z)),
    "hardswish": hardswish,
}
"""(value, slope) by definition, to 60 digits."""

ZEROS = {"gelu": -0.7517915246935645, "silu": -1.2784645427610738, "mish": -1.1924312145154955, "hardswish": -1.5}
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
        [0.0, 3.0, -3.0],
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


@pytest.mark.parametrize("kind", ACTIVATIONS)
@pytest.mark.parametrize(("dtype", "largest", "tolerance"), [("float32", 80, 1e-6), ("float64", 700, 1e-13)])
@pytest.mark.parametrize("part", [1, 100], ids=["together", "apart"])
def test_slopes_are_right_relatively(kind: Any, dtype: str, largest: float, tolerance: float, part: int) -> None:
    """All together, and those of like size together: of small arguments alone GELU goes a shorter way."""
    z = arguments(dtype, largest, kind)
    z = z[np.argsort(np.abs(z))]
    exact = [EXACT[kind](mpmath.mpf(number))[1] for number in z.tolist()]
    slopes = [activation.forward(kind, some.copy())[1] for some in np.array_split(z, part)]
    found = np.ones_like(z) if slopes[0] is None else np.concatenate(slopes).astype(dtype)
    counted = np.abs(z - ZEROS.get(kind, np.inf)) > 0.01
    assert errors(found, exact)[counted].max() <= tolerance


@pytest.mark.parametrize("kind", ACTIVATIONS)
@pytest.mark.parametrize(("dtype", "largest", "tolerance"), [("float32", 80, 1e-6), ("float64", 700, 1e-13)])
def test_values_are_right_relatively(kind: Any, dtype: str, largest: float, tolerance: float) -> None:
    """GELU's tail in float32 is the difference of two numbers that are z^2 times as large."""
    z = arguments(dtype, largest, kind)
    exact = [EXACT[kind](mpmath.mpf(number))[0] for number in z.tolist()]
    found = errors(activation.forward(kind, z.copy())[0], exact)
    if kind == "gelu" and dtype == "float32":
        found /= np.maximum(1, z * z)
    assert found.max() <= tolerance


@pytest.mark.parametrize("kind", ACTIVATIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_far_out_an_activation_is_its_asymptote(kind: Any, dtype: str) -> None:
    """No argument that is finite makes anything that is not."""
    for far in (-1e30, -1e4, 1e4, 1e30):
        z = np.full(7, far, dtype)
        value, slope = activation.forward(kind, z.copy())
        right = EXACT[kind](mpmath.mpf(float(z[0]))) if abs(far) < 1e5 else None
        assert np.isfinite(value).all()
        if slope is not None:
            assert np.isfinite(slope).all()
        if right is not None and slope is not None:
            np.testing.assert_allclose(np.asarray(slope, dtype), float(right[1]), rtol=1e-6, atol=1e-38)
