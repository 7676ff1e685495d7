"""`erfsweep requeue`: queue again what failed."""

import sys
from typing import Annotated

import typer

from cli.options import DbOption, StoredArgument, store_url


def command(
    sweep: StoredArgument = None,
    failed: Annotated[bool, typer.Option("--failed", help="What failed.")] = False,
    killed: Annotated[bool, typer.Option("--killed", help="What ended its worker.")] = False,
    db: DbOption = None,
) -> None:
    """Queue again what failed or was killed. Both, if neither option is given."""
    from cli.opened import opened
    from pipeline.errors import counted
    from store.queue.claims import requeue

    both = failed == killed
    number = requeue(opened(store_url(db), create=False), sweep, failed=failed or both, killed=killed or both)
    sys.stdout.write(f"{counted(number, 'config')} queued again\n")
