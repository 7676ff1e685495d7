"""Sizes against exact tables of box convolutions, continuous Gaussians, and cases small enough to count by hand."""

from math import ceil, isclose, pi, sqrt

import numpy as np
import pytest

from pipeline.errors import InputError
from pipeline.sizes import COLUMNS, sizes
from pipeline.sizes.sizes import Sample
from pipeline.theory import Window
from tests.boxes import BOXES


def box_map(k: int, n: int) -> np.ndarray:
    """The n-fold self-convolution of a k x k box of ones, in exact integers until the last step."""
    profile = np.array([1], dtype=object)
    for _ in range(n):
        profile = np.convolve(profile, np.array([1] * k, dtype=object))
    return np.outer(profile, profile).astype(np.float64)


def placed(heatmap: np.ndarray, margin: int) -> Sample:
    """The map in the middle of a plane that is larger by the margin on each side; its window is the map."""
    (height, width), m = heatmap.shape, margin
    window = Window(m, m + height - 1, m, m + width - 1)
    return Sample(np.pad(heatmap, m), window.center, window)


@pytest.mark.parametrize("margin", [0, 1, 6])
@pytest.mark.parametrize(("k", "n", "theo", "sigma", "sq50", "sq90", "ax90", "luo", "luo_root", "share"), BOXES)
def test_uniform_kernels_have_the_sizes_of_the_table(k, n, theo, sigma, sq50, sq90, ax90, luo, luo_root, share, margin):
    heatmap = box_map(k, n)
    assert heatmap.shape == (theo, theo)
    sample = placed(heatmap, margin)
    (found,), (half,) = sizes([sample]), sizes([sample], fraction=0.5)
    assert (half.eff_square, found.eff_square) == (sq50, sq90)
    assert (found.eff_rf, found.eff_rf_y) == (ax90, ax90)
    assert (found.ratio, found.ratio_y) == (ax90 / theo, ax90 / theo)
    assert found.luo == pytest.approx(luo, abs=5e-5)
    assert found.luo_ratio == pytest.approx(luo / theo, abs=5e-5)
    assert sizes([placed(np.sqrt(heatmap), margin)])[0].luo == pytest.approx(luo_root, abs=5e-5)
    assert found.sigma_x == pytest.approx(sigma, abs=5e-7)
    assert found.sigma_y == pytest.approx(sigma, abs=5e-7)
    assert (heatmap / heatmap.sum()).max() == pytest.approx(share, abs=1e-8)
    assert found.area_50 == pytest.approx(sq50**2 / (theo + 2 * margin) ** 2, rel=1e-15)


@pytest.mark.parametrize("s", [5.3, 9.7, 14.2])
def test_a_sampled_gaussian_has_the_sizes_of_the_continuous_one(s):
    side = 2 * ceil(7 * s) + 1
    offset = np.arange(side) - side // 2
    gaussian = np.exp(-(offset**2) / (2 * s * s))
    sample = placed(np.outer(gaussian, gaussian), 0)
    (found,) = sizes([sample])

    def side_of(half_width: float) -> int:
        # A pixel stands for the unit interval around it: h pixels on each side reach h + 1/2.
        return 2 * ceil(half_width * s - 0.5) + 1

    assert (found.eff_rf, found.eff_rf_y) == (side_of(1.6449), side_of(1.6449))
    assert found.eff_square == side_of(1.9488)
    assert found.area_50 == pytest.approx((side_of(1.0518) / side) ** 2)
    assert found.area_99 == pytest.approx((side_of(2.8062) / side) ** 2)
    for fraction, radius in [(0.5, 1.1774), (0.9, 2.1460), (0.95, 2.4477), (0.99, 3.0349)]:
        (at,) = sizes([sample], fraction)
        # Lattice points in a disc differ from its area by far less than its rim, half a pixel wide.
        assert at.radial == pytest.approx(2 * radius * s, abs=0.5)
        assert at.hdr == pytest.approx(sqrt(pi) * radius * s, abs=0.25)
    # Pixels enter the disc in eights, by symmetry: two of them over or short change the root by 8 / luo.
    assert found.luo == pytest.approx(4.4063 * s, abs=8 / (4.4063 * s))
    assert found.sigma_x == pytest.approx(s, rel=1e-6)
    # The chord between two pixels is off by at most f'' / (8 f') = 0.041 / s on each side.
    assert found.fwhm_x == pytest.approx(2.354820 * s, abs=0.09 / s)
    assert found.participation == pytest.approx(2 * sqrt(pi) * s, rel=1e-6)
    assert found.gauss_sigma_x == pytest.approx(s, rel=1e-9)
    assert found.gauss_r2 == pytest.approx(1, abs=1e-12)


def test_denormal_heatmaps_have_the_sizes_of_normal_ones():
    (plain,), (tiny,) = sizes([placed(box_map(3, 2), 3)]), sizes([placed(box_map(3, 2) * 5e-324, 3)])
    for name in COLUMNS:
        if not name.startswith("replknet"):
            assert getattr(tiny, name) == getattr(plain, name), name


def test_a_larger_plane_with_room_to_spare_changes_no_absolute_size():
    rng = np.random.default_rng(7)
    heatmap = rng.gamma(4, size=(13, 13)) * np.outer(*[np.hanning(15)[1:-1]] * 2)
    (small,), (large,) = sizes([placed(heatmap, 1)]), sizes([placed(heatmap, 40)])
    for name in COLUMNS:
        if not name.startswith(("area", "replknet", "centroid")):
            assert isclose(getattr(small, name), getattr(large, name), rel_tol=1e-12), name
    assert large.centroid_x == pytest.approx(small.centroid_x + 39, rel=1e-14)


def test_a_single_pixel_is_a_size_of_one():
    (found,) = sizes([placed(np.array([[3.7]]), 4)])
    assert (found.eff_rf, found.eff_square, found.luo, found.hdr, found.participation) == (1, 1, 1, 1, 1)
    assert (found.radial, found.sigma_x, found.sigma_y) == (0, 0, 0)
    assert (found.centroid_x, found.centroid_y) == (4, 4)
    assert (found.fwhm_x, found.fwhm_y) == (1, 1)  # half a pixel to the left, half a pixel to the right
    assert found.gauss_sigma_x is None
    assert found.reasons["gauss_r2"] == "no convergence"


def test_a_plane_of_one_pixel_is_all_border():
    (found,) = sizes([Sample(np.ones((1, 1)), (0.0, 0.0), Window(0, 0, 0, 0))])
    assert (found.eff_rf, found.area_50, found.reasons["fwhm_x"]) == (1, 1, "at the border")
    assert found.reasons["replknet_20"] == "not reached"


def test_even_kernels_are_centred_between_pixels():
    heatmap = np.zeros((6, 6))
    heatmap[2:4, 2:4] = [[1, 2], [3, 2]]
    (found,) = sizes([Sample(heatmap, (2.5, 2.5), Window(2, 3, 2, 3))])
    # E(c) is the mean of the four, 2: all four are above 0.0455 of it.
    assert (found.eff_rf, found.eff_rf_y, found.eff_square, found.luo) == (2, 2, 2, 2)
    assert found.radial == sqrt(2)


def test_the_area_of_a_square_that_leaves_the_plane_is_what_the_plane_has_of_it():
    # A unit at (12, 12) of 21 pixels that sees all of an even map: the square of 99 % has the half-width 12, a side of
    # 25, and 1.417 times the pixels of the plane; the rows and columns 0 to 20 are on it. That of 90 % has 1 to 20.
    (found,) = sizes([Sample(np.ones((21, 21)), (12.0, 12.0), Window(0, 24, 0, 24))])
    assert (found.eff_square, found.area_99) == (23, 1)
    # Half of the mass is in the square of half-width 7, rows and columns 5 to 19: 15 of 21 (14 of them hold 0.444).
    assert found.area_50 == pytest.approx((15 / 21) ** 2, rel=1e-15)
    # A unit in the corner: half-width h has (h + 1)^2 pixels of the plane, and 10 of 21 are the first with a fifth.
    (found,) = sizes([Sample(np.ones((21, 21)), (0.0, 0.0), Window(-20, 20, -20, 20))])
    assert found.area_20 == pytest.approx((10 / 21) ** 2, rel=1e-15)


@pytest.mark.parametrize("side", [22, 23])
def test_a_centre_fixed_to_the_plane_exceeds_the_theory_on_even_sides_only(side):
    # The unit of a 3x3 layer looks at side//2 - 1 .. side//2 + 1. On an even side the plane's centre is side//2 - 1/2,
    # from where an integer half-width must reach 3/2, so 2: a diameter of 5 where the theory allows 3.
    heatmap = np.zeros((side, side))
    middle = side // 2
    heatmap[middle - 1 : middle + 2, middle - 1 : middle + 2] = 1.0
    sample = Sample(heatmap, (middle, middle), Window(middle - 1, middle + 1, middle - 1, middle + 1))
    (unit,), (plane,) = sizes([sample], center="unit"), sizes([sample], center="plane")
    assert (unit.eff_rf, unit.eff_rf_y, unit.eff_square) == (3, 3, 3)
    fixed = 5 if side % 2 == 0 else 3
    assert (plane.eff_rf, plane.eff_rf_y, plane.eff_square) == (fixed, fixed, fixed)
    assert plane.ratio == fixed / 3


def test_no_samples_have_no_sizes():
    assert sizes([]) == []


@pytest.mark.parametrize("fraction", [0.0, -0.1, 1.0000001, float("nan")])
def test_a_fraction_that_is_no_share_is_refused(fraction):
    with pytest.raises(InputError, match="fraction of the mass"):
        sizes([], fraction)


def test_ratios_to_an_empty_window_do_not_exist():
    """Padding that wraps around reads a pixel for a unit whose window falls into a gap."""
    heatmap = np.zeros((9, 9))
    heatmap[4, 4] = 1
    (found,) = sizes([Sample(heatmap, (4.5, 4.5), Window(5, 4, 5, 4))])
    assert (found.ratio, found.ratio_y, found.luo_ratio) == (None, None, None)
    assert {found.reasons[name] for name in ("ratio", "ratio_y", "luo_ratio")} == {"empty window"}
    assert found.eff_rf == 2  # one pixel, half a pixel beside the centre
    assert found.luo == 1  # above 0.0455 of a quarter, the mean of the four around the centre
