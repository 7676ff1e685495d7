"""`erfsweep table`: results as a table, by query."""

from typing import Annotated

import typer

from cli import completion
from cli.grouped import MapOption, OverOption
from cli.options import DbOption, StoredArgument, TableFormatOption, store_url
from cli.selection import (
    CenterOption,
    ColumnsOption,
    LimitOption,
    MassesOption,
    SortOption,
    WhereOption,
    parse_masses,
)


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
            help="Turn the table: the last of these columns goes across the top, the others down the side.",
            autocompletion=completion.columns,
        ),
    ] = None,
    value: Annotated[
        str | None,
        typer.Option(
            "--value",
            metavar="NAMES",
            help="With --pivot: the columns whose values stand in the cells, such as ratio.",
            autocompletion=completion.columns,
        ),
    ] = None,
    thumbnails: Annotated[
        bool, typer.Option("--thumbnails", help="With --format html: add a small picture of each heatmap.")
    ] = False,
    format_: TableFormatOption = None,
    db: DbOption = None,
) -> None:
    """Print results as a table, of one sweep or of the whole store."""
    from cli.columns import parse_names
    from cli.opened import opened
    from cli.rows import Asked, print_rows
    from store.asking.selection import Selection

    store = opened(store_url(db), create=False)
    selection = Selection(sweep, where, tuple(parse_names(sort, "--sort") or ()), limit, None, center)
    asked = Asked(
        parse_names(columns, "--columns"),
        over,
        map_,
        parse_masses(mass),
        diff,
        parse_names(pivot, "--pivot") or (),
        parse_names(value, "--value") or (),
        thumbnails,
    )
    print_rows(store, selection, asked, format_)
