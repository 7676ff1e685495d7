"""`erfsweep pareto`: the results that no other beats in several objectives."""

import sys
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from cli import completion
from cli.grouped import OverOption
from cli.options import DbOption, FormatOption, StoredArgument, store_url
from cli.selection import CenterOption, ColumnsOption, LimitOption, MassOption, SortOption, WhereOption

if TYPE_CHECKING:
    from store.asking.pareto import Front

MaxOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--max",
        metavar="NAMES",
        help="Columns of which more is better, separated by commas, such as luo.",
        autocompletion=completion.columns,
    ),
]
MinOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--min",
        metavar="NAMES",
        help="Columns of which less is better, such as macs,params.",
        autocompletion=completion.columns,
    ),
]


def command(
    sweep: StoredArgument = None,
    max_: MaxOption = None,
    min_: MinOption = None,
    where: WhereOption = None,
    columns: ColumnsOption = None,
    sort: SortOption = None,
    limit: LimitOption = None,
    over: OverOption = None,
    mass: MassOption = None,
    center: CenterOption = "unit",
    format_: FormatOption = None,
    db: DbOption = None,
) -> None:
    """Print the Pareto front: the results that no other beats.

    A result beats another if it is at least as good in every objective and better in one. Results that are equal in all
    objectives are on the front together. Rows that lack an objective (dead, failed, not measured) take no part, and
    stderr says how many there are. With --over, the means of groups are compared. The best in the first objective comes
    first; --max comes before --min.
    """
    from cli.columns import fitted, parse_names
    from cli.opened import opened
    from cli.render.tables import print_table
    from store.asking.pareto import front, objectives
    from store.asking.selection import Selection

    wanted = objectives(parse_names(max_, "--max") or (), parse_names(min_, "--min") or ())
    store = opened(store_url(db), create=False)
    selection = Selection(sweep, where, (), None, mass, center)
    names = parse_names(columns, "--columns")
    found = front(store, selection, wanted, names, over)
    table = found.table(parse_names(sort, "--sort") or (), limit)
    print_table(table if names else fitted(table, format_), format_)
    tell_lacking(found, where)


def tell_lacking(found: "Front", where: str | None) -> None:
    """Says on stderr how many rows took no part, and that there were none at all where a condition is why."""
    from pipeline.errors import counted, quote

    for name, count in found.lacking.items():
        has, takes = ("has", "takes") if count == 1 else ("have", "take")
        sys.stderr.write(f"{count:,} of {counted(found.rows, 'row')} {has} no {name} and {takes} no part\n")
    if not found.rows and where is not None:
        sys.stderr.write(f"no row meets --where {quote(where)}\n")
