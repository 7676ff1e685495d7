"""`erfsweep submit`: the first half of `run`, queueing without measuring."""

import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import named
from cli.options import (
    AppendOption,
    DbOption,
    MaxConfigsOption,
    NameOption,
    ReplaceOption,
    SetOption,
    store_url,
)
from cli.settings import parse_settings
from pipeline.limits import DEFAULT_MAX_CONFIGS

if TYPE_CHECKING:
    from pipeline.config import Config
    from pipeline.sweep.names import Labelled
    from store.database.connection import Store
    from store.queue.sweeps import Mode


def command(
    sweep: Annotated[
        str,
        typer.Argument(
            metavar="SWEEP",
            help="A sweep file, a preset, a stored sweep, or stems separated by commas.",
            autocompletion=named.sweeps,
        ),
    ],
    settings: SetOption = None,
    name: NameOption = None,
    append: AppendOption = False,
    replace: ReplaceOption = False,
    max_configs: MaxConfigsOption = DEFAULT_MAX_CONFIGS,
    db: DbOption = None,
) -> None:
    """Queue a sweep without measuring it; `erfsweep work` measures."""
    mode = mode_of(append, replace)
    *_, said = queue(store_url(db), sweep, parse_settings(settings), name, mode, max_configs)
    sys.stdout.write(said + "\n")


def mode_of(append: bool, replace: bool) -> "Mode":
    """What is to happen where the sweep's name is taken. Raises InputError for both at once."""
    from pipeline.errors import InputError

    if append and replace:
        raise InputError("--append and --replace exclude each other; give one")
    return "append" if append else "replace" if replace else "new"


def queue(
    url: str, sweep: str, overrides: Mapping[str, Any], name: str | None, mode: "Mode", max_configs: int
) -> "tuple[Store, str, str]":
    """Queues what SWEEP stands for: the store, the sweep's name in it, and a sentence that says what that came to.

    A stored sweep stays as it is. The store is made only for a sweep that can be used.
    """
    from cli.opened import opened, opened_if_there
    from cli.progress import tracked
    from cli.render.words import orphans_left
    from pipeline.engines.interrupts import interrupts_held
    from pipeline.errors import counted
    from pipeline.sweep.checked import Anew, checked
    from store.asking.resolve import resolve
    from store.queue.sweeps import submit_sweep

    store = opened_if_there(url)
    found = resolve(sweep, overrides, name, store)
    if isinstance(found, str):
        return store or opened(url), found, f"sweep {found} is stored already"
    listed = checked(found, max_configs, lambda each: tracked(each, found.size, "reading"))
    store = store or opened(url)
    with interrupts_held() as give_way:

        def configs() -> "Iterator[Labelled]":
            for each in tracked(listed, found.size, "queueing"):
                give_way()  # between two configs Ctrl-C is not lost, and nothing of the sweep stays
                yield each

        made = submit_sweep(store, found, Anew(configs), mode, cost=_expected_seconds)
    again = 0 if mode == "append" else found.size - made.configs
    twice = f", {again} dropped that came again" if again else ""
    left = f"; {orphans_left(made.orphans)}" if made.orphans else ""
    return store, made.sweep, f"sweep {made.sweep}: {counted(made.configs, 'config')}, {made.new:,} new{twice}{left}"


def _expected_seconds(config: "Config") -> float:
    from pipeline.gradient import expected_seconds  # with the plan of a config, which a stored sweep does without

    return expected_seconds(config)
