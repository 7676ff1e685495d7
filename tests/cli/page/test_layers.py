"""The page of a network: its layers beside their theory and in order, and heatmaps on the images that were measured."""

import base64
import json
import re
import shutil
import sqlite3
import zlib
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.draws import backdrop_of
from pipeline.draws.images import _packed
from tests.browser import Browser
from tests.cli.command import good
from tests.cli.page.test_ui import served

LINES = """const { xs, ys, color } = Bokeh.documents[0].get_model_by_name("layers-lines").data;
  return Array.from(xs, (x, i) => ({ x: [...x], y: [...ys[i]], color: color[i] }));"""
MAPS = "return [...document.querySelectorAll('#stage-maps button')].map((each) => each.innerText)"
PIXEL = """const canvas = document.querySelector(arguments[0]);
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  return [...copy.getImageData(arguments[1] * canvas.width, arguments[2] * canvas.height, 1, 1).data];"""


@pytest.fixture(scope="module")
def boxes(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a store with a linear network of equal weights at three layers, whose draws differ in no number."""
    url = f"sqlite:///{tmp_path_factory.mktemp('boxes')}/boxes.db"
    box = ("-s", "init.kind=uniform_kernel,he_normal", "-s", "probes.count=1,2", "-s", "readout.layer=z,b,a")
    good("--db", url, "run", "3x3:1=linear#z 3x3:1=linear#b 2x3x3:1=linear#a", *box, "--name", "boxes")
    good("--db", url, "run", "3x3, 5x5", "--name", "plain")
    return url


@pytest.fixture
def photos() -> str:
    """The URL of a store with heatmaps of 3x3 and 3x3 3x3 on two images, one dark and one bright."""
    pillow = pytest.importorskip("PIL.Image")
    Path("photos").mkdir()
    for name, grey in (("dark", 0), ("bright", 255)):
        pillow.fromarray(np.full((9, 9), grey, np.uint8)).save(f"photos/{name}.png")
    url = f"sqlite:///{Path('photos.db').absolute()}"
    box = ("-s", "init.kind=uniform_kernel", "-s", "input=9", "-s", "probes.kind=images", "-s", "probes.path=photos")
    stem = "3x3:1=linear#a 3x3:1=linear#b"
    good("--db", url, "run", stem, *box, "-s", "readout.layer=b,a", "-s", "probes.index=0,1", "--name", "on")
    return url


def opened(chromium: Browser, url: str, *arguments: str) -> None:
    good("--db", url, "report", *arguments, "-o", "page.html")
    chromium.open(Path("page.html").absolute().as_uri())


def test_layers_stand_in_their_order_beside_their_theory(chromium: Browser, boxes: str) -> None:
    opened(chromium, boxes, "boxes", "--where", "init == 'uniform_kernel' and probes_count == 1")
    chromium.run(
        """const size = document.getElementById("stages");
        size.value = "sigma_x"; size.dispatchEvent(new Event("change"));"""
    )
    chromium.until("return location.hash.includes('stages=sigma_x')")
    chromium.until("return Bokeh.documents[0].get_model_by_name('layers').left[0].axis_label === 'sigma_x (px)'")
    measured, theory = chromium.run(LINES)
    # 1, 2 and 4 layers of 3x3: sigma = sqrt(n (k^2 - 1) / 12), and windows of 1 + 2 n px.
    assert measured["y"] == pytest.approx([(n * 8 / 12) ** 0.5 for n in (1, 2, 4)], rel=1e-5)
    assert theory["y"] == [3, 5, 9]
    names = "return [...Bokeh.documents[0].get_model_by_name('layers').below[0].major_label_overrides.values()]"
    assert chromium.run(names) == ["z", "b", "a"]
    rows = chromium.text("stage-rows").split("\n")
    assert [row.split("\t")[:2] for row in rows] == [["z", "3"], ["b", "5"], ["a", "9"]]
    assert [each.split("\n")[0] for each in chromium.run(MAPS)] == ["z", "b", "a"]
    assert chromium.problems() == []


def test_a_heatmap_of_a_layer_selects_its_row_and_follows_what_is_selected(chromium: Browser, boxes: str) -> None:
    opened(chromium, boxes, "boxes")
    curves = "return Bokeh.documents[0].get_model_by_name('curves-lines').data.config"
    assert all(re.search(r", layer [abz], g\w{12}$", called) for called in chromium.run(curves))
    networks = "return [...document.getElementById('network').options].map((each) => each.textContent)"
    assert len(chromium.run(networks)) == 4
    chromium.run("document.querySelectorAll('#stage-maps button')[1].click()")
    chromium.until("return document.querySelectorAll('.card').length === 1")
    assert "layer b" in chromium.text("cards")
    pressed = "return [...document.querySelectorAll('#stage-maps button')].map((each) => each.ariaPressed)"
    assert chromium.run(pressed) == ["false", "true", "false"]
    points = "return [...Bokeh.documents[0].get_model_by_name('layers-points').selected.indices].length"
    assert chromium.run(points) == 1
    chromium.run(
        """const network = document.getElementById("network");
        network.value = "2"; network.dispatchEvent(new Event("change"));"""
    )
    chromium.until("return location.hash.includes('network=2')")
    chromium.until("return !document.querySelector('#stage-maps [aria-pressed=true]')")
    chromium.open(chromium.run("return location.href"))
    assert chromium.run("return document.getElementById('network').value") == "2"
    assert chromium.problems() == []


def test_names_of_layers_do_not_touch_on_a_narrow_screen(chromium: Browser, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/named.db"
    long = "the_last_stage_of_a_network_with_a_long_name"
    stem = f"3x3#one 3x3#two 3x3#three 3x3#{long}"
    for name, layers in (("short", "one,two,three"), ("long", f"one,two,three,{long}")):
        good("--db", url, "run", stem, "-s", f"readout.layer={layers}", "-s", "init.kind=he_normal", "--name", name)
    axis = "Bokeh.documents[0].get_model_by_name('layers').below[0]"
    for name, slant in (("short", "horizontal"), ("long", pytest.approx(np.pi / 4))):
        opened(chromium, url, name)
        assert chromium.run(f"return {axis}.major_label_orientation") == slant
        assert all(len(each) <= 24 for each in chromium.run(f"return [...{axis}.major_label_overrides.values()]"))


def test_a_dead_layer_is_called_dead_below_its_heatmap(chromium: Browser, tmp_path: Path) -> None:
    ones = np.ones((3, 3, 1, 1), np.float32)
    np.savez(tmp_path / "dead.npz", **{"layer0.weight": ones, "layer1.weight": -ones})
    url = f"sqlite:///{tmp_path}/dead.db"
    how = ("-s", "init.kind=file", "-s", f"init.path={tmp_path}/dead.npz", "-s", "probes.kind=constant")
    good("--db", url, "run", "3x3:1#a 3x3:1#b", *how, "-s", "readout.layer=a,b", "--name", "dead")
    opened(chromium, url, "dead")
    assert [each.split("\n") for each in chromium.run(MAPS)] == [["a", "3 of 3 px"], ["b", "dead"]]


def test_marks_of_another_program_are_no_markup(chromium: Browser, boxes: str, tmp_path: Path) -> None:
    shutil.copy(boxes.removeprefix("sqlite:///"), tmp_path / "copy.db")
    mark = "$$\\frac{1}{2}$$<img src=x onerror=alert(1)>"
    with closing(sqlite3.connect(tmp_path / "copy.db")) as raw, raw:
        raw.execute("UPDATE config SET mark = ? WHERE mark = 'b'", (mark,))
    opened(chromium, f"sqlite:///{tmp_path}/copy.db", "boxes")
    axis = "return [...Bokeh.documents[0].get_model_by_name('layers').below[0].major_label_overrides.values()]"
    assert chromium.run(axis)[1] == "??" + "?frac{1}{2}??<img src…"
    assert chromium.run(MAPS)[1].split("\n")[0] == mark
    assert chromium.run("return document.querySelectorAll('#layers-part img').length") == 0
    assert chromium.alerts() == []
    assert chromium.problems() == []


def test_without_layers_there_is_no_such_part(chromium: Browser, boxes: str) -> None:
    opened(chromium, boxes, "plain")
    assert chromium.run("return document.getElementById('layers-part').offsetParent") is None
    assert chromium.run("return document.getElementById('image').offsetParent") is None
    opened(chromium, boxes, "boxes", "--where", "mark == 'a'")
    assert chromium.run("return document.getElementById('layers-part').offsetParent") is None


@pytest.mark.parametrize("live", [False, True])
def test_heatmaps_lie_on_their_images(chromium: Browser, photos: str, live: bool) -> None:
    if live:
        with served(photos) as server:
            chromium.open(f"{server.url}?sweep=on")
            check_images(chromium)
    else:
        opened(chromium, photos, "on")
        check_images(chromium)


def check_images(chromium: Browser) -> None:
    chromium.until("return document.querySelectorAll('.card canvas').length === 4")
    assert "on image 0, bright.png" in chromium.text("cards")
    # Two layers of 3x3 see (1, 2, 3, 2, 1) along both axes: the corner has 1 / 9 of the centre's value and is opaque
    # to 2 / 9; white and black below it are 170 and 20.
    bright, dark = (chromium.run(PIXEL, f".card:nth-child({i}) canvas", 0.1, 0.1) for i in (1, 2))
    assert [one - other for one, other in zip(bright, dark, strict=True)] == pytest.approx([117, 117, 117, 0], abs=3)
    middles = [chromium.run(PIXEL, f".card:nth-child({i}) canvas", 0.44, 0.44) for i in (1, 2)]
    assert middles[0] == middles[1]  # the centre hides what is below
    chromium.run("document.getElementById('image').click()")
    chromium.until("return !document.getElementById('cards').textContent.includes('on image')")
    plain = [chromium.run(PIXEL, f".card:nth-child({i}) canvas", 0.1, 0.1) for i in (1, 2)]
    assert plain[0] == plain[1]
    assert "image=false" in chromium.run("return location.href")
    assert chromium.problems() == []


def told() -> Any:
    found = re.search(r'id="page-data">([^<]+)<', Path("page.html").read_text())
    assert found is not None
    return json.loads(zlib.decompress(base64.b64decode(found[1])))


def test_images_of_a_report_take_a_bounded_number_of_bytes(photos: str, monkeypatch: pytest.MonkeyPatch) -> None:
    good("--db", photos, "report", "on", "-o", "page.html")
    assert [each[1:4] for each in told()["backdrops"]] == [[9, 9, 1], [9, 9, 1]]  # each image once
    assert told()["backdrop"] == [0, 1, 0, 1]
    monkeypatch.setattr("cli.render.page.limits.BACKDROP_BYTES", 2 * 4 * 4)
    good("--db", photos, "report", "on", "-o", "page.html")
    assert [each[1:4] for each in told()["backdrops"]] == [[3, 3, 3], [3, 3, 3]]
    good("--db", photos, "report", "on", "--no-image", "-o", "page.html")
    assert "backdrops" not in told()


def test_images_that_are_gone_are_told_once_and_on_the_cards(chromium: Browser, photos: str) -> None:
    Path("photos").rename("elsewhere")
    _packed.cache_clear()
    backdrop_of.cache_clear()
    ended = good("--db", photos, "report", "on", "-o", "page.html")
    assert ended.err.count("without its image") == 1
    chromium.open(Path("page.html").absolute().as_uri())
    assert chromium.text("cards").count("without its image") == 4
    assert chromium.run("return document.getElementById('image').offsetParent") is None
    with served(photos) as server:
        chromium.open(f"{server.url}?sweep=on")
        chromium.until("return document.querySelectorAll('.card canvas').length === 4")
        assert chromium.text("cards").count("without its image") == 4
        ended_server = server.stop()
    assert ended_server.err == ""
