"""`erfsweep measure --again`: new sizes from old heatmaps."""

import sys
from typing import Annotated

import typer

from cli.options import DbOption, StoredArgument, store_url


def command(
    sweep: StoredArgument = None,
    again: Annotated[bool, typer.Option("--again", help="Take all sizes from the stored heatmaps anew.")] = False,
    db: DbOption = None,
) -> None:
    """Read sizes off the stored heatmaps anew, measuring nothing.

    For a store whose sizes were read by a version that had fewer of them, or other ones.
    """
    from cli.opened import opened
    from pipeline.errors import InputError, counted
    from store.upkeep.resizing import take_sizes_again

    if not again:
        raise InputError("measure takes sizes anew from stored heatmaps; say so with --again (run measures configs)")
    changed = take_sizes_again(opened(store_url(db), create=False), sweep)
    sys.stdout.write(f"sizes taken anew: {counted(changed, 'result')}\n")
