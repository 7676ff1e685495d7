"""Power laws against SciPy's regression, and laws that hold whatever the points."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pipeline.sizes import line_interval, power_law

positive = st.floats(1e-3, 1e3)


@given(st.integers(3, 200), st.integers(0, 2**32 - 1))
def test_the_slope_and_its_interval_are_those_of_a_regression(n, seed):
    rng = np.random.default_rng(seed)
    x = np.arange(1.0, n + 1)
    size = 3 * x**0.5 * np.exp(rng.normal(0, 0.2, n))
    found = power_law(x, size)
    expected = stats.linregress(np.log(x), np.log(size))
    half = stats.t.ppf(0.975, n - 2) * expected.stderr
    assert found.points == n
    assert found.slope == pytest.approx(expected.slope, rel=1e-9, abs=1e-12)
    assert found.low == pytest.approx(expected.slope - half, rel=1e-9, abs=1e-9)
    assert found.high == pytest.approx(expected.slope + half, rel=1e-9, abs=1e-9)
    assert found.factor == pytest.approx(np.exp(expected.intercept), rel=1e-9)
    assert found.r2 == pytest.approx(expected.rvalue**2, rel=1e-9, abs=1e-12)


# Two-sided 95 % quantiles of Student's t, as Fisher (1925) and later tables print them.
@pytest.mark.parametrize(
    ("n", "quantile"), [(3, 12.706), (12, 2.228), (32, 2.042), (33, 2.040), (42, 2.021), (62, 2.000), (122, 1.980)]
)
def test_the_interval_is_students_at_every_number_of_points(n, quantile):
    x = np.exp(np.arange(float(n)))
    noise = np.where(np.arange(n) % 2 == 0, 1.0, -1.0)
    found = power_law(x, np.exp(noise))
    around = np.arange(n) - (n - 1) / 2
    residuals = noise - noise.mean() - found.slope * around
    error = np.sqrt(residuals @ residuals / (n - 2) / (around @ around))
    assert (found.high - found.low) / 2 == pytest.approx(quantile * error, rel=3e-4)


@given(positive, st.floats(-2, 2), st.integers(2, 30))
def test_a_power_of_x_has_its_exponent(factor, exponent, n):
    x = np.arange(1.0, n + 1)
    found = power_law(x, factor * x**exponent)
    assert found.slope == pytest.approx(exponent, abs=1e-9)
    assert found.factor == pytest.approx(factor, rel=1e-9)
    assert (found.low is None) == (n == 2)


@given(positive, st.integers(2, 60))
def test_equal_sizes_do_not_grow(size, n):
    found = power_law(np.arange(1.0, n + 1), np.full(n, size))
    assert (found.slope, found.r2) == (0, None)
    assert (found.low, found.high) == ((None, None) if n == 2 else (0, 0))


@pytest.mark.parametrize("x", [[2.0], [2.0, 2.0], [3.0, 3.0 + 1e-9, 3.0]])
def test_one_x_has_no_slope(x):
    assert power_law(np.array(x), np.arange(1.0, len(x) + 1)) is None


@given(st.integers(3, 60), st.integers(0, 2**32 - 1))
def test_the_interval_of_a_line_is_that_of_a_regression_that_starts_there(n, seed):
    """With x measured from another point, the intercept of the regression is the line there, and so is its error."""
    rng = np.random.default_rng(seed)
    x = np.arange(1.0, n + 1)
    size = 3 * x**0.5 * np.exp(rng.normal(0, 0.2, n))
    at = np.array([1.0, 2.5, float(n), 3.0 * n])
    low, high = line_interval(power_law(x, size), x, at)
    for i, there in enumerate(at):
        expected = stats.linregress(np.log(x / there), np.log(size))
        half = stats.t.ppf(0.975, n - 2) * expected.intercept_stderr
        assert np.log(low[i]) == pytest.approx(expected.intercept - half, rel=1e-7, abs=1e-7)
        assert np.log(high[i]) == pytest.approx(expected.intercept + half, rel=1e-7, abs=1e-7)


def test_two_points_have_no_interval():
    x = np.array([1.0, 2.0])
    assert line_interval(power_law(x, x), x, x) is None
