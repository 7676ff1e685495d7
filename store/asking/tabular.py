"""What has a table in Python: data frames of it, and its first rows in a notebook."""

from typing import TYPE_CHECKING

from store.asking.frames import pandas_frame, polars_frame
from store.asking.html import html_table
from store.asking.table import Table

if TYPE_CHECKING:
    import pandas
    import polars


class Tabular:
    """The base of what answers a question with one table."""

    __slots__ = ()

    def _table(self) -> Table:
        raise NotImplementedError

    def to_pandas(self) -> "pandas.DataFrame":
        """The table as a data frame of Int64, boolean, string and float64; NULL is NA, in float64 NaN.

        Raises InputError where pandas is not installed (the extra `pandas`).
        """
        return pandas_frame(self._table())

    def to_polars(self) -> "polars.DataFrame":
        """The table as a data frame of Int64, Boolean, String and Float64; NULL is null.

        Raises InputError where Polars is not installed (the extra `polars`).
        """
        return polars_frame(self._table())

    def _repr_html_(self) -> str:
        return html_table(self._table())
