"""`erfsweep presets`: the sweep files that ship."""

import sys
from typing import Annotated

import typer

from cli import named
from cli.options import FormatOption


def command(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="Print this preset's sweep file.", autocompletion=named.presets),
    ] = None,
    format_: FormatOption = None,
) -> None:
    """List the presets, or print one as a sweep file to start from."""
    from cli.render.tables import print_table
    from pipeline.errors import InputError, quote
    from pipeline.sweep.presets import preset_names, preset_text
    from pipeline.sweep.sweep import preset_spec, sweep
    from store.asking.table import Table

    if name is None:
        found = [(each, preset_spec(each) or {}) for each in preset_names()]
        rows = [(each, sweep(spec).size, str(spec.get("description", ""))) for each, spec in found]
        print_table(Table(("preset", "configs", "description"), rows), format_)
    elif name in preset_names():
        sys.stdout.write(preset_text(name))
    else:
        raise InputError(f"there is no preset {quote(name)} (there are {', '.join(preset_names())})")
