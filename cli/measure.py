"""`erfsweep measure --again`: new sizes from old heatmaps."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import DbOption, StoredArgument, store_url

if TYPE_CHECKING:
    pass


def command(
    sweep: StoredArgument = None,
    again: Annotated[bool, typer.Option("--again", help="Take all sizes from the stored heatmaps anew.")] = False,
    db: DbOption = None,
) -> None:
    """Read sizes off the stored heatmaps anew, measuring nothing.

    For a store whose sizes were read by a version that had fewer of them, or other ones.
    """
    from cli.opened import opened
    from cli.selection import read
    from pipeline.errors import InputError, counted
    from store.asking.reading import new_sizes
    from store.asking.selection import Selection
    from store.database.rows import chunks
    from store.queue.saving import save_sizes

    if not again:
        raise InputError("measure takes sizes anew from stored heatmaps; say so with --again (run measures configs)")
    store = opened(store_url(db), create=False)
    listed = read(store, Selection(sweep), ("digest", "spec", "n_nan"))
    changed = 0
    for chunk in chunks(new_sizes(store, listed.dicts())):
        changed += save_sizes(store, chunk)
    sys.stdout.write(f"sizes taken anew: {counted(changed, 'result')}\n")
