"""`erfsweep table`: results as a table, by query."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.columns import DEFAULT, parse_names, values, without_constants
from cli.options import DbOption, Format, FormatOption, StoredArgument, store_url
from cli.render.tables import CLASSIC_COLUMNS, print_table

if TYPE_CHECKING:
    from store.engine import Store


def command(
    sweep: StoredArgument = None,
    where: Annotated[
        str | None, typer.Option("--where", metavar="EXPR", help="Keep rows: kernel == 3 and ratio < 0.8.")
    ] = None,
    columns: Annotated[
        str | None, typer.Option("--columns", "-c", metavar="NAMES", help="Columns, between commas; see fields.")
    ] = None,
    sort: Annotated[
        str | None, typer.Option("--sort", metavar="NAMES", help="Sort by columns; a dash in front: descending.")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", "-n", min=1, help="Show at most so many rows.")] = None,
    format_: FormatOption = None,
    db: DbOption = None,
) -> None:
    """Print results as a table, of one sweep or of everything in the store."""
    from store.opening import open_store

    store = open_store(store_url(db), create=False)
    print_sweep(store, sweep, format_, where, columns, sort, limit)


def print_sweep(
    store: "Store",
    sweep: str | None,
    format_: Format | None,
    where: str | None = None,
    columns: str | None = None,
    sort: str | None = None,
    limit: int | None = None,
) -> None:
    """Prints the rows of a sweep, or of everything."""
    from store.query import rows

    names = parse_names(columns)
    asked = CLASSIC_COLUMNS if format_ == "classic" else (names or DEFAULT)
    found = values(rows(store, sweep, where=where, columns=asked, sort=parse_names(sort) or (), limit=limit))
    print_table(without_constants(found) if asked is DEFAULT else found, format_)
