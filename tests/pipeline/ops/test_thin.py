"""Wide kernels from one channel to one feature, some of whose taps are unfolded before the rest are folded."""

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ops import choice, thin
from pipeline.stem import Axis
from tests import convolving
from tests.convolving import TALL, axis, by_definition

pytestmark = pytest.mark.usefixtures("memory")


WIDE = st.builds(
    axis,
    st.integers(1, 40),
    st.integers(1, 33),
    st.just(1),
    st.integers(1, 2),
    st.integers(0, 34),
    st.integers(0, 34),
).filter(bool)
NARROW = st.integers(1, 40).map(lambda size: Axis(size, size, 1))


@pytest.mark.parametrize("in_place", [True, False])
@settings(max_examples=150, deadline=None)
@given(TALL, WIDE | NARROW, st.sampled_from([1, 2, 3]), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_wide_kernels_of_one_channel_follow_the_definition(
    in_place: bool, y: Axis, across: Axis, groups: int, n: int, seed: int
) -> None:
    """Where some of the taps are unfolded before the rest are folded, at borders wider than the plane too."""
    with patch.object(thin, "reads_small_in_place", lambda: in_place):
        follow_the_definition(y, across, groups, n, seed)


def follow_the_definition(y: Axis, across: Axis, groups: int, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((y.size_in, groups, across.size_in, n))
    weight = rng.standard_normal((y.kernel, across.kernel, 1, groups))
    expected = by_definition(x, weight, y, across, groups)
    np.testing.assert_allclose(convolving.forward(x, weight, y, across, groups, "folded"), expected, atol=1e-11)
    g = rng.standard_normal(expected.shape)
    mask = rng.random(g.shape) < 0.9
    way: choice.Way = "folded" if y.stride == 1 else "unfolded"
    back = convolving.vjp(g, weight, y, across, groups, mask, way)
    assert np.vdot(g * mask, expected) == pytest.approx(np.vdot(back, x), rel=1e-11, abs=1e-11)
