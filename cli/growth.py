"""`erfsweep growth`: how sizes grow with depth."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import DbOption, FormatOption, StoredArgument, store_url
from cli.selection import CenterOption, MassOption, WhereOption
from store.asking.selection import Selection

if TYPE_CHECKING:
    pass


def command(
    sweep: StoredArgument = None,
    size: Annotated[str, typer.Option("--size", metavar="NAME", help="The size; see fields.")] = "luo",
    where: WhereOption = None,
    mass: MassOption = None,
    center: CenterOption = "unit",
    format_: FormatOption = None,
    db: DbOption = None,
) -> None:
    """Fit how a size grows with depth and with theoretical RF.

    For each family of plain stacks the slope of log size against log depth, and against log theoretical RF. A point is
    the mean over the draws of one depth; the interval of a slope is Student's, at 95 %.
    """
    from cli.columns import VARYING, fitted
    from cli.opened import opened
    from cli.render.tables import print_table
    from cli.selection import read
    from store.asking.growth import growth_columns, growth_table

    store = opened(store_url(db), create=False)
    others = tuple(name for name in VARYING if name != "seed")
    found = read(store, Selection(sweep, where, (), None, mass, center), growth_columns(size, others))
    table = growth_table(found, size, others)
    print_table(fitted(table, format_), format_)
