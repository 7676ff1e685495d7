"""Averages over draws: what each weighs, and what equal draws have exactly."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from pipeline.scale import FARTHEST
from pipeline.sizes import Replicate, difference_interval, exact_mean, mean_map, spread, spreads
from pipeline.sizes.replicates import CONFIDENCE, RESAMPLES, SEED

finite = st.floats(-1e6, 1e6)
maps = arrays(np.float64, (3, 4), elements=st.integers(0, 50).map(float))
draws = st.lists(st.tuples(maps, st.integers(1, 600)), min_size=1, max_size=5)


def in_rationals(members: list[tuple[np.ndarray, int]], squared: bool) -> list[Fraction]:
    """The mean of E / used, or of its square, pixel by pixel."""
    total = [Fraction(0)] * 12
    for heatmap, used in members:
        per_probe = [Fraction(int(value), used) for value in heatmap.ravel()]
        total = [sum_ + (one * one if squared else one) for sum_, one in zip(total, per_probe, strict=True)]
    return [sum_ / len(members) for sum_ in total]


@given(draws, st.booleans())
def test_every_draw_weighs_the_same_whatever_its_probes(members, squared):
    found = mean_map((Replicate(*member) for member in members), squared)
    expected = [float(value) for value in in_rationals(members, squared)]
    assert found.ravel() == pytest.approx(expected, rel=1e-14)


@given(draws, st.booleans(), st.integers(-900, 900))
def test_the_mean_does_not_depend_on_the_scale(members, squared, exponent):
    """Squares of 2**-900 vanish in float64, those of 2**900 overflow; of the mean only the scale may be another."""
    plain = mean_map((Replicate(*member) for member in members), squared)
    scaled = mean_map((Replicate(np.ldexp(heatmap, exponent), used) for heatmap, used in members), squared)
    assert np.isfinite(scaled).all()
    if plain.any():
        assert (scaled / scaled.max() == plain / plain.max()).all()
    else:
        assert not scaled.any()


@given(maps, st.integers(1, 600), st.integers(1, 9), st.booleans())
def test_the_mean_of_like_draws_is_any_of_them(heatmap, used, n, squared):
    found = mean_map([Replicate(heatmap * count, used * count) for count in range(1, n + 1)], squared)
    per_probe = heatmap / used
    assert found == pytest.approx(per_probe * per_probe if squared else per_probe, rel=1e-14)


@pytest.mark.parametrize("exponent", [-FARTHEST, FARTHEST])
def test_draws_whose_scale_is_not_kept_have_no_mean(exponent):
    """One alone has its own shape."""
    far, near = Replicate(np.ldexp(np.array([[0.75, 0.5]]), exponent), 2), Replicate(np.array([[4.0, 2.0]]), 2)
    assert mean_map([near, far], squared=False) is None
    assert mean_map([far, far], squared=True) is None
    alone = mean_map([far], squared=False)
    assert (alone / alone.max()).tolist() == [[1, pytest.approx(2 / 3)]]


def test_a_dead_draw_is_a_draw():
    found = mean_map([Replicate(np.zeros((1, 2)), 3), Replicate(np.array([[4.0, 2.0]]), 2)], squared=False)
    assert found.tolist() == [[1, 0.5]]
    assert mean_map([Replicate(np.zeros((1, 2)), 3)] * 2, squared=True).tolist() == [[0, 0]]


def test_no_draws_have_no_mean():
    assert mean_map([], squared=False) is None


@given(finite, st.integers(2, 400))
def test_equal_values_are_their_mean_and_do_not_deviate(value, n):
    found = spread(np.full(n, value))
    assert (found.n, found.mean, found.sd, found.low, found.high) == (n, value, 0, value, value)


@given(st.lists(finite, min_size=2, max_size=60))
def test_the_mean_lies_among_the_values(values):
    found = spread(np.array(values))
    exact = float(sum(map(Fraction, values)) / len(values))
    assert min(values) <= exact_mean(np.array(values)) == found.mean <= max(values)
    assert found.mean == pytest.approx(exact, rel=1e-12, abs=1e-9)
    assert found.sd == pytest.approx(np.std(values, ddof=1), rel=1e-9, abs=1e-9)
    assert min(values) - 1e-9 <= found.low <= found.high <= max(values) + 1e-9


@given(st.lists(st.one_of(st.none(), finite), max_size=30))
def test_draws_without_a_value_are_left_out_and_not_counted(values):
    known = [value for value in values if value is not None]
    found = spread(np.array([np.nan if value is None else value for value in values], dtype=np.float64))
    assert found == spread(np.array(known, dtype=np.float64))
    assert found.n == len(known)
    assert (found.mean is None) == (not known)
    assert (found.sd is None) == (len(known) < 2)


@pytest.mark.parametrize("n", [2, 3, 20, 64, 300, 1000])
def test_the_interval_is_the_percentile_bootstrap_of_scipy(n):
    """From the same stream; 1,000 draws are resampled in several blocks."""
    values = 3 + np.random.default_rng(n).random(n)
    found, rng = spread(values), np.random.default_rng(SEED)
    options = {"n_resamples": RESAMPLES, "confidence_level": CONFIDENCE, "method": "percentile", "rng": rng}
    expected = stats.bootstrap((values,), np.mean, **options).confidence_interval
    assert (found.low, found.high) == pytest.approx(tuple(expected), rel=1e-12)
    assert found.sd == pytest.approx(np.std(values, ddof=1), rel=1e-12)


@pytest.mark.parametrize(("n", "m"), [(2, 2), (5, 3), (40, 64), (1500, 900)])
def test_the_interval_of_a_difference_is_the_bootstrap_of_scipy_for_two_samples(n, m):
    """From the same stream: the first group is resampled first. Many draws are resampled in several blocks."""
    rng = np.random.default_rng(n)
    first, second = 3 + rng.random(n), 5 - rng.random(m)

    def difference(a, b, axis=-1):
        return np.mean(b, axis=axis) - np.mean(a, axis=axis)

    options = {"n_resamples": RESAMPLES, "confidence_level": CONFIDENCE, "method": "percentile"}
    expected = stats.bootstrap((first, second), difference, rng=np.random.default_rng(SEED), **options)
    found = difference_interval(np.append(first, np.nan), second)
    assert found == pytest.approx(tuple(expected.confidence_interval), rel=1e-12)


def test_the_interval_of_a_difference_has_a_width_only_where_draws_scatter():
    equal, other = np.full(7, 0.1), np.full(3, 0.7)
    assert difference_interval(equal, other) == (0.7 - 0.1, 0.7 - 0.1)
    assert difference_interval(equal, other[:1]) is None
    assert difference_interval(np.array([1.0, np.nan]), other) is None


@pytest.mark.parametrize("skewed", [False, True])
def test_the_interval_of_many_draws_is_that_of_many_more_resamples(skewed):
    """The expansion where the mean is a little skewed, 2,000 resamples where it is skewed more."""
    n = 1500
    rng = np.random.default_rng(3)
    values = rng.exponential(size=n) ** (2 if skewed else 1)
    found = spread(values)
    means = np.concatenate([values[rng.integers(n, size=(500, n))].mean(axis=1) for _ in range(200)])
    low, high = np.quantile(means, [0.025, 0.975])
    tolerance = 0.25 if skewed else 0.03  # of 2,000 resamples, four times their own noise; of the expansion, that of
    error = values.std() / n**0.5  # the 100,000 here
    assert abs(found.low - low) < tolerance * error
    assert abs(found.high - high) < tolerance * error
    assert (found.mean, found.sd) == (pytest.approx(values.mean()), pytest.approx(values.std(ddof=1)))


@given(st.lists(st.lists(st.one_of(st.none(), finite), max_size=6), max_size=8))
def test_groups_do_not_change_each_other(groups):
    draws = [np.array([np.nan if value is None else value for value in group], np.float64) for group in groups]
    for group, found in zip(draws, spreads(draws), strict=True):
        alone = spread(group)
        assert (found.n, found.mean, found.sd) == (alone.n, alone.mean, alone.sd)
        if alone.low is not None:
            assert (found.low, found.high) == pytest.approx((alone.low, alone.high), rel=1e-12, abs=1e-9)


def test_equal_values_of_many_draws_are_their_interval():
    found = spread(np.full(5000, 0.1))
    assert (found.mean, found.sd, found.low, found.high) == (0.1, 0, 0.1, 0.1)
