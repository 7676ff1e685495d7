"""A heatmap laid out for drawing: how large a pixel is drawn, where the lines of the box go, where the axes have marks.

A dot is the smallest square that can be drawn: half a character cell in colour, two characters as shades.
"""

from math import ceil, floor
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from pipeline.sizes import Cutout

_LINES = 2
"""Dots that the two lines of a box take along an axis."""


class Axis(NamedTuple):
    """One axis of a drawing, in dots.

    first: index of the first pixel on the plane. pixels: how many there are. scale: dots for each pixel. places: intp
    [dots], the block of pixels that each dot shows. lines: dots that are lines of the box. inside: (first, last) dot of
    the box, its lines included. marks: dots that mark the centre.
    """

    first: int
    pixels: int
    scale: float
    places: "npt.NDArray[np.intp]"
    lines: tuple[int, ...]
    inside: tuple[int, int]
    marks: tuple[int, ...]

    def dot(self, index: int) -> float:
        """Where the middle of a pixel is, in dots."""
        return self._shifted((index - self.first + 0.5) * self.scale)

    def ticks(self, gap: float) -> range:
        """The pixels whose indices are written beside the axis, at least `gap` dots apart: multiples of 1, 2, 5, ..."""
        step = next(
            factor * 10**power for power in range(10) for factor in (1, 2, 5) if factor * 10**power * self.scale >= gap
        )
        return range(-(-self.first // step) * step, self.first + self.pixels, step)

    def _shifted(self, dot: float) -> float:
        for line in self.lines:
            dot += line <= dot
        return dot


class Drawing(NamedTuple):
    """A heatmap as it is drawn. levels: float64 [blocks down, blocks across]; block: pixels along a block's side."""

    levels: "npt.NDArray[np.float64]"
    block: int
    y: Axis
    x: Axis

    def dots(self) -> "npt.NDArray[np.float64]":
        """The level of each dot, float64 [dots down, dots across]; what lies under a line shows its neighbour."""
        return self.levels[self.y.places[:, None], self.x.places]


def drawing(cut: "Cutout", dots: tuple[int, int], most: int = 1, *, log: bool = False) -> Drawing:
    """Lays out a cutout in at most `dots` (down, across): a pixel is up to `most` dots wide, or several share one."""
    from pipeline.sizes import block_means, levels

    room = [max(count - _LINES, 1) for count in dots]
    block = max(1, *(ceil(size / fits) for size, fits in zip(cut.values.shape, room, strict=True)))
    zoom = 1
    if block == 1:
        zoom = max(1, min(most, *(fits // size for size, fits in zip(cut.values.shape, room, strict=True))))
    sides: tuple[tuple[int, int] | None, ...] = (None, None) if cut.square is None else (cut.square[:2], cut.square[2:])
    y, x = (
        _axis(first, size, block, zoom, side, center)
        for first, size, side, center in zip((cut.top, cut.left), cut.values.shape, sides, cut.center, strict=True)
    )
    return Drawing(levels(block_means(cut.values, block), log=log), block, y, x)


def _axis(first: int, size: int, block: int, zoom: int, side: tuple[int, int] | None, center: float) -> Axis:
    """side: first and last pixel of the box on the plane."""
    import numpy as np

    count = ceil(size / block)
    places = np.repeat(np.arange(count), zoom)
    lines: list[int] = []
    inside = 0, -1
    if side is not None:
        low = floor((side[0] - first) / block) * zoom
        high = ceil((side[1] + 1 - first) / block) * zoom
        lines = [edge for edge in (low, high) if 0 <= edge <= len(places)]
        places = np.insert(places, lines, [places[min(edge, len(places) - 1)] for edge in lines])
        lines = [edge + i for i, edge in enumerate(lines)]
        inside = max(low, 0), min(high + len(lines) - 1, len(places) - 1)
    axis = Axis(first, size, zoom / block, places, tuple(lines), inside, ())
    if not first - 0.5 <= center <= first + size - 0.5:
        return axis
    at = axis._shifted((center - first + 0.5) * axis.scale)
    marks = (int(at) - 1, int(at)) if at.is_integer() else (floor(at),)
    return axis._replace(marks=tuple(dot for dot in marks if 0 <= dot < len(places)))
