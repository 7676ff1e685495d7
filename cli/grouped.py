"""`--over` and `--map`: the options of a grouped table."""

from typing import Annotated, TypeAlias

import typer

from cli import completion
from store.asking.choices import MapName

OverOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--over",
        metavar="AXIS",
        help="Average over an axis such as seed: mean, deviation, 95 % interval.",
        autocompletion=completion.axes,
    ),
]
MapOption: TypeAlias = Annotated[
    MapName | None,
    typer.Option("--map", help="With --over: also the sizes of the mean heatmap of a group, or of its mean square."),
]
