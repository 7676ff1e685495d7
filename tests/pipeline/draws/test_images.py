"""Probes that are images: what a folder is known by, and how its images are prepared."""

import sys

import numpy as np
import pytest

from pipeline.config import Probes
from pipeline.draws import draw_probes, sha256_of
from pipeline.errors import InputError
from pipeline.stem import Box, Plane
from pipeline.sweep.build import build
from pipeline.sweep.sweep import sweep

Image = pytest.importorskip("PIL.Image")
RNG = np.random.default_rng(7)


def saved(folder, name, height, width, channels=3):
    pixels = RNG.integers(0, 256, (height, width, channels), dtype=np.uint8)
    path = folder / name
    path.parent.mkdir(exist_ok=True, parents=True)
    Image.fromarray(pixels.squeeze()).save(path)
    return pixels


def config(folder, plane="8x8x3", **probes):
    fields = {"kind": "images", "path": str(folder), **probes}
    return build({"stem": "3x3", "input": plane, "probes": fields, "readout": {"channel": "sum"}})


def images(made):
    """The probes of a config, [n, height, width, channels]."""
    plane = made.input
    box = Box(0, plane.height, 0, plane.width)
    found = draw_probes(made.probes, plane, box, made.probes.span.start, made.probes.span.stop)
    return found.transpose(3, 0, 2, 1)


def test_pixels_are_cut_from_the_centre_and_scaled(tmp_path):
    first, second = saved(tmp_path, "a.png", 8, 8), saved(tmp_path, "sub/b.png", 11, 12)
    made = config(tmp_path)
    assert made.probes.count == 2
    found = images(made)
    np.testing.assert_allclose(found[0], first / 255, rtol=1e-6)
    np.testing.assert_allclose(found[1], second[2:10, 2:10] / 255, rtol=1e-6)


def test_a_preparation_is_what_its_words_say(tmp_path):
    pixels = saved(tmp_path, "a.png", 8, 8)
    made = config(tmp_path, scale=1.0, mean=[1, 2, 3], std=[2, 4, 8], order="bgr")
    expected = (pixels[..., ::-1].astype(float) - [1, 2, 3]) / [2, 4, 8]
    np.testing.assert_allclose(images(made)[0], expected, rtol=1e-5, atol=1e-5)


def test_the_word_imagenet_is_the_preparation_written_out(tmp_path):
    saved(tmp_path, "a.png", 300, 400)
    mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    word = config(tmp_path, "224x224x3", prepare="imagenet")
    assert word.digest == config(tmp_path, "224x224x3", resize=256, scale=1 / 255, mean=mean, std=std).digest
    resized = Image.open(tmp_path / "a.png").resize((341, 256), Image.Resampling.BILINEAR)
    cut = np.asarray(resized)[16:240, 58:282]  # as torchvision's CenterCrop rounds (341 - 224) / 2
    np.testing.assert_allclose(images(word)[0], (cut / 255 - mean) / std, rtol=1e-4, atol=1e-5)


def test_grey_planes_take_grey_images(tmp_path):
    pixels = saved(tmp_path, "a.png", 8, 8, 1)
    np.testing.assert_allclose(images(config(tmp_path, "8x8x1"))[0], pixels / 255, rtol=1e-6)


def test_a_folder_is_known_by_its_names_and_contents(tmp_path):
    saved(tmp_path / "one", "a.png", 8, 8)
    before = sha256_of(str(tmp_path / "one"))
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "a.png").write_bytes((tmp_path / "one" / "a.png").read_bytes())
    (tmp_path / "two" / "notes.txt").write_text("not an image")
    assert sha256_of(str(tmp_path / "two")) == before
    saved(tmp_path / "one", "a.png", 8, 8)
    assert sha256_of(str(tmp_path / "one")) != before


def test_hidden_files_and_folders_are_no_images(tmp_path):
    saved(tmp_path, "a.png", 8, 8)
    before = sha256_of(str(tmp_path))
    saved(tmp_path, ".b.png", 8, 8)
    saved(tmp_path / ".venv" / "icons", "c.png", 8, 8)
    assert sha256_of(str(tmp_path)) == before


def test_a_folder_of_images_is_no_file_of_weights_or_probes(tmp_path):
    saved(tmp_path, "a.png", 8, 8)
    for part in ("init", "probes"):
        with pytest.raises(InputError, match="is not a regular file"):
            build({"stem": "3x3", part: {"kind": "file", "path": str(tmp_path)}})


def test_a_sweep_looks_at_a_folder_once(tmp_path, monkeypatch):
    for number in range(3):
        saved(tmp_path, f"{number}.png", 8, 8)
    seen = []
    monkeypatch.setattr("pipeline.draws.sha256_of", lambda path: seen.append(path) or sha256_of(path))
    probes = {"kind": "images", "path": str(tmp_path)}
    spec = {"stems": ["3x3"], "input": "8x8x3", "probes": probes, "grid": {"probes.index": [0, 1, 2], "seed": [0, 1]}}
    made = sweep(spec, name="indices")
    seen.clear()
    assert len({config.digest for config in made}) == 6
    assert seen == [str(tmp_path)]


def test_an_index_takes_one_image(tmp_path):
    saved(tmp_path, "a.png", 8, 8)
    second = saved(tmp_path, "b.png", 8, 8)
    made = config(tmp_path, index=1)
    assert made.probes.count == 1
    np.testing.assert_allclose(images(made)[0], second / 255, rtol=1e-6)


def test_the_configs_of_single_images_look_through_a_folder_once(tmp_path, monkeypatch):
    for name in "abc":
        saved(tmp_path, f"{name}.png", 8, 8)
    opened = []
    monkeypatch.setattr(Image, "open", lambda *how, given=Image.open, **more: opened.append(1) or given(*how, **more))
    for index in range(3):
        config(tmp_path, index=index)
    assert len(opened) == 3


def test_an_index_of_random_probes_is_that_probe(tmp_path):
    box, plane = Box(0, 8, 0, 8), Plane(8, 8, 3)
    every = draw_probes(Probes(count=5), plane, box, 0, 5)
    made = build({"stem": "3x3", "input": "8x8x3", "probes": {"index": 3}})
    assert list(made.probes.span) == [3]
    np.testing.assert_array_equal(draw_probes(made.probes, plane, box, 3, 4), every[..., 3:4])


@pytest.mark.parametrize(
    ("probes", "plane", "said"),
    [
        ({"index": 2}, "8x8x3", "probes.index 2 is outside the 1 probes"),
        ({"count": 2}, "8x8x3", "holds 1 images, fewer than probes.count 2"),
        ({}, "9x9x3", "fewer than 9x9 of the input plane"),
        ({}, "8x8x2", "images have 1, 3 or 4 channels"),
        ({"mean": [1, 2]}, "8x8x3", "probes.mean has 2 numbers"),
        ({"std": 0}, "8x8x3", "probes.std must not be 0"),
        ({"resize": 0}, "8x8x3", "probes.resize must be between 1"),
        ({"path": "/nowhere"}, "8x8x3", "'/nowhere' is not a folder"),
        ({"kind": "uniform", "path": None, "resize": 8}, "8x8x3", "probes.resize is for probes.kind images"),
        ({"path": None}, "8x8x3", "needs the folder"),
    ],
)
def test_what_does_not_fit_is_told(tmp_path, probes, plane, said):
    saved(tmp_path, "a.png", 8, 8)
    with pytest.raises(InputError, match=said):
        config(tmp_path, plane, **probes)


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"GIF89a" + b"\0" * 40])
def test_an_image_that_cannot_be_read_is_named(tmp_path, data):
    saved(tmp_path, "a.png", 8, 8)
    (tmp_path / "damaged.png").write_bytes(data)
    with pytest.raises(InputError, match=r"image 'damaged\.png' cannot be read"):
        config(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no image"):
        config(tmp_path / "empty")


def test_a_package_that_is_missing_is_named(tmp_path, monkeypatch):
    saved(tmp_path, "a.png", 8, 8)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(InputError, match=r"images are read by Pillow.*pip install 'erfsweep\[images\]'"):
        config(tmp_path, "8x8x3", resize=9)
