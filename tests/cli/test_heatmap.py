"""Heatmaps as they are drawn: shades, half-blocks and pictures, drawn here by hand."""

import io
import struct
import zlib
from contextlib import redirect_stdout

import numpy as np
import pytest

from cli.render.heatmap import shaded
from pipeline.picture.png import picture, png
from pipeline.sizes import Cutout
from tests.cli.command import environment
from tests.cli.test_terminal import on_terminal

# Rows 10 to 12, columns 4 to 8; the middle is 9/9 of the maximum, its neighbours 4/9, the ends of the row 0.
CROSS = Cutout(
    np.array([[0, 0, 4, 0, 0], [0, 4, 9, 4, 0], [0, 0, 4, 0, 0]], dtype=np.float64),
    10,
    4,
    (11.0, 6.0),
    (10, 12, 5, 7),
    (23, 13),
)
# A level of 4/9 is the shade number int(4/9 * 9) + 1 of ten. Each pixel is two characters wide, and so is each side of
# the box; indices are two rows apart at least, and stand below the right half of their pixel.
DRAWN = """\
      ┌──────┐
10    │  ++  │
      │++><++│
12    │  ++  │
      └──────┘
    4     6     8
window: x 4 to 8, y 10 to 12 of the plane 23x13;
the box is the effective square: x 5 to 7, y 10 to 12; centre x 6, y 11;
linear, from 0 to 9
"""


def lines(cut: Cutout, **options: object) -> str:
    with redirect_stdout(io.TextIOWrapper(io.BytesIO(), "utf-8")):
        return "".join(shaded(cut, **options))


def test_a_small_heatmap_in_shades() -> None:
    assert lines(CROSS) == DRAWN
    drawn = lines(CROSS, is_ascii=True)
    assert drawn.isascii()
    assert drawn.splitlines()[2] == "      |++><++|"


def test_pixels_are_drawn_larger_where_there_is_room() -> None:
    drawn = lines(CROSS, most=2, columns=80, rows=24).splitlines()
    assert drawn[1:3] == ["        │    ++++    │", "10      │    ++++    │"]
    assert drawn[3:5] == ["        │++++@><@++++│", "11      │++++@><@++++│"]


def test_a_center_between_pixels_is_marked_between_them() -> None:
    cut = Cutout(np.full((2, 2), 1.0), 0, 0, (0.5, 0.5), None, (2, 2))
    assert lines(cut).splitlines()[:3] == ["0 @><@", "  @><@", "   0"]


@pytest.mark.parametrize("columns", [40, 41, 57, 80, 100])
@pytest.mark.parametrize("size", [1, 9, 10, 99, 224, 1001])
def test_no_line_is_wider_than_the_terminal(columns: int, size: int) -> None:
    half = size // 2
    cut = Cutout(np.ones((size, size)), 0, 0, (half, half), (0, size - 1, 0, size - 1), (size, size))
    drawn = lines(cut, columns=columns, rows=24, most=8).splitlines()
    assert max(map(len, drawn)) <= columns
    assert len([line for line in drawn if "@" in line]) <= 18


def test_a_blank_heatmap_is_blank() -> None:
    cut = Cutout(np.zeros((2, 3)), 0, 0, (9.0, 9.0), None, (2, 3))
    assert lines(cut).splitlines()[:2] == ["0", ""]


def test_a_picture_has_box_and_cross_and_square_pixels() -> None:
    rgb = picture(CROSS)
    # 512 dots for the longer side of five pixels: 102 dots a pixel, and a line of one dot on each side of the box.
    assert rgb.shape == (3 * 102 + 2, 5 * 102 + 2, 3)
    white, cyan, black, top = [255, 255, 255], [0, 255, 255], [0, 0, 4], [252, 255, 164]
    assert rgb[0, 102].tolist() == rgb[0, 102 + 3 * 102 + 1].tolist() == rgb[150, 102].tolist() == white
    assert rgb[0, 101].tolist() == rgb[1, 103].tolist() == black
    assert rgb[1 + 102 + 50, 103 + 102 + 50].tolist() == cyan
    assert rgb[1 + 102 + 5, 103 + 102 + 5].tolist() == top


def decoded(file: bytes) -> list[bytes]:
    """The rows of an RGB file, by the standard: chunks of length, name, data and checksum."""
    assert file[:8] == b"\x89PNG\r\n\x1a\n"
    at, data, size = 8, b"", (0, 0)
    names = []
    while at < len(file):
        (length,) = struct.unpack(">I", file[at : at + 4])
        name, body = file[at + 4 : at + 8], file[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack(">I", file[at + 8 + length : at + 12 + length])
        assert checksum == zlib.crc32(name + body)
        if name == b"IHDR":
            size = struct.unpack(">II", body[:8])
            assert body[8:] == bytes([8, 2, 0, 0, 0])  # eight bits, RGB
        data += body if name == b"IDAT" else b""
        names.append(name)
        at += 12 + length
    assert names == [b"IHDR", b"IDAT", b"IEND"]
    raw, step = zlib.decompress(data), 3 * size[0] + 1
    rows = [raw[i * step : (i + 1) * step] for i in range(size[1])]
    assert len(raw) == step * size[1]
    assert {row[0] for row in rows} == {0}
    return [row[1:] for row in rows]


def test_a_png_has_the_dots_of_its_picture() -> None:
    rgb = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    assert decoded(png(rgb)) == [bytes(range(12)), bytes(range(12, 24))]


def test_a_png_is_read_by_pillow() -> None:
    image = pytest.importorskip("PIL.Image")
    rgb = picture(CROSS, log=True)
    assert np.array(image.open(io.BytesIO(png(rgb)))).tolist() == rgb.tolist()


TRUE = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
SCREENS = [
    (TRUE, "38;2;252;255;164"),  # the brightest pixel, in 24 bits
    ({"TERM": "xterm-256color", "COLORTERM": ""}, "38;5;"),
    ({**TRUE, "NO_COLOR": "1"}, None),
    ({"TERM": "dumb"}, None),
    ({"TERM": "linux", "COLORTERM": ""}, None),
    ({**TRUE, "PYTHONIOENCODING": "ascii"}, None),
]


@pytest.mark.parametrize(("variables", "code"), SCREENS, ids=str)
@pytest.mark.parametrize("columns", [40, 80])
def test_a_terminal_has_the_colours_that_it_can(
    columns: int, variables: dict[str, str], code: str | None, luo2016: str
) -> None:
    own = {name: value for name, value in environment().items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    raw = on_terminal(columns, "show", "luo2016:2", "--db", luo2016, env={**own, **variables}, keep=True)
    assert ("▀" in raw) == (code is not None)
    assert code is None or code in raw
    plain = on_terminal(columns, "show", "luo2016:2", "--db", luo2016, env={**own, **variables})
    assert max(map(len, plain.splitlines())) <= columns
    assert code is not None or "><" in plain
