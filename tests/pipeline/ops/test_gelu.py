"""GELU and its slope, against Python's own erf in double precision."""

from math import erf, exp, pi, sqrt

import numpy as np
import pytest

from pipeline.ops.gelu import gelu

Z = np.concatenate([np.linspace(-12, 12, 20001), [0.0, -0.0, 1e-30, -1e-30, 3e38, -3e38]]).astype("f4")


def by_definition(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    phi = np.array([(1 + erf(one / sqrt(2))) / 2 for one in z])
    density = np.array([exp(-one * one / 2) / sqrt(2 * pi) if abs(one) < 50 else 0.0 for one in z])
    return z * phi, phi + z * density


@pytest.mark.parametrize("largest", [2.5, 3.2e38], ids=["near", "far"])
def test_float32_is_as_near_as_its_roundings(largest: float) -> None:
    """What is near zero altogether goes a shorter way."""
    z = Z[np.abs(Z) <= largest]
    value, slope = by_definition(z.astype("f8"))
    with np.errstate(over="ignore"):
        made, steepness = gelu(z.copy())
    assert made.dtype == steepness.dtype == np.float32
    np.testing.assert_allclose(made, value, rtol=1e-6, atol=3e-7)
    np.testing.assert_allclose(steepness, slope, atol=2e-7)


def test_float64_is_exact() -> None:
    z = Z[np.abs(Z) < 20].astype("f8")
    value, slope = by_definition(z)
    made, steepness = gelu(z.copy())
    np.testing.assert_allclose(made, value, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(steepness, slope, atol=1e-15)


@pytest.mark.parametrize("size", [3, 3000])
def test_what_is_no_number_stays_so(size: int) -> None:
    z = np.resize(np.array([np.nan, 1, -1], "f4"), size)
    value, slope = gelu(z)
    assert (np.isnan(value) == np.resize([True, False, False], size)).all()
    assert (np.isnan(slope) == np.resize([True, False, False], size)).all()
