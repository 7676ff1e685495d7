"""The columns of a table as a user names them and as a format shows them."""

from collections.abc import Sequence

from cli.options import MACHINE_FORMATS, TableFormat
from cli.render.tables import default_format
from pipeline.errors import InputError, quote
from store.asking.columns import without_constants
from store.asking.table import Table


def fitted(table: Table, format_: TableFormat | None) -> Table:
    """The table of default columns as a format shows it: the same columns whatever the rows hold, in their order, for a
    program; for a reader without the axes that all rows share, and without states where all is well.
    """
    return table if (format_ or default_format()) in MACHINE_FORMATS else without_constants(table)


def parse_names(text: str | None, option: str) -> Sequence[str] | None:
    """Names between commas. Raises InputError for none, or one given twice."""
    if text is None:
        return None
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise InputError(f"{option} {quote(text)} lacks a name; write {option} config,eff_rf")
    twice = [name for position, name in enumerate(names) if name in names[:position]]
    if twice:
        raise InputError(f"{option} names {quote(twice[0])} twice; keep one")
    return names
