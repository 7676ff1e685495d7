"""What a shell offers where a sweep or a config is named: stored sweeps, presets, sweep files, ids.

A store in a file is looked into; a server is not asked, since a shell would wait for it at every Tab.
"""

from pathlib import Path

import typer

from cli.completion import unbroken
from cli.place import store_url


def stored_sweeps(context: typer.Context, incomplete: str) -> list[str]:
    """The sweeps of the store whose names begin so."""
    from store.database.glance import sweep_names

    return sweep_names(_url(context), incomplete)


def sweeps(context: typer.Context, incomplete: str) -> list[str]:
    """What `run` takes that begins so: presets, stored sweeps, and sweep files in the working directory."""
    from pipeline.sweep.names import SUFFIXES
    from pipeline.sweep.presets import preset_names

    named = [name for name in preset_names() if name.startswith(incomplete)]
    files = [path.name for path in Path().iterdir() if path.suffix.lower() in SUFFIXES and path.is_file()]
    found = [
        *named,
        *stored_sweeps(context, incomplete),
        *sorted(name for name in files if name.startswith(incomplete)),
    ]
    return [*dict.fromkeys(found)]


def presets(incomplete: str) -> list[str]:
    """The presets whose names begin so."""
    from pipeline.sweep.presets import preset_names

    return [name for name in preset_names() if name.startswith(incomplete)]


def configs(context: typer.Context, incomplete: str) -> list[str]:
    """Places in sweeps and ids that begin so: SWEEP:0 for each sweep, every position once the colon is written."""
    return unbroken(lambda begin: _configs(context, begin), incomplete)


def sweeps_and_configs(context: typer.Context, incomplete: str) -> list[str]:
    """Both: what `compare` takes."""
    return unbroken(lambda begin: [*stored_sweeps(context, begin), *_configs(context, begin)], incomplete)


def _configs(context: typer.Context, incomplete: str) -> list[str]:
    from store.database.glance import config_ids, positions

    sweep, colon, digits = incomplete.partition(":")
    if colon:
        return [f"{sweep}:{position}" for position in positions(_url(context), sweep, digits)]
    places = [f"{name}:0" for name in stored_sweeps(context, incomplete)]
    return [*places, *config_ids(_url(context), incomplete)]


def _url(context: typer.Context) -> str:
    """The URL of the store, as far as the line says it: `--db` after the command or before it."""
    return store_url(context.params.get("db") or context.find_root().params.get("db"))
