"""Small pictures in tables: `table --format html --thumbnails`, and what a notebook shows."""

from base64 import b64decode
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

import erfsweep
from pipeline.picture.colours import colours
from tests.cli.command import erfsweep as command
from tests.cli.command import good

Image = pytest.importorskip("PIL.Image")


class _Rows(HTMLParser):
    """The rows of all tables: for each the data of its image, None without one, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: list[tuple[list[bytes], list[str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append(([], []))
        if tag == "img":
            data = (dict(attributes)["src"] or "").removeprefix("data:image/png;base64,")
            if not self.rows:
                self.rows.append(([], []))
            self.rows[-1][0].append(b64decode(data, validate=True))

    def handle_data(self, data: str) -> None:
        if self.rows and data.strip():
            self.rows[-1][1].append(data.strip())


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(png)))


@pytest.fixture
def store() -> erfsweep.Store:
    """Equal weights of 3x3 and 1x1 layers, and what is not measured, in this order."""
    good("submit", "5x5:1=linear, 3x3:1=linear", "-s", "input=9", "-s", "init.kind=uniform_kernel", "--name", "s")
    good("run", "2x3x3:1=linear", "-s", "input=9", "-s", "init.kind=uniform_kernel", "--name", "t")
    good("submit", "s", "--name", "s")
    return erfsweep.open_store("sqlite:///erfsweep.db")


def test_a_table_has_a_picture_of_each_heatmap(store: erfsweep.Store) -> None:
    page = good("table", "-c", "config", "-f", "html", "--thumbnails").out
    head, *rows = _Rows(page).rows
    assert head == ([], ["heatmap", "config"])
    assert [(len(images), texts) for images, texts in rows] == [
        (0, ["5x5:1=linear"]),
        (0, ["3x3:1=linear"]),
        (1, ["2x3x3:1=linear"]),
    ]
    box = np.array([1, 2, 3, 2, 1]) / 9
    levels = np.sqrt(np.outer(box, box) / np.outer(box, box).max())  # of the window, by the square root
    expected = colours(np.round(255 * levels) / 255)
    assert np.array_equal(pixels(rows[2][0][0]), expected)


def test_the_usual_columns_and_sorting_stay_as_they_are(luo2016: str) -> None:
    words = ("table", "luo2016", "--sort=-luo", "-n", "3", "-f", "html", "--db", luo2016)
    with_them, without = _Rows(good(*words, "--thumbnails").out).rows, _Rows(good(*words).out).rows
    assert [texts[1:] if i == 0 else texts for i, (_, texts) in enumerate(with_them)] == [texts for _, texts in without]
    assert [len(images) for images, _ in with_them] == [0, 1, 1, 1]


@pytest.mark.parametrize("more", [(), ("-f", "csv"), ("-f", "html", "--over", "seed"), ("-f", "html", "--diff")])
def test_what_has_no_place_for_pictures_is_refused(luo2016: str, more: tuple[str, ...]) -> None:
    ended = command("table", "luo2016", "--thumbnails", *more, "--db", luo2016)
    assert (ended.code, ended.out) == (2, "")
    assert "it goes with --format html" in ended.err


def test_a_notebook_shows_heatmaps_beside_rows(store: erfsweep.Store) -> None:
    rows = _Rows(store.table(columns="config")._repr_html_()).rows
    assert [len(images) for images, _ in rows] == [0, 0, 0, 1]
    grouped = _Rows(store.table(over="seed", columns="config")._repr_html_()).rows
    assert not any(images for images, _ in grouped)
    store.close()


def test_a_notebook_shows_what_was_measured() -> None:
    found = erfsweep.measure("2x3x3:1=linear", input=9, init={"kind": "uniform_kernel"}, probes={"count": 1})
    (first, *sizes) = _Rows(found._repr_html_()).rows
    picture = pixels(first[0][0])
    assert picture.shape[0] == picture.shape[1] >= 512
    assert dict(texts for _, texts in sizes)["theo_rf"] == "5"
    dead = erfsweep.measure("3x3", input=21, init={"kind": "normal"}, probes={"count": 1}, readout={"position": [0, 0]})
    assert dead.is_dead
    assert "dead" in dead._repr_html_()
    assert not list(Path().glob("*.png"))
