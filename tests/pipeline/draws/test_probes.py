"""Probes: their laws, and that a plane, a box or a block shows the same probe."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config import Probes
from pipeline.draws import draw_probes
from pipeline.errors import InputError
from pipeline.stem import Box, Plane
from pipeline.sweep.build import build


def whole(probes, plane):
    """[n, height, width, channels]"""
    drawn = draw_probes(probes, plane, Box(0, plane.height, 0, plane.width), 0, probes.count)
    assert drawn.shape == (plane.height, plane.channels, plane.width, probes.count)
    return drawn.transpose(3, 0, 2, 1)


DRAWN = [Probes(kind, count, 5) for kind in ("uniform", "normal", "constant", "neural_api") for count in (1, 4)]


@st.composite
def boxes(draw):
    plane = Plane(draw(st.integers(1, 14)), draw(st.integers(1, 14)), draw(st.integers(1, 3)))
    top, left = draw(st.integers(0, plane.height - 1)), draw(st.integers(0, plane.width - 1))
    bottom, right = draw(st.integers(top + 1, plane.height)), draw(st.integers(left + 1, plane.width))
    return plane, Box(top, bottom, left, right)


@settings(max_examples=200)
@given(st.sampled_from(DRAWN), boxes(), st.data())
def test_a_box_and_a_block_of_probes_are_cut_from_the_whole(probes, found, data):
    plane, box = found
    first = data.draw(st.integers(0, probes.count - 1))
    stop = data.draw(st.integers(first + 1, probes.count))
    cut = draw_probes(probes, plane, box, first, stop)
    expected = whole(probes, plane)[first:stop, box.top : box.bottom, box.left : box.right]
    np.testing.assert_array_equal(cut.transpose(3, 0, 2, 1), expected)


@pytest.mark.parametrize("kind", ["uniform", "normal"])
@given(sizes=st.lists(st.integers(1, 17), min_size=4, max_size=4), channels=st.integers(1, 3))
def test_a_larger_plane_continues_the_same_probe_around_its_middle(kind, sizes, channels):
    """Pixel (height // 2, width // 2) is the middle."""
    height, width, more_y, more_x = sizes
    probes = Probes(kind, 2, 3)
    small, large = Plane(height, width, channels), Plane(height + more_y, width + more_x, channels)
    top, left = large.height // 2 - height // 2, large.width // 2 - width // 2
    cut = whole(probes, large)[:, top : top + height, left : left + width]
    np.testing.assert_array_equal(cut, whole(probes, small))


@pytest.mark.parametrize("kind", ["uniform", "normal", "neural_api"])
def test_more_probes_continue_the_same_list(kind):
    plane = Plane(7, 6, 2)
    np.testing.assert_array_equal(whole(Probes(kind, 9, 1), plane)[:4], whole(Probes(kind, 4, 1), plane))


@pytest.mark.parametrize("kind", ["uniform", "normal", "neural_api"])
def test_no_two_pixels_probes_or_seeds_are_alike(kind):
    plane = Plane(8, 9, 3)
    drawn = np.concatenate([whole(Probes(kind, 4, seed), plane).ravel() for seed in (0, 1)])
    # float32 steps are coarse: the birthday of 1728 draws among 2**24 leaves a handful of pairs.
    assert len(np.unique(drawn)) > 0.99 * drawn.size
    images = whole(Probes(kind, 4, 0), plane).reshape(4, -1)
    assert np.abs(np.corrcoef(images) - np.eye(4)).max() < 0.3


def test_uniform_probes_are_uniform_about_zero():
    drawn = whole(Probes("uniform", 64, 11), Plane(21, 21)).astype(np.float64).ravel()
    assert drawn.min() >= -0.5
    assert drawn.max() < 0.5
    error = 1 / np.sqrt(12 * drawn.size)
    assert abs(drawn.mean()) < 4 * error
    assert abs(drawn.var() - 1 / 12) < 4 * np.sqrt(1 / 180 / drawn.size)
    counts, _ = np.histogram(drawn, 20, (-0.5, 0.5))
    assert abs(counts - drawn.size / 20).max() < 5 * np.sqrt(drawn.size / 20)


def test_normal_probes_have_the_moments_of_a_standard_normal():
    drawn = whole(Probes("normal", 64, 11), Plane(21, 21)).astype(np.float64).ravel()
    for power, expected, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs((drawn**power).mean() - expected) < 4 * np.sqrt(variance / drawn.size)


def test_constant_probes_are_one():
    assert (whole(Probes("constant", 3), Plane(4, 5, 2)) == 1).all()


def test_probes_are_float32_numbers_and_not_to_be_written_over():
    for probes in DRAWN:
        drawn = draw_probes(probes, Plane(5, 5), Box(0, 5, 0, 5), 0, 1)
        assert drawn.dtype == np.float32
        before = drawn.copy()
        with np.errstate(all="ignore"):
            if drawn.flags.writeable:
                drawn += 1
        np.testing.assert_array_equal(draw_probes(probes, Plane(5, 5), Box(0, 5, 0, 5), 0, 1), before)


def test_a_long_thin_plane_is_drawn_where_it_is_read():
    """Its rings hold 4,000,000 pixels, of which 2,000 are on the plane."""
    drawn = draw_probes(Probes("uniform", 2), Plane(1, 2001), Box(0, 1, 0, 2001), 0, 2)
    small = draw_probes(Probes("uniform", 2), Plane(1, 3), Box(0, 1, 0, 3), 0, 2)
    np.testing.assert_array_equal(drawn[:, :, 999:1002], small)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16, np.uint8, np.float16, ">f4"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_probes_of_a_file_are_what_was_saved(tmp_path, dtype, order):
    saved = np.random.default_rng(0).integers(0, 100, (3, 5, 6, 2)).astype(dtype, order=order)
    np.save(tmp_path / "p.npy", saved)
    probes = {"kind": "file", "path": str(tmp_path / "p.npy")}
    config = build({"stem": "3x3", "input": "5x6x2", "probes": probes})
    np.testing.assert_array_equal(whole(config.probes, config.input), saved)
    cut = draw_probes(config.probes, config.input, Box(1, 4, 2, 6), 1, 3)
    np.testing.assert_array_equal(cut.transpose(3, 0, 2, 1), saved[1:3, 1:4, 2:6])


def test_a_file_of_probes_that_has_changed_since_is_an_input_error(tmp_path):
    path = tmp_path / "p.npy"
    np.save(path, np.zeros((3, 5, 6, 2)))
    config = build({"stem": "3x3", "input": "5x6x2", "probes": {"kind": "file", "path": str(path)}})
    np.save(path, np.ones((3, 5, 6, 2)))
    with pytest.raises(InputError, match="has changed"):
        whole(config.probes, config.input)
