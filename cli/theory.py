"""`erfsweep theory`: the receptive-field walk of a stem, layer by layer, without measuring."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import FormatOption

if TYPE_CHECKING:
    from pipeline.theory import Walk

COLUMNS: tuple[str, ...] = (
    "index",
    "layer",
    "height",
    "width",
    "features",
    "rf",
    "rf_y",
    "jump",
    "jump_y",
    "start",
    "start_y",
    "padding",
    "padding_y",
    "cover",
)


def command(
    stem: Annotated[str, typer.Argument(metavar="STEM", help="A stem in the notation, or a file that contains one.")],
    input_: Annotated[
        str | None,
        typer.Option(
            "--input",
            "-i",
            metavar="PLANE",
            help="The input plane: 224, 224x320 or 224x224x3; by default one that contains the window.",
        ),
    ] = None,
    format_: FormatOption = None,
) -> None:
    """Print a stem's receptive field layer by layer, without measuring.

    RF, jump (stride so far), start (centre of the first unit's window), padding, and the share of the plane covered.
    """
    from cli.render.tables import default_format, print_table
    from cli.render.words import listed
    from pipeline.sweep.walked import walked
    from store.asking.table import Table

    walk = walked(stem, input_)
    names = COLUMNS
    if (format_ or default_format()) == "table" and _is_square(walk):
        names = tuple(name for name in COLUMNS if not name.endswith("_y"))  # to fit on a terminal
    print_table(Table(names, [tuple(getattr(row, name) for name in names) for row in walk.rows]), format_)
    for axis, covered, idle in (("x", walk.covered_x, walk.idle_x), ("y", walk.covered_y, walk.idle_y)):
        if covered is not None:
            sys.stderr.write(f"layer {covered} is the first whose centre unit sees the whole plane along {axis}\n")
        if idle:
            sys.stderr.write(f"layers that add nothing along {axis}: {listed(idle)}\n")


def _is_square(walk: "Walk") -> bool:
    """Whether y repeats what x says."""
    pairs = ((name.removesuffix("_y"), name) for name in COLUMNS if name.endswith("_y"))
    return all(getattr(row, x) == getattr(row, y) for x, y in pairs for row in walk.rows)
