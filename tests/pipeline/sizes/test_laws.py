"""The laws of sizes on random maps, and every definition spelt out in rationals, pixel by pixel."""

from fractions import Fraction
from math import ceil, hypot, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.result import Sizes
from pipeline.sizes import COLUMNS, sizes
from pipeline.sizes.sizes import Sample
from pipeline.theory import Window
from store.asking.fields import BY_NAME


@st.composite
def samples(draw):
    """Whole numbers on a small plane, in a window whose centre may lie on, between or beside the pixels."""
    height, width = draw(st.integers(1, 8)), draw(st.integers(1, 8))
    top, left = draw(st.integers(-4, height - 1)), draw(st.integers(-4, width - 1))
    bottom, right = draw(st.integers(max(top, 0), height + 3)), draw(st.integers(max(left, 0), width + 3))
    window = Window(top, bottom, left, right)
    cells = draw(st.lists(st.sampled_from([0, 0, 1, 2, 3, 9, 50]), min_size=height * width, max_size=height * width))
    heatmap = np.array(cells, dtype=np.float64).reshape(height, width)
    y, x = np.mgrid[:height, :width]
    heatmap *= (top <= y) & (y <= bottom) & (left <= x) & (x <= right)
    return Sample(heatmap, window.center, window, used=draw(st.integers(1, 5)))


AREAS = [("area_20", 0.2), ("area_30", 0.3), ("area_50", 0.5), ("area_99", 0.99)]
fractions = st.sampled_from([0.05, 0.2, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0])


def smallest(distances: np.ndarray, weights: np.ndarray, fraction: float) -> Fraction:
    """The smallest distance within which there is the fraction of the weight, in rationals."""
    total = Fraction(int(weights.sum()))
    for limit in sorted(set(distances.ravel().tolist())):
        inside = int(weights[distances <= limit].sum())
        if Fraction(inside) >= (Fraction(fraction) - Fraction(1, 10**12)) * total:
            return Fraction(limit)
    raise AssertionError("all of the plane holds all of the mass")


def value_at(heatmap: np.ndarray, y: float, x: float) -> float | None:
    near = [(int(j), int(i)) for j in {np.floor(y), np.ceil(y)} for i in {np.floor(x), np.ceil(x)}]
    if any(not (0 <= j < heatmap.shape[0] and 0 <= i < heatmap.shape[1]) for j, i in near):
        return None
    return float(np.mean([heatmap[j, i] for j, i in near]))


def width_at_half(heatmap: np.ndarray, y: float, x: float) -> float | None:
    """Walk from the centre along the row, outwards on both sides."""
    peak, total = value_at(heatmap, y, x), 0.0
    if not peak:
        return None
    for direction in (-1, 1):
        at, level = x, peak
        while True:
            following = np.floor(at) + 1 if direction > 0 else np.ceil(at) - 1
            next_level = value_at(heatmap, y, following)
            if next_level is None:
                return None
            if next_level <= peak / 2:
                total += abs(at - x) + abs(following - at) * (level - peak / 2) / (level - next_level)
                break
            at, level = following, next_level
    return total


@given(samples(), fractions)
def test_every_size_follows_its_definition(sample, fraction):
    (found,) = sizes([sample], fraction)
    heatmap, (cy, cx) = sample.heatmap, sample.center
    height, width = heatmap.shape
    if not heatmap.any():
        assert found == Sizes(reasons=dict.fromkeys(COLUMNS, "dead"))
        return
    dy, dx = np.abs(np.mgrid[:height, :width][0] - cy), np.abs(np.mgrid[:height, :width][1] - cx)
    assert found.eff_rf == 2 * smallest(dx, heatmap, fraction) + 1
    assert found.eff_rf_y == 2 * smallest(dy, heatmap, fraction) + 1
    assert found.eff_square == 2 * smallest(np.maximum(dy, dx), heatmap, fraction) + 1
    assert found.ratio == found.eff_rf / sample.window.width
    assert found.ratio_y == found.eff_rf_y / sample.window.height
    assert found.radial == pytest.approx(2 * sqrt(smallest(dy**2 + dx**2, heatmap, fraction)), rel=1e-15)
    for name, share in AREAS:
        inside = np.maximum(dy, dx) <= smallest(np.maximum(dy, dx), heatmap, share)
        assert getattr(found, name) == pytest.approx(np.count_nonzero(inside) / (height * width), rel=1e-15)
    ranks = np.argsort(np.argsort(-heatmap.ravel(), kind="stable"), kind="stable").reshape(heatmap.shape)
    assert found.hdr == sqrt(smallest(ranks, heatmap, fraction) + 1)
    peak = value_at(heatmap, cy, cx)
    assert found.luo == (sqrt((heatmap > 0.0455 * peak).sum()) if peak else None)
    for got, expected in [
        (found.fwhm_x, width_at_half(heatmap, cy, cx)),
        (found.fwhm_y, width_at_half(heatmap.T, cx, cy)),
    ]:
        assert got == (None if expected is None else pytest.approx(expected, rel=1e-12))
    total, y, x = heatmap.sum(), *np.mgrid[:height, :width]
    assert found.centroid_x == pytest.approx((heatmap * x).sum() / total, abs=1e-12)
    assert found.centroid_y == pytest.approx((heatmap * y).sum() / total, abs=1e-12)
    variance = (heatmap * x**2).sum() / total - ((heatmap * x).sum() / total) ** 2
    assert found.sigma_x**2 == pytest.approx(variance, abs=1e-9)
    assert found.participation == pytest.approx(total / sqrt((heatmap**2).sum()), rel=1e-14)


@given(samples())
def test_what_is_missing_has_a_reason_and_nothing_else_has(sample):
    (found,) = sizes([sample])
    assert set(found.reasons) == {name for name in COLUMNS if getattr(found, name) is None}
    if sample.heatmap.any():
        peak = value_at(sample.heatmap, *sample.center)
        centred = {"luo", "luo_ratio", "fwhm_x", "fwhm_y"} & set(found.reasons)
        allowed = "outside the plane" if peak is None else "centre is zero" if peak == 0 else "at the border"
        assert {found.reasons[name] for name in centred} <= {allowed}
        assert ("luo" in centred) == (not peak)


@given(samples(), fractions, fractions)
def test_a_size_never_falls_as_its_fraction_grows(sample, one, other):
    (low,), (high,) = sizes([sample], min(one, other)), sizes([sample], max(one, other))
    for name in ("eff_rf", "eff_rf_y", "eff_square", "radial", "hdr"):
        if getattr(low, name) is not None:
            assert getattr(low, name) <= getattr(high, name)
    if low.area_20 is not None:
        assert low.area_20 <= low.area_30 <= low.area_50 <= low.area_99


@given(samples())
def test_no_size_exceeds_the_window(sample):
    (found,), window = sizes([sample], fraction=1.0), sample.window
    if found.eff_rf is not None:
        assert found.eff_rf <= window.width
        assert found.eff_rf_y <= window.height
        assert found.eff_square <= max(window.width, window.height)
        assert found.radial <= hypot(window.width - 1, window.height - 1) * (1 + 1e-15)


@given(samples(), st.integers(-900, 900))
def test_a_power_of_two_changes_nothing_but_replknet(sample, exponent):
    scaled = Sample(sample.heatmap * 2.0**exponent, sample.center, sample.window, sample.used)
    (plain,), (found,) = sizes([sample]), sizes([scaled])
    for name in COLUMNS:
        if not name.startswith("replknet"):
            assert getattr(found, name) == getattr(plain, name), name


@given(samples(), st.sampled_from([1e-300, 1e-30, 0.1, 3.0, 1e30, 1e300]))
def test_no_factor_changes_any_size_but_replknet(sample, factor):
    scaled = Sample(sample.heatmap * factor, sample.center, sample.window, sample.used)
    (plain,), (found,) = sizes([sample]), sizes([scaled])
    for name in COLUMNS:
        # Whole numbers on few pixels may be fitted equally well by very different Gaussians.
        if not name.startswith(("replknet", "gauss")):
            expected = getattr(plain, name)
            assert getattr(found, name) == (None if expected is None else pytest.approx(expected, rel=1e-9, abs=1e-12))


@given(samples())
def test_transposing_a_map_swaps_its_axes(sample):
    w = sample.window
    turned = Sample(sample.heatmap.T, sample.center[::-1], Window(w.left, w.right, w.top, w.bottom))
    (plain,), (found,) = sizes([sample]), sizes([turned])
    pairs = [(name, name) for name in ("eff_square", "radial", "luo", "luo_ratio", "hdr", "participation", "area_50")]
    for x, y in [("eff_rf", "eff_rf_y"), ("ratio", "ratio_y"), ("sigma_x", "sigma_y"), ("fwhm_x", "fwhm_y")]:
        pairs += [(x, y), (y, x)]
    for one, other in pairs:
        expected = getattr(plain, one)
        assert getattr(found, other) == (None if expected is None else pytest.approx(expected, rel=1e-12, abs=1e-12))


@given(samples())
def test_mirroring_a_map_changes_no_size(sample):
    width, w = sample.heatmap.shape[1], sample.window
    window = Window(w.top, w.bottom, width - 1 - w.right, width - 1 - w.left)
    (plain,), (found,) = sizes([sample]), sizes([Sample(sample.heatmap[:, ::-1], window.center, window)])
    for name in ("eff_rf", "eff_rf_y", "eff_square", "radial", "luo", "hdr", "area_99"):
        assert getattr(found, name) == getattr(plain, name)
    for name in ("sigma_x", "fwhm_x", "fwhm_y", "participation"):
        expected = getattr(plain, name)
        assert getattr(found, name) == (None if expected is None else pytest.approx(expected, rel=1e-12, abs=1e-12))


@given(samples(), fractions)
def test_a_fixed_centre_has_integer_half_widths(sample, fraction):
    (found,) = sizes([sample], fraction, center="plane")
    height, width = sample.heatmap.shape
    if sample.heatmap.any():
        dy, dx = np.mgrid[:height, :width]
        dy, dx = np.abs(dy - (height - 1) / 2), np.abs(dx - (width - 1) / 2)
        square = np.maximum(dy, dx)
        assert found.eff_rf == 2 * ceil(smallest(dx, sample.heatmap, fraction)) + 1
        assert found.eff_rf_y == 2 * ceil(smallest(dy, sample.heatmap, fraction)) + 1
        assert found.eff_square == 2 * ceil(smallest(square, sample.heatmap, fraction)) + 1
        for name, share in AREAS:
            pixels = np.count_nonzero(square <= ceil(smallest(square, sample.heatmap, share)))
            assert getattr(found, name) == pytest.approx(pixels / (height * width), rel=1e-15)


@given(samples(), fractions, st.sampled_from(["unit", "plane"]))
def test_a_share_of_the_plane_is_at_most_one(sample, fraction, center):
    (found,) = sizes([sample], fraction, center)
    for name in COLUMNS:
        if name.startswith(("area", "replknet")) and getattr(found, name) is not None:
            assert 0 < getattr(found, name) <= 1, name


@given(samples())
def test_both_centres_agree_where_the_unit_looks_at_the_middle_of_an_odd_plane(sample):
    # A plane of odd sides with the map in its corner, and a window about its middle that sees all of it.
    height, width = (2 * size + 1 for size in sample.heatmap.shape)
    heatmap = np.zeros((height, width))
    heatmap[: sample.heatmap.shape[0], : sample.heatmap.shape[1]] = sample.heatmap
    middle = Sample(heatmap, ((height - 1) / 2, (width - 1) / 2), Window(0, height - 1, 0, width - 1))
    assert sizes([middle], center="plane") == sizes([middle], center="unit")


def read(sample: Sample, fraction: float, center: str) -> dict[str, object]:
    (found,) = sizes([sample], fraction, center)
    return {name: getattr(found, name) for name in (*COLUMNS, "reasons")}


@given(samples(), fractions, fractions, st.sampled_from(["unit", "plane"]))
def test_a_fraction_changes_only_the_columns_that_say_so(sample, one, other, center):
    before, after = read(sample, one, center), read(sample, other, center)
    assert {name for name in before if before[name] != after[name]} <= changed_by("mass")


@given(samples(), fractions)
def test_a_centre_changes_only_the_columns_that_say_so(sample, fraction):
    unit, plane = read(sample, fraction, "unit"), read(sample, fraction, "plane")
    # A crop about another centre sums in another order, and two Gaussians may fit whole numbers equally well.
    for name in set(unit) - changed_by("center"):
        if not name.startswith("gauss"):
            assert plane[name] == (None if unit[name] is None else pytest.approx(unit[name], rel=1e-12, abs=1e-12))


def test_every_column_that_says_so_is_changed_by_its_option():
    bell = np.exp(-((np.arange(24) - 7.5) ** 2) / 20)
    sample = Sample(np.outer(bell[:20], bell), (9.0, 7.0), Window(-1, 19, -3, 17))
    for option, (one, other) in {
        "mass": ((0.9, "unit"), (0.5, "unit")),
        "center": ((0.9, "unit"), (0.9, "plane")),
    }.items():
        before, after = read(sample, *one), read(sample, *other)
        assert changed_by(option) - {"reasons"} == {name for name in before if before[name] != after[name]}


def changed_by(option: str) -> set[str]:
    """The columns that are declared to change with an option."""
    return {name for name, field in BY_NAME.items() if option in field.options}


@given(samples(), st.sets(st.sampled_from(COLUMNS), min_size=1))
def test_columns_that_are_asked_for_alone_are_those_of_all(sample, names):
    (whole,) = sizes([sample])
    (found,) = sizes([sample], columns=sorted(names))
    assert {name: getattr(found, name) for name in COLUMNS} == {
        name: getattr(whole, name) if name in names else None for name in COLUMNS
    }
    assert found.reasons == {name: why for name, why in whole.reasons.items() if name in names}
