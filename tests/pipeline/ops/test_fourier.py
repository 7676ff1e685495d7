"""The Fourier way yields to the direct one where a window is zero, and is near exact elsewhere."""

import numpy as np
import pytest

from pipeline.ops import choice
from pipeline.stem import Axis
from pipeline.sweep.build import build
from tests import convolving
from tests.heatmaps import heatmap_of

pytestmark = pytest.mark.usefixtures("memory")


def test_the_fourier_way_yields_where_a_window_is_zero() -> None:
    y = across = Axis(20, 16, 5)
    rng = np.random.default_rng(1)
    x, weight = rng.standard_normal((20, 8, 20, 2)), rng.standard_normal((5, 5, 8, 8))

    def in_both_ways() -> tuple[np.ndarray, np.ndarray]:
        folded = convolving.forward(x, weight, y, across, way="folded").copy()
        return convolving.forward(x, weight, y, across, way="fourier"), folded

    x[3:9, :, 3:9, 1] = 0
    made, folded = in_both_ways()
    np.testing.assert_array_equal(made, folded)
    assert (made[3:5, :, 3:5, 1] == 0).all()
    x[..., 1] = 0
    made, folded = in_both_ways()
    assert (made != folded).any()
    np.testing.assert_allclose(made, folded, atol=1e-12)
    assert (made[..., 1] == 0).all()
    assert (made[..., 0] != 0).all()


def test_uniform_kernels_through_the_fourier_way_stay_near_exact() -> None:
    config = build({"stem": "3x13x13:16=linear", "input": 51, "init": {"kind": "uniform_kernel"}})
    assert choice.forward_way((13, 13, 16, 16), Axis(25, 13, 13), Axis(25, 13, 13), 1, 16) == "fourier"
    box = np.ones(13) / 13
    line = np.pad(np.convolve(np.convolve(box, box), box), 7)
    heatmap = heatmap_of(config).values
    np.testing.assert_allclose(heatmap / 16, np.outer(line, line), rtol=0, atol=1e-5 * line.max() ** 2)
