"""`erfsweep table`: results as a table, by query."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cli import completion
from cli.columns import fitted, parse_names
from cli.grouped import MapOption, OverOption
from cli.options import MACHINE_FORMATS, DbOption, StoredArgument, TableFormat, TableFormatOption, store_url
from cli.render import classic
from cli.render.tables import default_format, print_table
from cli.selection import CenterOption, MassOption, WhereOption
from pipeline.limits import MAX_INT64
from store.asking.selection import MapName, Selection
from store.asking.table import Table

if TYPE_CHECKING:
    from store.database.connection import Store


def command(
    sweep: StoredArgument = None,
    where: WhereOption = None,
    columns: Annotated[
        str | None,
        typer.Option(
            "--columns",
            "-c",
            metavar="NAMES",
            help="Columns, groups, patterns or all, separated by commas; see fields.",
            autocompletion=completion.columns,
        ),
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option(
            "--sort",
            metavar="NAMES",
            help="Sort by columns; a dash in front sorts in descending order.",
            autocompletion=completion.sorting,
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", min=1, max=MAX_INT64, help="Show at most this many rows.")
    ] = None,
    over: OverOption = None,
    map_: MapOption = None,
    mass: MassOption = None,
    center: CenterOption = "unit",
    format_: TableFormatOption = None,
    db: DbOption = None,
) -> None:
    """Print results as a table, of one sweep or of the whole store."""
    from cli.opened import opened

    store = opened(store_url(db), create=False)
    selection = Selection(sweep, where, tuple(parse_names(sort, "--sort") or ()), limit, mass, center)
    print_table(_table(store, selection, columns, format_, over, map_), format_)


def _table(
    store: "Store",
    selection: Selection,
    columns: str | None,
    format_: TableFormat | None,
    over: str | None,
    map_: MapName | None,
) -> Table:
    """The table that the options ask for. Raises InputError for options that exclude each other."""
    from cli.selection import tell_if_none
    from pipeline.errors import InputError
    from store.asking.tables import table_of

    names = parse_names(columns, "--columns")
    if format_ == "classic" and (over or names) and not (map_ and not over):
        raise InputError("--format classic is the original's table; it goes without --over and --columns")
    found = table_of(store, selection, classic.COLUMNS if format_ == "classic" else names, over, map_)
    tell_if_none(store, selection, found)
    return found if names or format_ == "classic" else fitted(found, format_)


_MOST_ROWS = 40
"""Of a sweep that was run, for a reader."""


def print_sweep(store: "Store", sweep: str, format_: TableFormat | None) -> None:
    """Prints the rows of a sweep: for a reader the first of many, and on stderr how to see the rest."""
    from store.asking.query import count

    chosen = format_ or default_format()
    total = count(store, sweep)
    limit = None if chosen in (*MACHINE_FORMATS, "classic") or total <= _MOST_ROWS else _MOST_ROWS
    print_table(_table(store, Selection(sweep, limit=limit), None, format_, None, None), format_)
    if limit is not None:
        sys.stderr.write(f"the first {limit} of {total:,} rows; `erfsweep table {sweep}` prints all of them\n")
