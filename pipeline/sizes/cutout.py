"""The part of a heatmap that a unit can see, ready to be drawn: its pixels, its centre and its effective square."""

from math import ceil, floor

import msgspec
import numpy as np

from pipeline.config import Config
from pipeline.sizes.sample import Center, Floats
from pipeline.theory import window_of

DECADES = 6
"""How far the logarithmic scale goes below the maximum: a gradient in float32 is good to seven digits."""


class Cutout(msgspec.Struct, frozen=True, eq=False):
    """The heatmap inside the unit's window.

    values: float64 [height, width]. top, left: the first pixel's row and column on the plane. center: (y, x) that sizes
    are centred on, in pixels and halves of pixels on the plane; it may lie outside. square: (top, bottom, left, right),
    the first and last rows and columns of the effective square, which may leave the plane; None where there is none.
    plane: (height, width) of it.
    """

    values: Floats
    top: int
    left: int
    center: tuple[float, float]
    square: tuple[int, int, int, int] | None
    plane: tuple[int, int]


def cutout(config: Config, heatmap: Floats, side: float | None, center: Center = "unit") -> Cutout | None:
    """The part of a config's heatmap, float64 [height, width], that lies in the unit's window.

    side: `eff_square` in px, None where there is none. center: where that square is centred. None is returned where no
    pixel of the plane is in the window. Raises InputError as `window_of` does.
    """
    height, width = heatmap.shape
    window = window_of(config)
    top, bottom = max(window.top, 0), min(window.bottom, height - 1)
    left, right = max(window.left, 0), min(window.right, width - 1)
    if top > bottom or left > right:
        return None
    y, x = window.center if center == "unit" else ((height - 1) / 2, (width - 1) / 2)
    square = None if side is None else square_about((y, x), side)
    return Cutout(heatmap[top : bottom + 1, left : right + 1], top, left, (y, x), square, (height, width))


def square_about(center: tuple[float, float], side: float) -> tuple[int, int, int, int]:
    """(top, bottom, left, right): the first and last rows and columns of the square of a side, in px, about (y, x)."""
    (y, x), half = center, (side - 1) / 2
    return ceil(y - half), floor(y + half), ceil(x - half), floor(x + half)


def block_means(values: Floats, block: int) -> Floats:
    """The means of square blocks of `block` pixels: float64 [ceil(height / block), ceil(width / block)].

    Blocks at the lower and right border may be smaller.
    """
    if block == 1:
        return values
    rows, columns = (np.arange(0, size, block) for size in values.shape)
    sums = np.add.reduceat(np.add.reduceat(values, rows, axis=0), columns, axis=1)
    heights, widths = (
        np.diff(np.append(starts, size)) for starts, size in zip((rows, columns), values.shape, strict=True)
    )
    means: Floats = sums / (heights[:, None] * widths)
    return means


def levels(values: Floats, *, log: bool = False) -> Floats:
    """How bright each value is, float64 in [0, 1] of the same shape: 0 for zero alone, 1 for the maximum.

    Linear, or with `log` by its decades below the maximum, of which `DECADES` are told apart.
    """
    top = values.max(initial=0.0)
    if top == 0:
        return np.zeros_like(values)
    share: Floats = values / top
    if log:
        with np.errstate(divide="ignore"):
            share = np.where(values > 0, 1 + np.log10(share) / DECADES, 0.0)
    return np.where(values > 0, np.clip(share, np.finfo(np.float64).tiny, 1.0), 0.0)
