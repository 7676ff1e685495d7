"""Mass curves: exact shares of box convolutions, and every radius counted pixel by pixel."""

from math import ceil, hypot

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sizes import CURVES, curves
from pipeline.sizes.sizes import Sample
from pipeline.theory import Window


def four_boxes(plane: int) -> Sample:
    """4 x (3x3) of uniform kernels in the middle of an odd plane."""
    profile = np.array([1])
    for _ in range(4):
        profile = np.convolve(profile, [1, 1, 1])
    margin = (plane - 9) // 2
    window = Window(margin, margin + 8, margin, margin + 8)
    return Sample(np.pad(np.outer(profile, profile).astype(float), margin), window.center, window)


@pytest.mark.parametrize("plane", [9, 21, 101])
def test_four_uniform_layers_have_the_curve_of_the_table(plane):
    (found,) = curves([four_boxes(plane)])
    # The farthest pixel of a square plane of side 2a + 1 is 1.414 a away, nearer than the side.
    assert found.shape == (len(CURVES), plane + 1)
    assert (found[0, :5] == np.array([361, 2601, 5041, 6241, 6561]) / 6561).all()
    # The profile of four boxes of three is 1 4 10 16 19 16 10 4 1, of 81.
    assert (found[1, :5] == np.array([19, 51, 71, 79, 81]) / 81).all()
    assert (found[2] == found[1]).all()
    # Squared radii 1, 2, 4, 5, 8 ... within 1: the centre and four neighbours; within 2: also the diagonals and 2 away.
    assert found[3, 1] * 6561 == pytest.approx(19 * 19 + 4 * 19 * 16, rel=1e-15)
    assert found[3, 2] * 6561 == pytest.approx(19 * 19 + 4 * 19 * 16 + 4 * 16 * 16 + 4 * 19 * 10, rel=1e-15)
    assert (found[:, -1] == 1).all()


@st.composite
def samples(draw):
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    top, left = draw(st.integers(-9, height)), draw(st.integers(-9, width))
    window = Window(top, top + draw(st.integers(0, 12)), left, left + draw(st.integers(0, 12)))
    cells = st.lists(st.integers(0, 9), min_size=height * width, max_size=height * width)
    return Sample(np.array(draw(cells), dtype=np.float64).reshape(height, width), window.center, window)


@given(samples(), st.sampled_from(["unit", "plane"]))
def test_every_point_is_the_share_of_the_pixels_within_its_radius(sample, center):
    (found,) = curves([sample], center)
    heatmap = sample.heatmap
    (height, width), (cy, cx) = heatmap.shape, sample.center
    if center == "plane":
        cy, cx = (height - 1) / 2, (width - 1) / 2
    if not heatmap.any():
        assert found is None
        return
    y, x = np.mgrid[:height, :width]
    distances = [np.maximum(abs(y - cy), abs(x - cx)), abs(x - cx), abs(y - cy), np.hypot(y - cy, x - cx)]
    farthest = max(hypot(j - cy, i - cx) for j in (0, height - 1) for i in (0, width - 1))
    assert found.shape == (4, max(height, width, ceil(farthest)) + 1)
    for row, distance in zip(found, distances, strict=True):
        for radius, share in enumerate(row):
            # Small whole numbers: sums are exact, and so is the one division.
            assert share == heatmap[distance <= radius].sum() / heatmap.sum()


@given(samples(), st.integers(0, 2**32 - 1))
def test_a_curve_never_falls_and_ends_at_exactly_one(sample, seed):
    heatmap = np.random.default_rng(seed).gamma(0.5, size=sample.heatmap.shape) + 1e-9
    (found,) = curves([Sample(heatmap, sample.center, sample.window)])
    assert found.dtype == np.float64
    assert (np.diff(found, axis=1) >= 0).all()
    assert (found >= 0).all()
    assert (found[:, -1] == 1).all()


def test_dead_heatmaps_have_no_curves_and_leave_the_others_alone():
    alive, dead = four_boxes(21), Sample(np.zeros((21, 21)), (10.0, 10.0), Window(6, 14, 6, 14))
    found = curves([dead, alive, dead])
    assert found[0] is None
    assert found[2] is None
    assert (found[1] == curves([alive])[0]).all()


def test_a_centre_between_pixels_has_nothing_within_radius_zero():
    window = Window(1, 2, 1, 2)
    (found,) = curves([Sample(np.pad(np.ones((2, 2)), 1), window.center, window)])
    assert (found[:, :3] == [[0, 1, 1]] * 4).all()


def test_curves_do_not_share_memory():
    # Results are kept one by one; a view would keep its whole batch alive.
    one, other = curves([four_boxes(9), four_boxes(9)])
    assert one.base is None
    assert other.base is None
