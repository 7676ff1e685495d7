"""`erfsweep measure --again`: new sizes from old heatmaps."""

import sys
from typing import Annotated

import typer

from cli.options import DbOption, StoredArgument, store_url


def command(
    sweep: StoredArgument = None,
    again: Annotated[bool, typer.Option("--again", help="Compute all sizes from the stored heatmaps again.")] = False,
    db: DbOption = None,
) -> None:
    """Compute sizes from the stored heatmaps again, without measuring.

    For a store that a version with fewer or other sizes has written.
    """
    from cli.opened import opened
    from pipeline.errors import InputError, counted
    from store.upkeep.resizing import take_sizes_again

    if not again:
        raise InputError("measure takes sizes anew from stored heatmaps; say so with --again (run measures configs)")
    changed = take_sizes_again(opened(store_url(db), create=False), sweep)
    sys.stdout.write(f"sizes taken anew: {counted(changed, 'result')}\n")
