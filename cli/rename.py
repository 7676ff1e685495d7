"""`erfsweep rename`: give a sweep another name."""

import sys
from typing import Annotated

import typer

from cli import named
from cli.options import DbOption, store_url


def command(
    old: Annotated[str, typer.Argument(metavar="OLD", help="A stored sweep.", autocompletion=named.stored_sweeps)],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Its new name.")],
    db: DbOption = None,
) -> None:
    """Give a sweep another name. Its configs and results stay."""
    from cli.opened import opened
    from store.queue.renaming import rename

    rename(opened(store_url(db), create=False), old, new)
    sys.stdout.write(f"sweep {old} is called {new} now\n")
