"""A table: names of columns, and rows that are read one after the other, as often as one likes."""

from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from math import nan
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from store.database.rows import chunks

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


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


def numbers(table: Table, names: Sequence[str]) -> "Mapping[str, npt.NDArray[np.float64]]":
    """Columns of numbers as float64 [rows], NaN where there is none; none of them where there is no row.

    Raises ValueError for text; its argument is the name of the column.
    """
    import numpy as np

    found = [array("d") for _ in names]
    for chunk in chunks(table.only(names).rows):
        for name, column, values in zip(names, found, zip(*chunk, strict=True), strict=True):
            if str in set(map(type, values)):
                raise ValueError(name)
            column.extend(nan if value is None else value for value in values)
    return {name: np.frombuffer(column, np.float64) for name, column in zip(names, found, strict=True) if column}
