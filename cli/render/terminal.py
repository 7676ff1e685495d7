"""Tables on a terminal."""

import sys
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice
from shutil import get_terminal_size
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from cli.render.layout import Layout, layout_of
from cli.render.spreads import merged
from store.asking.heads import base
from store.asking.shown import MISSING, shown, visible
from store.asking.table import Table

FOLDED = 24
"""Text of more characters than this may be folded into lines; numbers and shorter text stand in one line."""
_BETWEEN = 2
"""Blanks between two columns, or one where the table fits only so."""


_AT_ONCE = 1000
"""Rows that are laid out together; Rich takes 10 kB for each."""


def print_pretty(table: Table, spare: Sequence[str] = ()) -> None:
    """Prints a table to a terminal, with each spread in one cell.

    If the terminal is too narrow, columns that are the same in all rows are left out, then the intervals of spreads,
    and then the columns of the fields `spare`, one after the other until the rest fits; stderr says so. If it is still
    too narrow, each row is printed with a field in each line.
    """
    size = get_terminal_size()
    console = Console(highlight=False, width=size.columns, height=size.lines)  # else 80 x 25 on one that is called dumb
    fitting = (found for found in _narrower(table, spare) if _fits(layout_of(found[0]), console.width))
    chosen, left_out = next(fitting, (None, []))
    if chosen is None:
        _print_records(console, layout_of(merged(table)))
        return
    for what in left_out:
        sys.stderr.write(f"left out for the width of the terminal{what}\n")
    layout = layout_of(chosen)
    widths = layout.widths(layout.names, cell_len)
    widths = [max(width, len(unit)) for width, unit in zip(widths, layout.units, strict=True)]
    needed = sum(_narrowest(layout, widths)) + len(widths) - 1
    between = 1 if needed + (_BETWEEN - 1) * (len(widths) - 1) > console.width else _BETWEEN
    room = console.width - between * (len(widths) - 1)
    _print_grids(console, layout, _folded(widths, layout.is_unbroken, room), between)


def _narrower(table: Table, spare: Sequence[str]) -> Iterator[tuple[Table, list[str]]]:
    """The table for a reader, and with less and less in it; each with what it lacks, in words."""
    whole = merged(table)
    variants: list[tuple[Table, list[str]]] = [(whole, [])]
    if whole is not table:
        variants.append((merged(table, has_intervals=False), [": the intervals of spreads"]))
    for each, left_out in variants:
        yield each, left_out
        narrower = _without_constants(each)
        if narrower is not each:
            left_out = [*left_out, _constants(each, narrower)]
            yield narrower, left_out
    dropped: list[str] = []
    for field in spare:
        names = [name for name in narrower.columns if base(name) == field]
        dropped += names
        if names:
            rest = narrower.only([name for name in narrower.columns if name not in dropped])
            yield rest, [*left_out, f": {', '.join(map(visible, dropped))} (-c chooses columns)"]


def _fits(layout: Layout, room: int) -> bool:
    widths = layout.widths(layout.names, cell_len)
    return len(widths) <= 2 or sum(_narrowest(layout, widths)) + len(widths) - 1 <= room


def _narrowest(layout: Layout, widths: list[int]) -> list[int]:
    return [width if whole else min(width, FOLDED) for width, whole in zip(widths, layout.is_unbroken, strict=True)]


def _without_constants(table: Table) -> Table:
    """The table without the columns that are the same in all of several rows, but for the first column."""
    if len(table.rows) < 2:
        return table
    first: tuple[Any, ...] = ()
    changing = {table.columns[0]}
    for row in table.rows:
        first = first or row
        changing.update(name for name, one, other in zip(table.columns, first, row, strict=True) if one != other)
    return table.only([name for name in table.columns if name in changing])


def _constants(table: Table, narrower: Table) -> str:
    """The columns that a narrower table has not, and what all rows have there."""
    left = [name for name in table.columns if name not in narrower.columns]
    row = next(iter(table.only(left).rows))
    said = ", ".join(f"{visible(name)} {shown(value)}" for name, value in zip(left, row, strict=True))
    return f", the same in all rows: {said}"


def _print_records(console: Console, layout: Layout) -> None:
    for row in layout.rows():
        grid = Grid(box=None, show_header=False, pad_edge=False)
        grid.add_column(no_wrap=True, style="dim")
        grid.add_column(overflow="fold")
        for name, unit, text in zip(layout.names, layout.units, row, strict=True):
            grid.add_row(Text(name), Text(f"{text.strip()} {unit}" if unit and text != MISSING else text.strip()))
        console.print(grid)
        console.print()


def _print_grids(console: Console, layout: Layout, widths: list[int], between: int) -> None:
    """The table in parts that are laid out one by one, with columns of these widths."""
    rows = layout.rows()
    heads = layout.names
    if any(layout.units):
        heads = tuple(f"{name}\n{unit}" for name, unit in zip(heads, layout.units, strict=True))
    is_first = True
    while (chunk := list(islice(rows, _AT_ONCE))) or is_first:
        grid = Grid(
            box=box.SIMPLE_HEAD, show_edge=False, padding=(0, between - 1, 0, 0), pad_edge=False, show_header=is_first
        )
        for head, width, right in zip(heads, widths, layout.is_number, strict=True):
            grid.add_column(Text(head), justify="right" if right else "left", overflow="fold", width=width)
        for row in chunk:
            grid.add_row(*map(Text, row))  # Text: data is never taken for markup
        console.print(grid)
        is_first = False


def _folded(widths: list[int], is_unbroken: tuple[bool, ...], room: int) -> list[int]:
    """The widths with the widest texts cut down to one width, the largest at which all columns have room."""

    def total(cap: int) -> int:
        return sum(width if whole else min(width, cap) for width, whole in zip(widths, is_unbroken, strict=True))

    fits = max(bisect_right(range(1, max(widths) + 1), room, key=total), 1)
    return [width if whole else min(width, fits) for width, whole in zip(widths, is_unbroken, strict=True)]
