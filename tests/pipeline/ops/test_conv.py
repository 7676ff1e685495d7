"""Convolutions follow their definition in every way, whatever memory they run in, and keep probes apart."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ops import choice, conv
from pipeline.ops.bound import run
from pipeline.ops.parameters import Parameters
from pipeline.stem import Axis
from tests import convolving
from tests.convolving import AXES, DENSE, among_others, arrays, by_definition

pytestmark = pytest.mark.usefixtures("memory")


@settings(max_examples=300, deadline=None)
@given(AXES, AXES, st.sampled_from([1, 2, 3]), st.integers(0, 2**32 - 1))
def test_the_way_that_is_chosen_follows_the_definition(y: Axis, across: Axis, groups: int, seed: int) -> None:
    x, weight, g = arrays(y, across, groups, seed)
    expected = by_definition(x, weight, y, across, groups)
    np.testing.assert_allclose(convolving.forward(x, weight, y, across, groups), expected, atol=1e-12)
    back = convolving.vjp(g, weight, y, across, groups)
    assert np.vdot(g, expected) == pytest.approx(np.vdot(back, x), rel=1e-11, abs=1e-11)


@settings(max_examples=200, deadline=None)
@given(AXES, AXES, st.sampled_from([1, 2, 3]), st.integers(0, 2**32 - 1))
def test_a_bias_is_added_to_every_pixel_of_its_feature(y: Axis, across: Axis, groups: int, seed: int) -> None:
    x, weight, _ = arrays(y, across, groups, seed)
    bias = np.random.default_rng(seed + 1).standard_normal(weight.shape[3])
    own = Parameters(weight, bias)
    for way in ("folded", "unfolded") if across.stride == y.dilation == 1 else (None,):
        made = run(conv.forward(x, own, y, across, groups, way=way), own)
        without = convolving.forward(x, weight, y, across, groups, way)
        np.testing.assert_array_equal(made, without + bias[:, None, None])


@settings(max_examples=300, deadline=None)
@given(AXES, AXES, st.sampled_from([1, 2, 3]), st.integers(0, 2**32 - 1))
def test_bits_do_not_depend_on_where_an_operand_lies(y: Axis, across: Axis, groups: int, seed: int) -> None:
    x, weight, g = (array.astype("f4") for array in arrays(y, across, groups, seed))
    made = convolving.forward(x, weight, y, across, groups)
    np.testing.assert_array_equal(convolving.forward(among_others(x), weight, y, across, groups), made)
    mask = np.random.default_rng(seed).random(g.shape) < 0.9
    back = convolving.vjp(g, weight, y, across, groups, mask)
    np.testing.assert_array_equal(convolving.vjp(among_others(g), weight, y, across, groups, mask), back)


@pytest.mark.parametrize("way", ["folded", "unfolded", "fourier"])
@settings(max_examples=100, deadline=None)
@given(DENSE.filter(bool), DENSE.filter(bool), st.integers(0, 2**32 - 1))
def test_every_way_follows_the_definition_where_it_is_forced(way: choice.Way, y: Axis, across: Axis, seed: int) -> None:
    x, weight, g = arrays(y, across, 1, seed)
    expected = by_definition(x, weight, y, across, 1)
    np.testing.assert_allclose(convolving.forward(x, weight, y, across, way=way), expected, atol=1e-12)
    mask = np.random.default_rng(seed).random(g.shape) < 0.9
    back = convolving.vjp(g, weight, y, across, mask=mask, way=way)
    assert np.vdot(g * mask, expected) == pytest.approx(np.vdot(back, x), rel=1e-11, abs=1e-11)


@pytest.mark.parametrize("way", ["folded", "unfolded", "winograd"])
def test_float32_agrees_with_float64_for_three_taps(way: choice.Way) -> None:
    y = across = Axis(30, 28, 3)
    rng = np.random.default_rng(0)
    x, weight = rng.standard_normal((30, 64, 30, 3)), rng.standard_normal((3, 3, 64, 16))
    exact = by_definition(x, weight, y, across, 1)
    made = convolving.forward(x.astype(np.float32), weight.astype(np.float32), y, across, way=way)
    assert np.abs(made - exact).max() < 2e-6 * np.abs(exact).max()


@pytest.mark.parametrize("way", ["folded", "unfolded", "fourier"])
def test_float32_agrees_with_float64_to_a_hundred_thousandth_of_the_largest(way: choice.Way) -> None:
    y = across = Axis(40, 28, 13)
    rng = np.random.default_rng(0)
    x, weight = rng.standard_normal((40, 8, 40, 3)), rng.standard_normal((13, 13, 8, 8))
    exact = by_definition(x, weight, y, across, 1)
    made = convolving.forward(x.astype(np.float32), weight.astype(np.float32), y, across, way=way)
    assert made.dtype == np.float32
    assert np.abs(made - exact).max() < 1e-5 * np.abs(exact).max()


@pytest.mark.parametrize(("way", "kernel"), [("folded", 5), ("unfolded", 5), ("fourier", 5), ("winograd", 3)])
def test_a_nan_stays_in_its_probe(way: choice.Way, kernel: int) -> None:
    y = across = Axis(20, 21 - kernel, kernel)
    rng = np.random.default_rng(2)
    x, weight = rng.standard_normal((20, 8, 20, 3)), rng.standard_normal((kernel, kernel, 8, 8))
    clean = convolving.forward(x, weight, y, across, way=way).copy()
    x[4, 2, 7, 1] = np.nan
    x[4, 2, 8, 1] = np.inf
    made = convolving.forward(x, weight, y, across, way=way)
    np.testing.assert_array_equal(made[..., [0, 2]], clean[..., [0, 2]])
    assert np.isnan(made[..., 1]).any()
