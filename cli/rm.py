"""`erfsweep rm`: remove a sweep."""

import sys
from typing import Annotated

import typer

from cli import named
from cli.options import DbOption, store_url


def command(
    sweep: Annotated[str, typer.Argument(metavar="SWEEP", help="A stored sweep.", autocompletion=named.stored_sweeps)],
    force: Annotated[bool, typer.Option("--force", help="Remove it even while it is measured; that run ends.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    db: DbOption = None,
) -> None:
    """Remove a sweep and its results, but for those that another sweep uses."""
    from cli.opened import opened
    from cli.render.words import orphans_left
    from pipeline.errors import InputError, counted, quote
    from store.asking.query import status
    from store.queue.sweeps import remove

    store = opened(store_url(db), create=False)
    if not yes:
        configs = counted(status(store, sweep).configs, "config")
        if not sys.stdin.isatty():
            raise InputError(f"removing sweep {quote(sweep)} with its {configs} wants --yes")
        if not typer.confirm(f"Remove sweep {quote(sweep)} with its {configs} and their results?", err=True):
            return
    gone = remove(store, sweep, force=force)
    orphaned = f"; {orphans_left(gone.orphans)}" if gone.orphans else ""
    removed = counted(gone.removed, "config")
    sys.stdout.write(f"sweep {gone.sweep}: {removed} removed, {gone.kept} kept for other sweeps{orphaned}\n")
