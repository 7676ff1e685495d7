"""`erfsweep table`: results as a table, by query."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from cli import completion
from cli.columns import fitted, parse_names
from cli.grouped import MapOption, OverOption
from cli.options import MACHINE_FORMATS, DbOption, StoredArgument, TableFormat, TableFormatOption, store_url
from cli.render import classic
from cli.render.tables import default_format, print_table
from cli.selection import (
    CenterOption,
    ColumnsOption,
    LimitOption,
    MassesOption,
    SortOption,
    WhereOption,
    parse_masses,
)
from store.asking.selection import MapName, Selection
from store.asking.table import Table

if TYPE_CHECKING:
    from store.database.connection import Store


def command(
    sweep: StoredArgument = None,
    where: WhereOption = None,
    columns: ColumnsOption = None,
    sort: SortOption = None,
    limit: LimitOption = None,
    over: OverOption = None,
    map_: MapOption = None,
    mass: MassesOption = None,
    center: CenterOption = "unit",
    diff: Annotated[bool, typer.Option("--diff", help="Leave out columns that are the same in all rows.")] = False,
    pivot: Annotated[
        str | None,
        typer.Option(
            "--pivot",
            metavar="NAMES",
            help="Columns down the side and, the last one, across the top: depth,kernel.",
            autocompletion=completion.columns,
        ),
    ] = None,
    value: Annotated[
        str | None,
        typer.Option(
            "--value",
            metavar="NAMES",
            help="With --pivot: the column in the cells, as ratio.",
            autocompletion=completion.columns,
        ),
    ] = None,
    format_: TableFormatOption = None,
    db: DbOption = None,
) -> None:
    """Print results as a table, of one sweep or of the whole store."""
    from cli.opened import opened

    store = opened(store_url(db), create=False)
    selection = Selection(sweep, where, tuple(parse_names(sort, "--sort") or ()), limit, None, center)
    asked = _Asked(
        parse_names(columns, "--columns"),
        over,
        map_,
        parse_masses(mass),
        diff,
        parse_names(pivot, "--pivot") or (),
        parse_names(value, "--value") or (),
    )
    print_table(_table(store, selection, asked, format_), format_)


class _Asked(NamedTuple):
    """What a table is to have, as the options say it."""

    columns: Sequence[str] | None = None
    over: str | None = None
    map: MapName | None = None
    masses: Sequence[float] = ()
    diff: bool = False
    pivot: Sequence[str] = ()
    values: Sequence[str] = ()


def _table(store: "Store", selection: Selection, asked: _Asked, format_: TableFormat | None) -> Table:
    """The table that the options ask for. Raises InputError for options that exclude each other."""
    from cli.selection import tell_if_none
    from pipeline.errors import InputError
    from store.asking.tables import table_of

    columns, over, map_, masses, diff, pivot, values = asked
    is_classic = format_ == "classic"
    if is_classic and (over or columns or diff or pivot or len(masses) > 1) and not (map_ and not over):
        raise InputError(
            "--format classic is the original's table; it goes without --over, --columns, --diff, --pivot and several "
            "--mass"
        )
    columns = classic.COLUMNS if is_classic else columns
    found = table_of(store, selection, columns, over, map_, masses=masses, diff=diff, pivot=pivot, values=values)
    tell_if_none(store, selection, found)
    return found if columns or diff or pivot else fitted(found, format_)


_MOST_ROWS = 40
"""Of a sweep that was run, for a reader."""


def print_sweep(store: "Store", sweep: str, format_: TableFormat | None) -> None:
    """Prints the rows of a sweep: for a reader the first of many, and on stderr how to see the rest."""
    from store.asking.query import count

    chosen = format_ or default_format()
    total = count(store, sweep)
    limit = None if chosen in (*MACHINE_FORMATS, "classic") or total <= _MOST_ROWS else _MOST_ROWS
    print_table(_table(store, Selection(sweep, limit=limit), _Asked(), format_), format_)
    if limit is not None:
        sys.stderr.write(f"the first {limit} of {total:,} rows; `erfsweep table {sweep}` prints all of them\n")
