"""How a table stands before a reader: the text of its cells, their side and their width, and the heads with units."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from cli.render.digits import formats
from cli.render.spreads import Unbroken
from store.asking.heads import units
from store.asking.shown import visible
from store.asking.table import Table


class Layout(msgspec.Struct, frozen=True):
    """Names and units of the columns, and which of them hold numbers, or cells that stand in one line as these do."""

    table: Table
    names: tuple[str, ...]
    units: tuple[str, ...]
    is_number: tuple[bool, ...]
    is_unbroken: tuple[bool, ...]
    writers: tuple[Callable[[Any], str], ...]

    @property
    def heads(self) -> tuple[str, ...]:
        """The names, with units where there are any."""
        return tuple(f"{name} [{unit}]" if unit else name for name, unit in zip(self.names, self.units, strict=True))

    def rows(self) -> Iterator[list[str]]:
        """The cells of each row as text."""
        for row in self.table.rows:
            yield [write(value) for write, value in zip(self.writers, row, strict=True)]

    def widths(self, heads: tuple[str, ...], length: Callable[[str], int] = len) -> list[int]:
        """The length of the longest cell of each column, its head among them."""
        widths = [length(head) for head in heads]
        for row in self.rows():
            widths = [max(width, length(text)) for width, text in zip(widths, row, strict=True)]
        return widths


def layout_of(table: Table) -> Layout:
    """The layout of a table: numbers stand to the right, with as many decimals as their column needs."""
    count = len(table.columns)
    no_text, some_number, unbroken = [True] * count, [False] * count, [True] * count
    for row in table.rows:
        for i, value in enumerate(row):
            if value is not None:
                has_number = isinstance(value, int | float)
                is_cell = isinstance(value, Unbroken)
                no_text[i] = no_text[i] and (has_number or is_cell)
                some_number[i] = some_number[i] or is_cell or not isinstance(value, bool)
                unbroken[i] = unbroken[i] and (has_number or is_cell)
    is_number = tuple(both and number for both, number in zip(no_text, some_number, strict=True))
    return Layout(
        table,
        tuple(visible(name) for name in table.columns),
        units(table),
        is_number,
        tuple(unbroken),
        tuple(formats(table)),
    )
