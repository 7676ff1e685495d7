"""The area ratio of RepLKNet's script, against its loop over squares."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sizes import sizes
from pipeline.sizes.sizes import Sample
from pipeline.theory import Window

FRACTIONS = {"replknet_20": 0.2, "replknet_30": 0.3, "replknet_50": 0.5, "replknet_99": 0.99}


def get_rectangle(data: np.ndarray, thresh: float) -> tuple[int, float] | None:
    """The script's own function: its squares are slices, which wrap around where they begin left of the plane."""
    h, w = data.shape
    all_sum = np.sum(data)
    for i in range(1, h // 2):
        selected_area = data[h // 2 - i : h // 2 + 1 + i, w // 2 - i : w // 2 + 1 + i]
        area_sum = np.sum(selected_area)
        if area_sum / all_sum > thresh:
            return i * 2 + 1, (i * 2 + 1) / h * (i * 2 + 1) / w
    return None


def ratio(heatmap: np.ndarray, used: int, fraction: float) -> float | None:
    """The script's ratio, None where it has none or where its square is wider than the plane."""
    found = get_rectangle(np.log10(heatmap / used + 1), fraction)
    if found is None:
        return None
    side, share = found
    middle, width = heatmap.shape[1] // 2, heatmap.shape[1]
    return share if middle - side // 2 >= 0 and middle + side // 2 < width else None


@given(st.integers(1, 14), st.integers(1, 14), st.integers(1, 64), st.floats(-3, 3), st.integers(0, 2**32 - 1))
def test_the_scripts_ratio_is_found_wherever_its_square_lies_on_the_plane(height, width, used, exponent, seed):
    heatmap = np.random.default_rng(seed).gamma(0.5, size=(height, width)) * 10**exponent
    window = Window(0, height - 1, 0, width - 1)
    (found,) = sizes([Sample(heatmap, window.center, window, used)])
    for name, fraction in FRACTIONS.items():
        expected = ratio(heatmap, used, fraction)
        assert getattr(found, name) == (None if expected is None else pytest.approx(expected, rel=1e-14))
        assert (name in found.reasons) == (expected is None)


@pytest.mark.parametrize("shape", [(21, 21), (21, 22), (22, 22), (22, 23), (3, 40), (4, 5), (2, 2)])
def test_on_planes_no_higher_than_wide_nothing_is_left_out(shape):
    heatmap = np.random.default_rng(5).gamma(0.5, size=shape)
    window = Window(0, shape[0] - 1, 0, shape[1] - 1)
    (found,) = sizes([Sample(heatmap, window.center, window)])
    for name, fraction in FRACTIONS.items():
        expected = get_rectangle(np.log10(heatmap + 1), fraction)
        assert getattr(found, name) == (None if expected is None else pytest.approx(expected[1], rel=1e-14))


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_on_a_high_plane_the_ratio_is_missing_where_the_script_has_more_than_the_plane(width):
    heatmap = np.ones((64, width))
    assert get_rectangle(np.log10(heatmap + 1), 0.5)[1] > 1
    (found,) = sizes([Sample(heatmap, (32.0, width // 2), Window(0, 63, 0, width - 1))])
    assert (found.replknet_50, found.reasons["replknet_50"]) == (None, "not reached")


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
