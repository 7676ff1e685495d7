"""`erfsweep growth`: how sizes grow with depth."""

from typing import Annotated, TypeAlias

import typer

from cli import completion
from cli.options import DbOption, FormatOption, StoredArgument, store_url
from cli.selection import CenterOption, MassOption, WhereOption

SizeOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--size", metavar="NAME", help="Which size, as `erfsweep fields` lists them.", autocompletion=completion.sizes
    ),
]


def command(
    sweep: StoredArgument = None,
    size: SizeOption = "luo",
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
    from cli.columns import fitted
    from cli.opened import opened
    from cli.render.tables import print_table
    from cli.selection import tell_if_none
    from store.asking.growth import growth_columns, growth_table
    from store.asking.reading import read
    from store.asking.selection import Selection

    store = opened(store_url(db), create=False)
    selection = Selection(sweep, where, (), None, mass, center)
    found = read(store, selection, growth_columns(size))
    tell_if_none(store, selection, found)
    print_table(fitted(growth_table(found, size), format_), format_)
