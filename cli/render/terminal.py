"""Tables on a terminal."""

from rich import box
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from cli.render.cells import cell
from cli.render.tables import Table, numeric_columns
from cli.render.visible import visible

FOLDED = 24
"""Text of more characters than this may be folded into lines; numbers and shorter text stand in one line."""
_BETWEEN = 2
"""Blanks between two columns, or one where the table fits only so."""


def print_pretty(table: Table) -> None:
    """Prints a table to a terminal; row by row, a field in a line, where the terminal is too narrow for its columns."""
    console = Console(highlight=False)
    names = [*map(visible, table.columns)]
    texts = [[cell(value) for value in row] for row in table.rows]
    widths = [max(map(len, column)) for column in zip(names, *texts, strict=True)]
    needed = sum(min(width, FOLDED) for width in widths) + len(widths) - 1
    if needed <= console.width or len(widths) <= 2:
        between = 1 if needed + (_BETWEEN - 1) * (len(widths) - 1) > console.width else _BETWEEN
        grid = Grid(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, between - 1, 0, 0), pad_edge=False)
        for name, width, right in zip(names, widths, numeric_columns(table), strict=True):
            grid.add_column(
                Text(name), justify="right" if right else "left", overflow="fold", min_width=min(width, FOLDED)
            )
        for row in texts:
            grid.add_row(*map(Text, row))  # Text: data is never taken for markup
        console.print(grid)
        return
    for row in texts:
        grid = Grid(box=None, show_header=False, pad_edge=False)
        grid.add_column(no_wrap=True, style="dim")
        grid.add_column(overflow="fold")
        for name, text in zip(names, row, strict=True):
            grid.add_row(Text(name), Text(text))
        console.print(grid)
        console.print()
