"""Heatmaps on the images that they were measured on: in plots, and in the picture that `show` saves."""

import sys
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest

import erfsweep as door
from pipeline.draws import backdrop_of
from pipeline.draws.images import _packed
from pipeline.picture.colours import anchors
from tests.cli.command import good

Image = pytest.importorskip("PIL.Image")
URL = "sqlite:///images.db"


@pytest.fixture(autouse=True)
def images() -> "list[np.ndarray]":
    """Two grey images, and a store with their mean heatmap and that of each, of two layers of 3x3."""
    rng = np.random.default_rng(5)
    found = [rng.integers(0, 256, (9, 9), dtype=np.uint8) for _ in range(2)]
    Path("photos").mkdir()
    for i, pixels in enumerate(found):
        Image.fromarray(pixels).save(f"photos/{i}.png")
    box = ("-s", "init.kind=uniform_kernel", "-s", "input=9", "-s", "probes.kind=images", "-s", "probes.path=photos")
    good("--db", URL, "run", "2x3x3:1=linear", *box, "--name", "all")
    good("--db", URL, "run", "2x3x3:1=linear", *box, "-s", "probes.index=0,1", "--name", "each")
    return [pixels.astype(float) for pixels in found]


def test_a_heatmap_lies_on_its_image_and_on_the_mean_of_several(images: "list[np.ndarray]") -> None:
    pytest.importorskip("matplotlib")
    with door.open_store(URL) as store:
        for config, grey in (("each:1", images[1]), ("all:0", np.mean(images, axis=0))):
            figure = store.plot.heatmap(config)
            below, heat = figure.axes[0].images
            # Black and white of the image become 20 and 170 of 255, so that the bright end of the map stands out.
            assert np.asarray(below.get_array()) == pytest.approx(20 + grey * 150 / 255, abs=1)
            assert below.get_extent() == heat.get_extent()
            assert [heat.cmap(level)[3] for level in (0.0, 1.0)] == [0, 1]
            assert np.asarray(heat.get_array()).max() == 1
            plain = store.plot.heatmap(config, image=False).axes[0].images
            assert len(plain) == 1
            assert plain[0].cmap(0.0)[3] == 1
        texts = [each.get_text() for each in store.plot.heatmap("each:1").legends[0].get_texts()]
        assert texts[-1] == "on image 1, 1.png"
        grid = store.plot.heatmaps("each")
        assert [len(each.images) for each in grid.axes[:2]] == [2, 2]


def test_means_of_draws_lie_on_the_images_that_these_share() -> None:
    pytest.importorskip("matplotlib")
    drawn = ("-s", "input=9", "-s", "probes.kind=images", "-s", "probes.path=photos", "-s", "readout.channel=sum")
    good("--db", URL, "run", "2x3x3:2", *drawn, "-s", "seed=0,1", "-s", "probes.index=0,1", "--name", "drawn")
    with door.open_store(URL) as store:
        assert [len(each.images) for each in store.plot.heatmaps("drawn", over="seed").axes[:2]] == [2, 2]
        assert [len(each.images) for each in store.plot.heatmaps("drawn", over="probe").axes[:2]] == [1, 1]


def test_the_words_of_a_picture_say_where_its_image_is_left_out() -> None:
    pytest.importorskip("matplotlib")
    for kind, what in (("heatmap", "all:0"), ("heatmaps", "each")):
        good("--db", URL, "plot", kind, what, "--no-image", "-o", "x.png")
        assert Image.open("x.png").text["Description"] == f"erfsweep plot {kind} {what} --no-image"


def test_a_saved_picture_lies_on_its_image(images: "list[np.ndarray]") -> None:
    good("--db", URL, "show", "each:0", "--save", "on.png")
    good("--db", URL, "show", "each:0", "--save", "off.png", "--no-image")
    on, off = (np.asarray(Image.open(f"{name}.png"), float) for name in ("on", "off"))
    # (1, 2, 3, 2, 1) along both axes: the corner of the window, pixel (2, 2), has 1 / 9 of the centre's value, and as
    # all is opaque from a half on, 2 / 9 of its colour.
    first, second = np.array(anchors()[:2], float)
    colour = first + (second - first)  # 1 / 9 of the way through ten colours is the second
    assert off[20, 20] == pytest.approx(colour, abs=1)
    below = 20 + images[0][2, 2] * 150 / 255
    assert on[20, 20] == pytest.approx(2 / 9 * colour + 7 / 9 * below, abs=1)
    middle = len(on) // 2 + 20
    assert (on[middle, middle] == off[middle, middle]).all()  # the centre hides its image


def moved(to: str) -> None:
    """Moves the images, and forgets what this process has read of them, as another process would not know it."""
    Path("photos").rename(to)
    _packed.cache_clear()
    backdrop_of.cache_clear()


def test_images_that_are_gone_or_changed_are_told_in_a_sentence() -> None:
    pytest.importorskip("matplotlib")
    moved("elsewhere")
    ended = good("--db", URL, "plot", "heatmaps", "each", "-o", "x.png")
    said, written = ended.err.splitlines()
    assert said.startswith("erfsweep: the heatmap is drawn without its image: cannot read '")
    assert said.endswith("or run the sweep again with the new path of the file")
    assert written == "x.png written"
    assert "without its image" in good("--db", URL, "show", "all:0", "--save", "x.png").err
    with door.open_store(URL) as store, pytest.warns(RuntimeWarning, match="without its image"):
        assert len(store.plot.heatmap("all:0").axes[0].images) == 1
    Path("photos").mkdir()
    Image.fromarray(np.zeros((9, 9), np.uint8)).save("photos/0.png")
    backdrop_of.cache_clear()
    assert "has changed" in good("--db", URL, "plot", "heatmap", "all:0", "-o", "x.png").err


def test_the_same_images_at_a_new_place_are_found_after_the_sweep_was_run_again() -> None:
    moved("elsewhere")
    box = ("-s", "init.kind=uniform_kernel", "-s", "input=9")
    axes = (*box, "-s", "probes.kind=images", "-s", "probes.path=elsewhere")
    ended = good("--db", URL, "run", "2x3x3:1=linear", *axes, "--name", "all")
    assert ended.err == "sweep all: 1 config, 0 new\n0 measured in 0.0 s\n"
    assert good("--db", URL, "show", "all:0", "--save", "x.png").err == "x.png written\n"


def test_without_pillow_the_plain_heatmap_is_drawn() -> None:
    backdrop_of.cache_clear()
    with patch.dict(sys.modules, {"PIL": None}):
        ended = good("--db", URL, "show", "all:0", "--save", "x.png")
    assert "without its image: images are read by Pillow, which is not installed" in ended.err
    assert Path("x.png").exists()
