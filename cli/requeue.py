"""`erfsweep requeue`: queue again what failed."""

import sys
from typing import Annotated

import typer

from cli.options import DbOption, StoredArgument, store_url


def command(
    sweep: StoredArgument = None,
    failed: Annotated[bool, typer.Option("--failed", help="Queue failed configs.")] = False,
    killed: Annotated[bool, typer.Option("--killed", help="Queue configs that ended their worker.")] = False,
    db: DbOption = None,
) -> None:
    """Queue failed and killed configs again. Without an option: both."""
    from cli.opened import opened
    from pipeline.errors import counted
    from store.queue.claims import requeue

    both = failed == killed
    number = requeue(opened(store_url(db), create=False), sweep, failed=failed or both, killed=killed or both)
    sys.stdout.write(f"{counted(number, 'config')} queued again\n")
