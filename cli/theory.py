"""`erfsweep theory`: the receptive-field walk of a stem, layer by layer, without measuring."""

import re
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import Format, FormatOption

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
    "rf_min",
    "rf_min_y",
    "jump",
    "jump_y",
    "start",
    "start_y",
    "padding",
    "padding_y",
    "cover",
)


def command(
    stem: Annotated[
        str,
        typer.Argument(
            metavar="STEM", help="A stem in the notation, or a file with one: text, a sweep file, an ONNX model."
        ),
    ],
    input_: Annotated[
        str | None,
        typer.Option(
            "--input",
            "-i",
            metavar="PLANE",
            help="The input plane: 224, 224x320 or 224x224x3; by default one that contains the window.",
        ),
    ] = None,
    last: Annotated[bool, typer.Option("--last", help="Only the output: its row, its halo and its windows.")] = False,
    unit: Annotated[
        str | None,
        typer.Option("--unit", metavar="Y,X", help="Only the region of the input that this unit of the output sees."),
    ] = None,
    channel: Annotated[
        int | None, typer.Option("--channel", help="The unit's channel, where channels see different regions.")
    ] = None,
    format_: FormatOption = None,
) -> None:
    """Print a stem's receptive field layer by layer, without measuring.

    RF (the largest, and the smallest where branches differ), jump (stride so far), start (centre of the first unit's
    window), padding, and the share of the plane covered. Lengths are in pixels of the input, and places are pixel
    indices: 0 is the centre of the first pixel. The halo is how far windows reach beyond the place of their unit.
    """
    from msgspec.structs import asdict

    from cli.render.tables import print_one
    from pipeline.errors import InputError
    from pipeline.sweep.walked import network_of
    from pipeline.theory import region, theory

    if channel is not None and unit is None:
        raise InputError("--channel needs a unit; name one by --unit Y,X")
    if unit is not None and last:
        raise InputError("--unit and --last are two questions; ask one at a time")
    nodes = network_of(stem, input_)
    if unit is not None:
        print_one(asdict(region(nodes, _unit(unit), channel)), format_)
        return
    walk = theory(nodes)
    if last:
        print_one(_output(walk), format_)
    else:
        _print_rows(walk, format_)
        _say_of_layers(walk)
    _say_of_output(walk)


def _unit(text: str) -> tuple[int, int]:
    from pipeline.errors import InputError, quote

    match = re.fullmatch(r"\s*([0-9]{1,9})\s*,\s*([0-9]{1,9})\s*", text)
    if match is None:
        raise InputError(f"--unit {quote(text)} is no place in the output; write its row and its column: --unit 3,5")
    return int(match[1]), int(match[2])


def _output(walk: "Walk") -> dict[str, object]:
    """The last row with the halo of the output's units and the sizes of their windows."""
    fields: dict[str, object] = {name: getattr(walk.rows[-1], name) for name in COLUMNS}
    sides = ("top", "bottom", "left", "right")
    fields |= {f"halo_{side}": None if walk.halo is None else getattr(walk.halo, side) for side in sides}
    for name in ("heights", "widths"):
        sizes = () if walk.halo is None else getattr(walk.halo, name)
        fields[f"window_{name}"] = ", ".join(map(str, sizes)) or None
    return fields


def _print_rows(walk: "Walk", format_: Format | None) -> None:
    from cli.render.tables import default_format, print_table
    from store.asking.table import Table

    names = COLUMNS
    if (format_ or default_format()) == "table":  # to fit on a terminal
        if all(row.rf == row.rf_min and row.rf_y == row.rf_min_y for row in walk.rows):
            names = tuple(name for name in names if not name.startswith("rf_min"))
        if _is_square(walk):
            names = tuple(name for name in names if not name.endswith("_y"))
    print_table(Table(names, [tuple(getattr(row, name) for name in names) for row in walk.rows]), format_)


def _say_of_layers(walk: "Walk") -> None:
    """Says on stderr which layers stand out, each in a sentence and only where it is so."""
    from cli.render.words import listed

    for axis, covered, idle in (("x", walk.covered_x, walk.idle_x), ("y", walk.covered_y, walk.idle_y)):
        if covered is not None:
            sys.stderr.write(f"layer {covered} is the first whose centre unit sees the whole plane along {axis}\n")
        if idle:
            sys.stderr.write(f"layers that add nothing along {axis}: {listed(idle)}\n")


def _say_of_output(walk: "Walk") -> None:
    """Says on stderr what the row of the output does not: what its units see, by position, and their halo."""
    if walk.global_layer is not None:
        layer = walk.rows[walk.global_layer].layer
        sys.stderr.write(
            f"layer {walk.global_layer}, {layer}, reads the whole plane: windows behind it are all of it\n"
        )
    halo, row = walk.halo, walk.rows[-1]
    if halo is None:
        return
    for axis, rf, sizes in (("x", row.rf, halo.widths), ("y", row.rf_y, halo.heights)):
        if sizes != (rf,):
            sys.stderr.write(
                f"rf {rf:g} along {axis} is the arithmetic's, and no unit's window; by position, windows are "
                f"{' or '.join(map(str, sizes))} px\n"
            )
    sides = [f"{side} {getattr(halo, side):g}" for side in ("top", "bottom", "left", "right")]
    sys.stderr.write(f"halo, for tiles: {', '.join(sides)} px\n")


def _is_square(walk: "Walk") -> bool:
    """Whether y repeats what x says."""
    pairs = ((name.removesuffix("_y"), name) for name in COLUMNS if name.endswith("_y"))
    return all(getattr(row, x) == getattr(row, y) for x, y in pairs for row in walk.rows)
