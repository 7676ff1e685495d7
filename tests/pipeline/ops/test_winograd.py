"""The Winograd way: the definition, in blocks of any size, and exact zeros where windows are zero."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ops import span
from pipeline.stem import Axis
from tests import convolving
from tests.convolving import arrays, axis, by_definition

pytestmark = pytest.mark.usefixtures("memory")


THREE_WIDE = st.builds(
    axis, st.integers(2, 12), st.just(3), st.just(1), st.just(1), st.integers(0, 2), st.integers(0, 2)
)
ROWS = st.builds(
    axis, st.integers(2, 12), st.integers(1, 5), st.integers(1, 3), st.just(1), st.integers(0, 2), st.integers(0, 2)
).filter(lambda made: made is not None and made.after >= 0)


@settings(max_examples=300, deadline=None)
@given(ROWS, THREE_WIDE.filter(bool), st.integers(0, 2**32 - 1))
def test_the_winograd_way_follows_the_definition(y: Axis, across: Axis, seed: int) -> None:
    x, weight, g = arrays(y, across, 1, seed)
    expected = by_definition(x, weight, y, across, 1)
    np.testing.assert_allclose(convolving.forward(x, weight, y, across, way="winograd"), expected, atol=1e-12)
    if y.stride == 1:
        mask = np.random.default_rng(seed).random(g.shape) < 0.9
        back = convolving.vjp(g, weight, y, across, mask=mask, way="winograd")
        assert np.vdot(g * mask, expected) == pytest.approx(np.vdot(back, x), rel=1e-11, abs=1e-11)


@pytest.mark.parametrize("block", [1, 2**12])
def test_the_winograd_way_makes_the_same_numbers_in_blocks_of_any_size(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    y = across = Axis(14, 13, 3, before=1)
    x, weight, g = arrays(y, across, 1, 5)
    whole = convolving.forward(x, weight, y, across, way="winograd").copy()
    back = convolving.vjp(g, weight, y, across, way="winograd").copy()
    monkeypatch.setattr(span, "BLOCK", block)
    np.testing.assert_array_equal(convolving.forward(x, weight, y, across, way="winograd"), whole)
    np.testing.assert_array_equal(convolving.vjp(g, weight, y, across, way="winograd"), back)


def test_the_winograd_way_makes_exact_zeros_of_windows_of_zeros() -> None:
    y = across = Axis(24, 22, 3)
    rng = np.random.default_rng(4)
    x, weight = rng.standard_normal((24, 8, 24, 2)).astype("f4"), rng.standard_normal((3, 3, 8, 8)).astype("f4")
    x[4:10, :, 3:12, 1] = 0
    made = convolving.forward(x, weight, y, across, way="winograd")
    assert (made[4:8, :, 3:10, 1] == 0).all()
    assert (made[..., 0] != 0).all()
    g = rng.standard_normal((22, 8, 22, 2)).astype("f4")
    g[5:12, :, 4:13] = 0
    back = convolving.vjp(g, weight, y, across, way="winograd")
    assert (back[7:12, :, 6:13] == 0).all()
