"""Batches: nothing of a heatmap depends on its company, and nothing of it is lost by cropping."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.sizes import curves, sizes
from pipeline.sizes.batch import batches
from pipeline.sizes.sizes import Sample
from pipeline.theory import Window


@st.composite
def samples(draw):
    """Rough maps on planes of a few sizes, so that some share a batch and some do not."""
    side = draw(st.sampled_from([1, 2, 5, 21, 40]))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    reach = draw(st.integers(0, side // 2))
    at = draw(st.sampled_from([side // 2, side // 3, 0]))
    even = draw(st.integers(0, 1))
    window = Window(at - reach, at + reach + even, at - reach, at + reach + even)
    heatmap = np.zeros((side, side))
    y, x = slice(max(window.top, 0), window.bottom + 1), slice(max(window.left, 0), window.right + 1)
    heatmap[y, x] = rng.gamma(1.0, size=heatmap[y, x].shape) * draw(st.sampled_from([0, 1, 1e-20]))
    return Sample(heatmap, window.center, window, used=draw(st.integers(1, 16)))


@settings(max_examples=60)
@given(st.lists(samples(), max_size=12), st.sampled_from(["unit", "plane"]))
def test_sizes_and_curves_are_the_same_bits_in_any_company(many, center):
    together, curves_together = sizes(many, center=center), curves(many, center)
    for sample, found, rows in zip(many, together, curves_together, strict=True):
        assert found == sizes([sample], center=center)[0]
        assert (rows is None and not sample.heatmap.any()) or (rows == curves([sample], center)[0]).all()


def test_a_large_batch_has_the_bits_of_single_heatmaps():
    rng = np.random.default_rng(0)
    maps = rng.gamma(2.0, size=(400, 21, 21))
    many = [Sample(heatmap, (10.0, 10.0), Window(0, 20, 0, 20), 16) for heatmap in maps]
    assert sizes(many) == [sizes([sample])[0] for sample in many]
    assert (np.array(curves(many)) == [curves([sample])[0] for sample in many]).all()


@given(st.lists(samples(), max_size=12))
def test_every_live_heatmap_is_in_one_batch_and_whole(many):
    seen = []
    for batch in batches(many):
        seen += batch.positions
        for position, values, factor in zip(batch.positions, batch.values, batch.unscale, strict=True):
            assert (
                np.sort(values[values > 0] * factor).tolist()
                == np.sort(many[position].heatmap[many[position].heatmap > 0]).tolist()
            )
    assert sorted(seen) == [i for i, sample in enumerate(many) if sample.heatmap.any()]


@settings(max_examples=60)
@given(st.lists(st.tuples(samples(), st.integers(0, 9)), max_size=6), st.sampled_from(["unit", "plane"]))
def test_a_part_has_the_sizes_and_curves_of_its_plane(given, center):
    """The part around what is not zero, with up to nine rows and columns of zeros, so that it may leave the crop."""
    whole, parts = [sample for sample, _ in given], []
    for sample, margin in given:
        spans = []
        for axis in (0, 1):
            alive = np.flatnonzero(sample.heatmap.any(axis=1 - axis))
            first, last = (alive[0], alive[-1]) if alive.size else (0, -1)
            spans.append((max(int(first) - margin, 0), int(last) + 1 + margin))
        (top, bottom), (left, right) = spans
        part = sample.heatmap[top:bottom, left:right]
        parts.append(Sample(part, sample.center, sample.window, sample.used, (top, left), sample.heatmap.shape))
    assert sizes(parts, center=center) == sizes(whole, center=center)
    for found, rows in zip(curves(parts, center), curves(whole, center), strict=True):
        assert (found is None and rows is None) or (found == rows).all()


def test_mass_outside_the_window_still_counts():
    heatmap = np.zeros((101, 101))
    heatmap[50, 50], heatmap[2, 97] = 1.0, 1.0
    window = Window(49, 51, 49, 51)
    part = Sample(heatmap[2:51, 50:98], (50.0, 50.0), window, 1, (2, 50), heatmap.shape)
    for found in sizes([Sample(heatmap, (50.0, 50.0), window), part]):
        assert found.eff_square == 97
        assert found.centroid_x == 73.5


def test_a_window_beside_the_plane_is_no_trouble():
    (found,) = sizes([Sample(np.ones((3, 3)), (9.0, 9.0), Window(8, 10, 8, 10))])
    assert found.eff_rf == 19
    assert found.reasons["luo"] == "outside the plane"
    assert found.reasons["gauss_r2"] == "no convergence"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0])
@pytest.mark.parametrize("measure", [sizes, curves])
def test_a_broken_heatmap_is_named(measure, bad):
    good, broken = np.ones((3, 3)), np.ones((3, 3))
    broken[2, 0] = bad
    window = Window(0, 2, 0, 2)
    with pytest.raises(InputError, match="Heatmap number 1 "):
        measure([Sample(good, (1.0, 1.0), window), Sample(broken, (1.0, 1.0), window)])


@pytest.mark.parametrize(
    ("shape", "center", "message"),
    [((3,), (1.0, 1.0), "two axes"), ((0, 3), (1.0, 1.0), "two axes"), ((3, 3), (1.0, 1.25), "halfway")],
)
def test_what_is_no_heatmap_is_refused(shape, center, message):
    with pytest.raises(InputError, match=message):
        sizes([Sample(np.ones(shape), center, Window(0, 2, 0, 2))])
