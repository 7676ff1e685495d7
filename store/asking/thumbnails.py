"""Heatmaps reduced for a screen: few pixels, 256 levels, and the curve of the square with them."""

from collections.abc import Iterable, Iterator, Mapping
from math import ceil
from typing import TYPE_CHECKING, Any

import msgspec

from pipeline.config import Config
from store.asking.choices import CenterName
from store.asking.heatmaps import curves_of, heatmap_of, unpacked
from store.database.connection import Store

if TYPE_CHECKING:
    from pipeline.result import Arrays

THUMBNAIL_FROM = ("digest", "spec", "n_nan", "eff_square")
"""The columns that a thumbnail is found and drawn by."""

_TOP = 255
_WHOLE = 65535
_RADII = 64
"""Points that a curve has at most: a plot on a screen shows no more of a line that never falls."""


class Thumbnail(msgspec.Struct, frozen=True, array_like=True):
    """The part of a heatmap in the unit's window, reduced.

    levels: uint8 [height, width], row by row: 255 times the square root of a share of the maximum, where a value is the
    mean of a square of `block` pixels. top, left: the first pixel's row and column on the plane. center: (y, x) of the
    unit. square: (top, bottom, left, right) of the effective square, None where there is none. plane: (height, width).
    curve: little-endian uint16 [radii], 65535 times the share of the mass within the centred square of radius 0,
    `step`, 2 `step`, ... pixels; empty where the heatmap is zero.
    """

    height: int
    width: int
    block: int
    top: int
    left: int
    center: tuple[float, float]
    square: tuple[int, int, int, int] | None
    plane: tuple[int, int]
    step: int
    levels: bytes
    curve: bytes


def thumbnails(
    store: Store, rows: Iterable[Mapping[str, Any]], side: int, center: CenterName = "unit"
) -> Iterator[tuple[str, Thumbnail]]:
    """(digest, thumbnail of at most side x side levels) of the measured among rows, which hold `THUMBNAIL_FROM`.

    What sees no pixel of its plane has none; what is damaged is told to the store's `damages` and left out.
    """
    from pipeline.sizes import square_about

    listed = list(rows)
    squares = {row["digest"]: row["eff_square"] for row in listed}

    def reduced(packed: "Arrays", own: Config, n_nan: int) -> Thumbnail | None:
        return _thumbnail(packed, own, side, center)

    for digest, made in unpacked(store, listed, "heatmap", reduced):
        if made is not None:
            long = squares[digest]
            yield (
                digest,
                msgspec.structs.replace(made, square=None if long is None else square_about(made.center, long)),
            )


def _thumbnail(packed: "Arrays", config: Config, side: int, center: CenterName) -> Thumbnail | None:
    """The thumbnail of a config, without its square; None where its unit sees no pixel of the plane.

    Raises StoreError where the arrays are damaged.
    """
    import numpy as np

    from pipeline.sizes import CURVES, block_means, cutout

    cut = cutout(config, heatmap_of(packed, (config.input.height, config.input.width)), None, center)
    if cut is None:
        return None
    block = max(1, *(ceil(size / side) for size in cut.values.shape))
    means = block_means(cut.values, block)
    top = float(means.max(initial=0.0))
    levels = np.sqrt(means / top) * _TOP if top > 0 else np.zeros_like(means)
    found = curves_of(packed, config)
    step = 1 if found is None else ceil(found.shape[1] / _RADII)
    curve = b"" if found is None else (found[CURVES.index("square"), ::step] * _WHOLE).round().astype("<u2").tobytes()
    height, width = means.shape
    return Thumbnail(
        *(height, width, block, cut.top, cut.left, cut.center, None, cut.plane, step),
        levels.round().astype(np.uint8).tobytes(),
        curve,
    )
