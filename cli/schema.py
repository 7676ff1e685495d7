"""`erfsweep schema`: JSON Schema of a config or of a sweep file, for editors and programs."""

import sys
from typing import Annotated, Literal

import typer


def command(
    of: Annotated[Literal["config", "sweep"], typer.Argument(help="What to describe.")] = "sweep",
) -> None:
    """Print the JSON Schema of a sweep file or of a config."""
    from cli.render.cells import json_text
    from pipeline.sweep.jsonschema import config_schema, sweep_schema

    sys.stdout.write(json_text(config_schema() if of == "config" else sweep_schema()) + "\n")
