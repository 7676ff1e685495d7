"""What heatmaps of images are drawn on: the images as they were cut, in grey."""

import numpy as np
import pytest

from pipeline.draws import backdrop_of
from pipeline.draws.images import _packed
from pipeline.errors import InputError
from pipeline.sweep.build import build

Image = pytest.importorskip("PIL.Image")
RNG = np.random.default_rng(11)


def saved(folder, name, height=10, width=12, mode="RGB"):
    pixels = RNG.integers(0, 256, (height, width, len(mode)), dtype=np.uint8)
    image = Image.fromarray(pixels.squeeze(axis=2) if mode == "L" else pixels)
    image.save(folder / name)
    return image


def probes(folder, plane="8x8x3", **fields):
    made = build({"stem": "3x3", "input": plane, "probes": {"kind": "images", "path": str(folder), **fields}})
    return made.probes, made.input


def grey(image):
    """What Pillow makes of an image that is cut to 8 x 8 around its middle, float64 [8, 8]."""
    return np.asarray(image.crop((2, 1, 10, 9)).convert("L"), np.float64)


def test_one_image_is_that_image_as_it_was_cut(tmp_path):
    saved(tmp_path, "a.png")
    second = saved(tmp_path, "sub.b.png")
    found = backdrop_of(*probes(tmp_path, index=1, mean=[9, 9, 9], std=[2, 2, 2], scale=7.0, order="bgr"))
    assert found.grey.dtype == np.uint8
    np.testing.assert_allclose(found.grey, grey(second), atol=1)  # both round
    assert found.said == "image 1, sub.b.png"


def test_several_images_are_their_mean(tmp_path):
    images = [saved(tmp_path, f"{name}.png") for name in "abc"]
    found = backdrop_of(*probes(tmp_path))
    np.testing.assert_allclose(found.grey, np.mean([grey(each) for each in images], axis=0), atol=1)
    assert found.said == "the mean of 3 images"


@pytest.mark.parametrize(("plane", "mode"), [("8x8x1", "L"), ("8x8x4", "RGBA")])
def test_other_channels_are_grey_too(tmp_path, plane, mode):
    image = saved(tmp_path, "a.png", mode=mode)
    found = backdrop_of(*probes(tmp_path, plane)).grey
    expected = grey(image.convert("RGB") if mode == "RGBA" else image)
    np.testing.assert_allclose(found, expected, atol=1)


def test_of_very_many_some_are_averaged(tmp_path, monkeypatch):
    images = [saved(tmp_path, f"{name}.png") for name in "abc"]
    monkeypatch.setattr("pipeline.draws.backdrop.MOST_AVERAGED", 2)
    found = backdrop_of(*probes(tmp_path))
    np.testing.assert_allclose(found.grey, (grey(images[0]) + grey(images[2])) / 2, atol=1)
    assert found.said == "the mean of 2 of 3 images"


def test_images_that_changed_are_not_drawn(tmp_path):
    saved(tmp_path, "a.png")
    known = probes(tmp_path)
    saved(tmp_path, "a.png")
    _packed.cache_clear()  # which another process does not have
    with pytest.raises(InputError, match="has changed since its config was queued"):
        backdrop_of(*known)
