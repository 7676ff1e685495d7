"""A heatmap as lines of text: half-blocks in colour where the terminal has them, else shades, with axes in pixels.

No line is longer than the columns that it is given, from 40 on.
"""

import sys
import textwrap
from collections.abc import Iterator, Sequence
from math import floor
from typing import TYPE_CHECKING

from pipeline.picture.drawing import Axis, Drawing, drawing

if TYPE_CHECKING:
    from pipeline.sizes import Cutout

SHADES = " .:-=+*#%@"
MAX_COLUMNS = 100
"""Of a drawing on a terminal."""
PIPE_COLUMNS = 80
"""Of one that goes into a pipe or a file, which any terminal can show."""
_MAX_ROWS = 54
_WIDEST_PIXEL = 8
"""Dots: a window of few pixels is drawn larger on a terminal."""
_BELOW = 7
"""Rows that title, axis, caption and prompt take."""
_BOX = "─│┌┐└┘"
_ASCII_BOX = "~|~~~~"
"""The box where there are no signs for it: none of these is a shade."""
_HALF = "▀"
_LABEL_GAP = 2
"""Rows between two indices on the vertical axis."""


def print_heatmap(cut: "Cutout", *, log: bool, columns: int, rows: int) -> None:
    """Prints a cutout on a terminal of so many columns and rows, in colour if that can be."""
    from rich.console import Console

    console = Console(highlight=False)
    columns = min(columns, MAX_COLUMNS)
    if console.no_color or console.color_system not in ("256", "truecolor") or not _can_encode(_HALF):
        sys.stdout.writelines(shaded(cut, log=log, columns=columns, rows=rows, most=_WIDEST_PIXEL))
        return
    from rich.text import Text

    drawn = _fitted(cut, (1, 2), columns, rows, _WIDEST_PIXEL, log=log)
    for label, styles in zip(_row_labels(drawn, 2), _half_blocks(drawn), strict=True):
        line = Text(label)
        for style in styles:
            line.append(_HALF, style)
        console.print(line, no_wrap=True, overflow="ignore", crop=False)
    sys.stdout.write(_column_labels(drawn, 1) + _caption(cut, drawn.block, columns, log=log))


def shaded(
    cut: "Cutout",
    *,
    log: bool = False,
    columns: int = PIPE_COLUMNS,
    rows: int = _MAX_ROWS + _BELOW,
    most: int = 1,
    is_ascii: bool = False,
) -> Iterator[str]:
    """Lines of `SHADES`, a pixel two characters wide or up to `most` times that, from nothing (0) to the maximum.

    `><` marks the centre, lines the effective square; with `is_ascii` they are of ASCII. Windows too large for
    `columns` and `rows` are shown in blocks, each by its mean.
    """
    drawn = _fitted(cut, (2, 1), columns, rows, most, log=log)
    signs = _ASCII_BOX if is_ascii or not _can_encode(_BOX) else _BOX
    dots = drawn.dots()
    shades = ((dots * (len(SHADES) - 1)).astype(int) + 1).clip(0, len(SHADES) - 1)
    shades[dots == 0] = 0
    for y, (label, row) in enumerate(zip(_row_labels(drawn, 1), shades.tolist(), strict=True)):
        line = "".join(_box_at(drawn, y, x, signs) or SHADES[level] * 2 for x, level in enumerate(row))
        if y in drawn.y.marks and drawn.x.marks:
            at = 2 * drawn.x.marks[-1] + (len(drawn.x.marks) == 1)  # where the right half of the mark is
            line = f"{line[: at - 1]}><{line[at + 1 :]}" if at else line
        yield f"{label}{line}".rstrip() + "\n"
    yield _column_labels(drawn, 2)
    yield _caption(cut, drawn.block, columns, log=log)


def _caption(cut: "Cutout", block: int, columns: int, *, log: bool) -> str:
    """What is drawn, in lines of at most `columns` characters."""
    from pipeline.sizes import DECADES

    height, width = cut.values.shape
    said = [
        f"window: x {cut.left} to {cut.left + width - 1}, y {cut.top} to {cut.top + height - 1} "
        f"of the plane {cut.plane[0]}x{cut.plane[1]}"
    ]
    if block > 1:
        said.append(f"means of {block}x{block} pixels")
    if cut.square is not None:
        top, bottom, left, right = cut.square
        said.append(f"the box is the effective square: x {left} to {right}, y {top} to {bottom}")
    said.append(f"centre x {cut.center[1]:.10g}, y {cut.center[0]:.10g}")
    most = f"{cut.values.max():.3g}"
    said.append(f"logarithmic, {DECADES} decades up to {most}" if log else f"linear, from 0 to {most}")
    return "".join(f"{line}\n" for line in _filled(said, columns))


def _filled(clauses: Sequence[str], columns: int) -> Iterator[str]:
    """Clauses between semicolons in lines of at most `columns` characters; one that fits is never broken."""
    line = ""
    for clause in (*(f"{each};" for each in clauses[:-1]), clauses[-1]):
        if line and len(line) + 1 + len(clause) > columns:
            yield from textwrap.wrap(line, columns)
            line = ""
        line = f"{line} {clause}".lstrip()
    yield from textwrap.wrap(line, columns)


def _fitted(cut: "Cutout", cell: tuple[int, int], columns: int, rows: int, most: int, *, log: bool) -> Drawing:
    """The drawing that fits; cell: (characters across for a dot, dots down in a row of text)."""
    room = (rows - _BELOW) * cell[1], (columns - _gutter(cut.top + cut.values.shape[0] - 1)) // cell[0]
    return drawing(cut, room, most, log=log)


def _gutter(last: int) -> int:
    return len(str(last)) + 1


def _row_labels(drawn: Drawing, dots: int) -> list[str]:
    """What stands before each row of text, `dots` of the drawing high: an index or blanks."""
    axis = drawn.y
    width = _gutter(axis.first + axis.pixels - 1)
    labels = [" " * width] * -(-len(axis.places) // dots)
    for index in axis.ticks(_LABEL_GAP * dots):
        labels[floor(axis.dot(index)) // dots] = f"{index:>{width - 1}} "
    return labels


def _column_labels(drawn: Drawing, across: int) -> str:
    """The line below, where a dot is `across` characters wide: indices, each with its middle below its pixel."""
    axis = drawn.x
    digits = len(str(axis.first + axis.pixels - 1))
    before = _gutter(drawn.y.first + drawn.y.pixels - 1)
    line = ""
    for index in axis.ticks((digits + 2) / across):
        text = str(index)
        at = before + floor(axis.dot(index) * across - (len(text) - 1) / 2)
        if at + len(text) <= before + across * len(axis.places) + 1:
            line = line.ljust(at) + text
    return f"{line}\n"


def _on_line(axis: Axis, other: Axis, dot: int, across: int) -> bool:
    return dot in axis.lines and other.inside[0] <= across <= other.inside[1]


def _box_at(drawn: Drawing, y: int, x: int, signs: str) -> str | None:
    """The two characters of the box at a dot, None where it has none."""
    flat, upright = _on_line(drawn.y, drawn.x, y, x), _on_line(drawn.x, drawn.y, x, y)
    if not upright:
        return signs[0] * 2 if flat else None
    is_left, is_top = x == drawn.x.inside[0], y == drawn.y.inside[0]
    sign = signs[2 + 2 * (not is_top) + (not is_left)] if flat else signs[1]
    return f" {sign}" if is_left else f"{sign} "


def _half_blocks(drawn: Drawing) -> "Iterator[list[str]]":
    """For each row of text the style of its half-blocks: the dot above in front, the dot below behind."""
    from pipeline.picture.colours import LINE, MARK, colours

    rgb = [[(*dot,) for dot in row] for row in colours(drawn.dots()).tolist()]
    for y, row in enumerate(rgb):
        for x in range(len(row)):
            if _on_line(drawn.y, drawn.x, y, x) or _on_line(drawn.x, drawn.y, x, y):
                row[x] = LINE
            elif y in drawn.y.marks and x in drawn.x.marks:
                row[x] = MARK
    for y in range(0, len(rgb), 2):
        below = rgb[y + 1] if y + 1 < len(rgb) else [None] * len(rgb[y])
        yield [
            f"rgb({','.join(map(str, upper))})" + (f" on rgb({','.join(map(str, lower))})" if lower else "")
            for upper, lower in zip(rgb[y], below, strict=True)
        ]


def _can_encode(signs: str) -> bool:
    try:
        signs.encode(sys.stdout.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
