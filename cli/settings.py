"""`-s AXIS=VALUES`, as it was written, and the list of the axes."""

from typing import Any

import typer

from pipeline.errors import InputError


def parse_settings(settings: list[str] | None) -> dict[str, Any]:
    """Axes by name from `-s name=values`. Raises InputError for one that is written wrong or given twice.

    `help` among them prints the axes and ends the command.
    """
    from pipeline.sweep.grid import parse_setting

    if "help" in (settings or []):
        _print_axes()
        raise typer.Exit
    found: dict[str, Any] = {}
    for text in settings or []:
        name, values = parse_setting(text)
        if name in found:
            raise InputError(f"-s {name} is given twice; keep one")
        found[name] = values
    return found


def _print_axes() -> None:
    from cli.render.tables import print_table
    from pipeline.sweep.axis_table import axis_table
    from store.asking.table import Table

    print_table(Table(("axis", "takes"), list(axis_table())), None)
