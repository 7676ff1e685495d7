"""Small pictures of heatmaps for tables in HTML, as elements that hold their own data."""

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from store.asking.choices import CenterName
from store.asking.thumbnails import Thumbnail, thumbnails
from store.database.connection import Store

IMAGES_FROM = ("digest", "spec", "n_nan")
"""The columns that an image is found by."""
_SIDE = 32
"""Pixels along a side: of larger windows squares of pixels are averaged."""
_SHOWN = 48
"""Pixels of the screen."""


def images(store: Store, rows: Iterable[Mapping[str, Any]], center: CenterName = "unit") -> Iterator[str]:
    """An `img` for each of the rows, which hold `IMAGES_FROM`; empty text where there is no heatmap.

    It shows the unit's window, by the square root of a share of the maximum.
    """
    listed = [{**row, "eff_square": None} for row in rows]  # as no square is drawn
    found = thumbnails(store, listed, _SIDE, center)
    ahead = next(found, None)
    for row in listed:
        if ahead is not None and ahead[0] == row["digest"]:
            yield _image(ahead[1])
            ahead = next(found, None)
        else:
            yield ""


def _image(of: Thumbnail) -> str:
    import numpy as np

    from pipeline.picture.colours import colours
    from pipeline.picture.png import png

    levels = np.frombuffer(of.levels, np.uint8).reshape(of.height, of.width) / np.iinfo(np.uint8).max
    return image(png(colours(levels)), _SHOWN)


def image(png: bytes, side: int) -> str:
    """An `img` of a PNG file, fitted into a square of so many pixels of the screen."""
    style = f"width:{side}px;height:{side}px;object-fit:contain;image-rendering:pixelated"
    return f'<img alt="heatmap" src="data:image/png;base64,{b64encode(png).decode()}" style="{style}">'
