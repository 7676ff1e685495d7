"""The area ratio of RepLKNet's script, against its loop over squares."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.measure import Sample, sizes
from pipeline.window import Window

FRACTIONS = {"replknet_20": 0.2, "replknet_30": 0.3, "replknet_50": 0.5, "replknet_99": 0.99}


def ratio(heatmap: np.ndarray, used: int, fraction: float) -> float | None:
    scores = np.log10(heatmap / used + 1)
    height, width = scores.shape
    for h in range(1, height // 2):
        top, left = max(height // 2 - h, 0), max(width // 2 - h, 0)
        inside = scores[top : height // 2 + h + 1, left : width // 2 + h + 1].sum()
        if inside / scores.sum() > fraction:
            return (2 * h + 1) ** 2 / (height * width)
    return None


@given(st.integers(1, 14), st.integers(1, 14), st.integers(1, 64), st.floats(-3, 3), st.integers(0, 2**32 - 1))
def test_the_smallest_square_above_the_share_is_found(height, width, used, exponent, seed):
    heatmap = np.random.default_rng(seed).gamma(0.5, size=(height, width)) * 10**exponent
    window = Window(0, height - 1, 0, width - 1)
    (found,) = sizes([Sample(heatmap, window.center, window, used)])
    for name, fraction in FRACTIONS.items():
        expected = ratio(heatmap, used, fraction)
        assert getattr(found, name) == (None if expected is None else pytest.approx(expected, rel=1e-15))
        assert (name in found.reasons) == (expected is None)


def test_it_depends_on_the_units_of_the_heatmap():
    heatmap = np.outer(*[np.hanning(23)[1:-1]] * 2) ** 4
    window = Window(0, 20, 0, 20)
    small, large = sizes([Sample(heatmap * factor, window.center, window) for factor in (1e-3, 1e6)])
    assert small.area_50 == large.area_50
    assert small.replknet_50 < large.replknet_50


def test_heatmaps_too_small_for_the_logarithm_reach_no_share():
    window = Window(0, 20, 0, 20)
    (found,) = sizes([Sample(np.full((21, 21), 1e-30), window.center, window)])
    assert {name: found.reasons[name] for name in FRACTIONS} == dict.fromkeys(FRACTIONS, "not reached")
