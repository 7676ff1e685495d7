"""A picture as a PNG file (ISO/IEC 15948): eight-bit RGB, which is a header, a zlib stream and checksums.

That is all that is written here, so Pillow is not asked for: it would be a package of 7 MB for twenty lines.
"""

import struct
import zlib
from typing import TYPE_CHECKING

from pipeline.picture.colours import LINE, MARK, Rgb, colours, laid_on
from pipeline.picture.drawing import Drawing, drawing

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from pipeline.sizes import Cutout

_SIDE = 512
"""Dots that the longer side of a picture has at least: pixels are drawn as squares of so many as fit."""
_RGB = 2
"""The colour type of the header."""


def picture(cut: "Cutout", *, log: bool = False, grey: "npt.NDArray[np.uint8] | None" = None) -> Rgb:
    """The cutout in colour with the box and a cross at the centre, uint8 [height, width, 3].

    A pixel of a window above 512 pixels is one dot, of a smaller one a square of equal dots. grey: what the heatmap is
    drawn on, uint8 [height, width] of the input plane.
    """
    side = max(_SIDE, *cut.values.shape) + 2  # the lines of the box
    drawn = drawing(cut, (side, side), side, log=log)
    if grey is None:
        rgb = colours(drawn.dots())
    else:
        height, width = cut.values.shape
        below = grey[cut.top : cut.top + height, cut.left : cut.left + width]
        rgb = laid_on(below[drawn.y.places[:, None], drawn.x.places], drawn.dots())
    y, x = drawn.y, drawn.x
    for line in y.lines:
        rgb[line, x.inside[0] : x.inside[1] + 1] = LINE
    for line in x.lines:
        rgb[y.inside[0] : y.inside[1] + 1, line] = LINE
    _cross(rgb, drawn)
    return rgb


def _cross(rgb: Rgb, drawn: Drawing) -> None:
    """Marks the centre by a cross that lies within one pixel."""
    arm = int(drawn.y.scale) // 3
    down, across = drawn.y.marks, drawn.x.marks
    if down and across:
        rgb[list(down), max(across[0] - arm, 0) : across[-1] + arm + 1] = MARK
        rgb[max(down[0] - arm, 0) : down[-1] + arm + 1, list(across)] = MARK


def png(rgb: Rgb) -> bytes:
    """The file of a picture, uint8 [height, width, 3]."""
    height, width, _ = rgb.shape
    header = struct.pack(">IIBBBBB", width, height, 8, _RGB, 0, 0, 0)
    rows = b"".join(b"\0" + row.tobytes() for row in rgb)  # 0: no filter, in front of each row
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in parts)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
