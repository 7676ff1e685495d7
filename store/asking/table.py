"""A table: names of columns, and rows that are read one after the other, as often as one likes."""

from collections.abc import Collection, Iterator, Sequence
from operator import itemgetter
from typing import Any, NamedTuple


class Table(NamedTuple):
    """Names of columns, and rows of values: str, int, float, bool or None.

    unit: of the numbers in the columns of a turned table, such as `kernel=3`, whose names do not say what they hold.
    """

    columns: tuple[str, ...]
    rows: Collection[tuple[Any, ...]]
    unit: str = ""

    def dicts(self) -> Iterator[dict[str, Any]]:
        """The rows by column, one at a time."""
        return (dict(zip(self.columns, row, strict=True)) for row in self.rows)

    def only(self, columns: Sequence[str]) -> "Table":
        """The table with these of its columns, in this order."""
        if tuple(columns) == self.columns:
            return self
        return Table(tuple(columns), _Part(self.rows, [self.columns.index(name) for name in columns]), self.unit)


class _Part(Collection[tuple[Any, ...]]):
    """Some columns of rows."""

    def __init__(self, rows: Collection[tuple[Any, ...]], places: list[int]) -> None:
        self._rows = rows
        self._places = places

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        if len(self._places) < 2:  # of which an itemgetter makes no tuple
            return (tuple(row[i] for i in self._places) for row in self._rows)
        return map(itemgetter(*self._places), self._rows)

    def __contains__(self, row: object) -> bool:
        return any(each == row for each in self)
