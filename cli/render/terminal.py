"""Tables on a terminal."""

from bisect import bisect_right
from itertools import islice
from shutil import get_terminal_size

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from cli.render.cells import cell
from cli.render.layout import numeric_columns, widths_of
from cli.render.visible import visible
from store.asking.table import Table

FOLDED = 24
"""Text of more characters than this may be folded into lines; numbers and shorter text stand in one line."""
_BETWEEN = 2
"""Blanks between two columns, or one where the table fits only so."""


_AT_ONCE = 1000
"""Rows that are laid out together; Rich takes 10 kB for each."""


def print_pretty(table: Table) -> None:
    """Prints a table to a terminal; row by row, a field in a line, where the terminal is too narrow for its columns."""
    size = get_terminal_size()
    console = Console(highlight=False, width=size.columns, height=size.lines)  # else 80 x 25 on one that is called dumb
    names = [visible(name) for name in table.columns]
    widths = widths_of(names, table, cell_len)
    needed = sum(min(width, FOLDED) for width in widths) + len(widths) - 1
    if needed <= console.width or len(widths) <= 2:
        between = 1 if needed + (_BETWEEN - 1) * (len(widths) - 1) > console.width else _BETWEEN
        room = console.width - between * (len(widths) - 1)
        _print_grids(console, table, names, _folded(widths, room), between)
        return
    for row in table.rows:
        grid = Grid(box=None, show_header=False, pad_edge=False)
        grid.add_column(no_wrap=True, style="dim")
        grid.add_column(overflow="fold")
        for name, value in zip(names, row, strict=True):
            grid.add_row(Text(name), Text(cell(value)))
        console.print(grid)
        console.print()


def _print_grids(console: Console, table: Table, names: list[str], widths: list[int], between: int) -> None:
    """The table in parts that are laid out one by one, with columns of these widths."""
    numeric = numeric_columns(table)
    rows = iter(table.rows)
    is_first = True
    while (chunk := list(islice(rows, _AT_ONCE))) or is_first:
        grid = Grid(
            box=box.SIMPLE_HEAD, show_edge=False, padding=(0, between - 1, 0, 0), pad_edge=False, show_header=is_first
        )
        for name, width, right in zip(names, widths, numeric, strict=True):
            grid.add_column(Text(name), justify="right" if right else "left", overflow="fold", width=width)
        for row in chunk:
            grid.add_row(*(Text(cell(value)) for value in row))  # Text: data is never taken for markup
        console.print(grid)
        is_first = False


def _folded(widths: list[int], room: int) -> list[int]:
    """The widths with the widest of them cut down to one width, the largest at which all columns have room."""
    fits = bisect_right(range(1, max(widths) + 1), room, key=lambda cap: sum(min(width, cap) for width in widths))
    return [min(width, max(fits, 1)) for width in widths]
