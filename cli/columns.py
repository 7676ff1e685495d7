"""The columns of a table as a user names them and as a format shows them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cli.options import MACHINE_FORMATS
from pipeline.errors import InputError, quote

if TYPE_CHECKING:
    from cli.options import TableFormat
    from store.asking.table import Table


def fitted(table: "Table", format_: "TableFormat | None") -> "Table":
    """The table of default columns as a format shows it: the same columns whatever the rows hold, in their order, for a
    program; for a reader without the axes that all rows share, and without states where all is well.
    """
    from cli.render.tables import default_format  # here: names are parsed where nothing is printed
    from store.asking.columns import without_constants

    return table if (format_ or default_format()) in MACHINE_FORMATS else without_constants(table)


def parse_names(text: str | None, option: str) -> Sequence[str] | None:
    """Names between commas. Raises InputError for none, or one given twice."""
    if text is None:
        return None
    names = [name.strip() for name in text.split(",")]
    if not all(name.strip("-") for name in names):
        raise InputError(f"{option} {quote(text)} lacks a name; write {option} config,eff_rf")
    twice = [name for position, name in enumerate(names) if name in names[:position]]
    if twice:
        raise InputError(f"{option} names {quote(twice[0])} twice; keep one")
    return names
