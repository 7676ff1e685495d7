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
        help="Average over an axis, such as seed: mean, standard deviation and 95 % interval of each column.",
        autocompletion=completion.axes,
    ),
]
MapOption: TypeAlias = Annotated[
    MapName | None,
    typer.Option(
        "--map", help="With --over: also the sizes of the mean heatmap of each group, or of its mean squared heatmap."
    ),
]
