"""What a question to a store answers in Python: rows that become data frames and labelled arrays."""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pipeline.errors import InputError
from store.asking.frames import library
from store.asking.html import html_table
from store.asking.table import Table
from store.asking.tabular import Tabular

if TYPE_CHECKING:
    import xarray

    from store.asking.labelled import Align


class Answer(Tabular):
    """A table that is asked once and read as often as one likes; a notebook shows its first rows.

    images: asks the store for small pictures of the heatmaps of these rows, as HTML; None where there are none.
    """

    def __init__(
        self,
        table: Table,
        labelled: "Callable[[Align], xarray.Dataset] | None" = None,
        images: Callable[[], Sequence[str]] | None = None,
    ) -> None:
        self.table = table
        self._labelled = labelled
        self._images = images

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return self.table.columns

    @property
    def rows(self) -> Collection[tuple[Any, ...]]:
        """The rows, kept packed: each a tuple of str, int, float, bool or None."""
        return self.table.rows

    def dicts(self) -> Iterator[dict[str, Any]]:
        """The rows by column, one at a time."""
        return self.table.dicts()

    def _table(self) -> Table:
        return self.table

    def to_xarray(self, align: "Align" = "plane") -> "xarray.Dataset":
        """The rows with their heatmaps and curves as labelled arrays along `config`; asks the store again.

        See `store.asking.labelled.dataset` for the arrays and for `align`. Raises InputError where xarray is not
        installed (the extra `xarray`), for a table that is grouped, turned or of several masses, and for heatmaps that
        cannot be aligned so.
        """
        library("xarray")
        if self._labelled is None:
            raise InputError(
                "to_xarray takes a row for each config; ask for the table without over and pivot, and for one mass"
            )
        return self._labelled(align)

    def __len__(self) -> int:
        return len(self.table.rows)

    def __repr__(self) -> str:
        return f"<{len(self):,} rows of {', '.join(self.columns)}>"

    def _repr_html_(self) -> str:
        return html_table(self.table, None if self._images is None else self._images())
