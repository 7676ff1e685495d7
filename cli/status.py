"""`erfsweep status`: how far a sweep is."""

import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import DbOption, FormatOption, StoredArgument, store_url

if TYPE_CHECKING:
    from store.asking.query import Status


def command(
    sweep: StoredArgument = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Print again every 2 s, in place, until nothing is left.")
    ] = False,
    format_: FormatOption = None,
    db: DbOption = None,
) -> None:
    """Count configs by state, with the rate and the time left."""
    from cli.health import print_health
    from cli.opened import opened
    from cli.render.redraw import Redrawn
    from cli.render.tables import print_one
    from store.asking.query import status

    store = opened(store_url(db), create=False)
    found = status(store, sweep)
    with Redrawn() as frame:
        while True:
            frame.begin()
            print_one(_described(found), format_)
            if not watch or not (found.states["queued"].configs or found.states["running"].configs):
                break
            sys.stdout.flush()
            time.sleep(2)
            found = status(store, sweep)
    print_health(store, sweep, found.states)


def _described(found: "Status") -> dict[str, Any]:
    return {
        "sweep": found.sweep,
        "configs": found.configs,
        **{state: count.configs for state, count in found.states.items()},
        "per_second": found.pace.configs,
        "seconds_left": found.seconds_left,
        "held_by": ", ".join(f"{each.owner.place} ({each.configs})" for each in found.holders) or None,
    }
