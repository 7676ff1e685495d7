"""`erfsweep submit`: the first half of `run`, queueing without measuring."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import (
    AppendOption,
    DbOption,
    MaxConfigsOption,
    NameOption,
    ReplaceOption,
    SetOption,
    parse_settings,
    store_url,
)

if TYPE_CHECKING:
    from pipeline.sweep import Sweep
    from store.engine import Store
    from store.sweeps import Mode

DEFAULT_MAX_CONFIGS = 1_000_000


def command(
    sweep: Annotated[str, typer.Argument(metavar="SWEEP", help="A sweep file, a preset, a stored sweep, or a stem.")],
    settings: SetOption = None,
    name: NameOption = None,
    append: AppendOption = False,
    replace: ReplaceOption = False,
    max_configs: MaxConfigsOption = DEFAULT_MAX_CONFIGS,
    db: DbOption = None,
) -> None:
    """Queue a sweep without measuring it; `erfsweep work` measures."""
    from cli.resolve import resolve
    from store.opening import open_store

    store = open_store(store_url(db))
    found = resolve(sweep, parse_settings(settings), name, store)
    sys.stdout.write(queue(store, found, mode_of(append, replace), max_configs)[1] + "\n")


def mode_of(append: bool, replace: bool) -> "Mode":
    """What is to happen where the sweep's name is taken. Raises InputError for both at once."""
    from pipeline.errors import InputError

    if append and replace:
        raise InputError("--append and --replace exclude each other; give one")
    return "append" if append else "replace" if replace else "new"


def queue(store: "Store", found: "Sweep | str", mode: "Mode", max_configs: int) -> tuple[str, str]:
    """Queues a sweep; its name, and a sentence that says what that came to. A stored sweep stays as it is."""
    from pipeline.cost import expected_seconds
    from pipeline.sweep import check_size
    from store.provenance import origin
    from store.sweeps import submit

    if isinstance(found, str):
        return found, f"sweep {found} is stored already"
    check_size(found, max_configs)
    made = submit(store, found.name, found.spec, found, origin(), mode, cost=expected_seconds)
    return made.sweep, f"sweep {made.sweep}: {made.configs} configs, {made.new} new"
