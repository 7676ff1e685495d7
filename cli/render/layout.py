"""How the columns of a table stand: which side, and how wide."""

from collections.abc import Callable, Sequence

from cli.render.cells import cell
from store.asking.table import Table


def numeric_columns(table: Table) -> list[bool]:
    """Which columns hold numbers, and so stand to the right."""
    no_text, some_number = [True] * len(table.columns), [False] * len(table.columns)
    for row in table.rows:
        for i, value in enumerate(row):
            if value is not None:
                no_text[i] = no_text[i] and isinstance(value, int | float)
                some_number[i] = some_number[i] or not isinstance(value, bool)
    return [both and number for both, number in zip(no_text, some_number, strict=True)]


def widths_of(names: Sequence[str], table: Table, length: Callable[[str], int] = len) -> list[int]:
    """The length of the longest cell of each column, its name among them."""
    widths = [length(name) for name in names]
    for row in table.rows:
        widths = [max(width, length(cell(value))) for width, value in zip(widths, row, strict=True)]
    return widths
