"""`erfsweep measure --again`: new sizes from old heatmaps."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import DbOption, StoredArgument, store_url

if TYPE_CHECKING:
    from pipeline.result import Sizes


def command(
    sweep: StoredArgument = None,
    again: Annotated[bool, typer.Option("--again", help="Take all sizes from the stored heatmaps anew.")] = False,
    db: DbOption = None,
) -> None:
    """Read sizes off the stored heatmaps anew, measuring nothing.

    For a store whose sizes were read by a version that had fewer of them, or other ones.
    """
    from cli.opened import opened
    from cli.render.tables import Table
    from cli.render.words import counted
    from cli.selection import Selection, read, resized
    from pipeline.errors import InputError
    from store.results import save_sizes

    if not again:
        raise InputError("measure takes sizes anew from stored heatmaps; say so with --again (run measures configs)")
    store = opened(store_url(db), create=False)
    listed: Table = read(store, Selection(sweep), ("digest", "spec", "n_nan"))
    found: list[tuple[str, Sizes]] = []
    changed = 0
    for digest, sizes in resized(store, listed.dicts()):
        found.append((digest, sizes))
        if len(found) == 500:
            changed += save_sizes(store, found)
            found = []
    changed += save_sizes(store, found)
    sys.stdout.write(f"sizes taken anew: {counted(changed, 'result')}\n")
