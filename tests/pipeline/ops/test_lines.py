"""Lines that are multiplied to the end of a pair of vectors, and those that are not."""

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.ops import choice, lines
from pipeline.stem import Axis
from tests import convolving
from tests.convolving import AXES, TALL, among_others, by_definition, by_gradient

pytestmark = pytest.mark.usefixtures("memory")


@pytest.mark.parametrize("in_place", [True, False])
@settings(max_examples=150, deadline=None)
@given(
    AXES,
    AXES,
    st.sampled_from([1, 2]),
    st.sampled_from([1, 3, 8, 32]),
    st.integers(1, 9),
    st.sampled_from(["folded", "unfolded"]),
    st.integers(0, 2**32 - 1),
)
def test_lines_of_whole_vectors_follow_the_definition(
    in_place: bool, y: Axis, across: Axis, groups: int, channels: int, n: int, way: choice.Way, seed: int
) -> None:
    """Lines that are multiplied to the end of a pair of vectors, and those that are not; where they lie is all one."""
    assume(way != "folded" or (across.stride == y.dilation == 1))
    back_way: choice.Way = way if y.stride == 1 else "unfolded"
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((y.size_in, groups * channels, across.size_in, n))
    weight = rng.standard_normal((y.kernel, across.kernel, channels, 8 * groups))
    expected = by_definition(x, weight, y, across, groups)
    g = rng.standard_normal(expected.shape)
    with patch.object(lines, "reads_small_in_place", lambda: in_place):
        made = convolving.forward(x, weight, y, across, groups, way).copy()
        back = convolving.vjp(g, weight, y, across, groups, way=back_way).copy()
        np.testing.assert_array_equal(convolving.forward(among_others(x), weight, y, across, groups, way), made)
        np.testing.assert_array_equal(convolving.vjp(among_others(g), weight, y, across, groups, way=back_way), back)
    np.testing.assert_allclose(made, expected, atol=1e-11)
    assert np.vdot(g, expected) == pytest.approx(np.vdot(back, x), rel=1e-11, abs=1e-11)


COLUMN = st.integers(1, 3).map(lambda kernel: Axis(kernel, 1, kernel))


@pytest.mark.parametrize("in_place", [True, False])
@settings(max_examples=150, deadline=None)
@given(
    TALL,
    COLUMN,
    st.sampled_from([1, 2, 4]),
    st.sampled_from([1, 8, 32]),
    st.integers(1, 40),
    st.sampled_from(["f4", "f8"]),
    st.integers(0, 2**32 - 1),
)
def test_one_column_of_outputs_follows_the_definition(
    in_place: bool, y: Axis, across: Axis, groups: int, channels: int, n: int, dtype: str, seed: int
) -> None:
    """Kernels as wide as what is left of the plane, as those that are separable have; lines are all probes."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((y.size_in, groups * channels, across.size_in, n)).astype(dtype)
    weight = rng.standard_normal((y.kernel, across.kernel, channels, 4 * groups)).astype(dtype)
    expected = by_definition(x, weight, y, across, groups)
    g = rng.standard_normal(expected.shape).astype(dtype)
    with patch.object(lines, "reads_small_in_place", lambda: in_place):
        made = convolving.forward(x, weight, y, across, groups)
        back = convolving.vjp(g, weight, y, across, groups)
    near = 1e-4 if dtype == "f4" else 1e-11
    np.testing.assert_allclose(made, expected, atol=near * np.abs(expected).max())
    transposed = by_gradient(g, weight, y, across, groups)
    np.testing.assert_allclose(back, transposed, atol=near * max(np.abs(transposed).max(), 1))
