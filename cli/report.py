"""`erfsweep report`: results as one page for a browser."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.options import DbOption, ImageOption, StoredArgument, store_url
from cli.selection import CenterOption, MassOption, WhereOption
from pipeline.limits import MAX_INT64


def command(
    sweep: StoredArgument = None,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write, in HTML.")] = Path(
        "report.html"
    ),
    where: WhereOption = None,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", min=1, max=MAX_INT64, help="Take at most this many rows.")
    ] = None,
    mass: MassOption = None,
    center: CenterOption = "unit",
    image: ImageOption = True,
    db: DbOption = None,
) -> None:
    """Write results as one page: table, plots, heatmaps, provenance.

    The file opens in a browser from anywhere and loads nothing. Its table sorts and filters, its plots and heatmaps
    follow what is selected. Heatmaps are reduced for it; 5,000 rows take some MB. Needs the extra report.
    """
    from cli.opened import opened
    from cli.render.page.report import write_report
    from cli.selection import tell_none
    from pipeline.errors import amount, counted
    from store.asking.selection import Selection

    store = opened(store_url(db), create=False)
    selection = Selection(sweep, where, (), limit, mass, center)
    made = write_report(store, selection, output, sys.argv, image=image)
    if not made.rows:
        tell_none(store, selection)
    sys.stderr.write(f"{made.file} written: {counted(made.rows, 'row')}, {amount(made.bytes)}\n")
