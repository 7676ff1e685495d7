"""`erfsweep theory`: the receptive-field walk of a stem, layer by layer, without measuring."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import FormatOption

if TYPE_CHECKING:
    from pipeline.theory.table import Walk

LONGEST_PATH = 255
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
    stem: Annotated[str, typer.Argument(metavar="STEM", help="A stem in the notation, or a file that holds one.")],
    input_: Annotated[
        str | None,
        typer.Option(
            "--input",
            "-i",
            metavar="PLANE",
            help="The input plane: 224, 224x320 or 224x224x3; without it, one that holds the window.",
        ),
    ] = None,
    format_: FormatOption = None,
) -> None:
    """Walk a stem's receptive field layer by layer, measuring nothing.

    RF, jump (stride so far), start (centre of the first unit's window), padding, and the share of the plane covered.
    """
    from cli.render.tables import default_format, print_table
    from cli.render.words import listed
    from pipeline.stem.network import network
    from pipeline.sweep.build import canonical_stem
    from pipeline.sweep.input_plane import input_plane, written_sides
    from pipeline.theory.table import theory
    from store.asking.table import Table

    text = _one_stem(stem_text(stem))
    plane = input_plane(canonical_stem(text), {} if input_ is None else written_sides(input_))
    walked = theory(network(text, plane))
    names = COLUMNS
    if (format_ or default_format()) == "table" and _is_square(walked):
        names = tuple(name for name in COLUMNS if not name.endswith("_y"))  # to fit on a terminal
    print_table(Table(names, [tuple(getattr(row, name) for name in names) for row in walked.rows]), format_)
    for axis, covered, idle in (("x", walked.covered_x, walked.idle_x), ("y", walked.covered_y, walked.idle_y)):
        if covered is not None:
            sys.stderr.write(f"layer {covered} is the first whose centre unit sees the whole plane along {axis}\n")
        if idle:
            sys.stderr.write(f"layers that add nothing along {axis}: {listed(idle)}\n")


def _one_stem(text: str) -> str:
    """The text of a stem. Raises InputError for several, or for the name of a preset."""
    from pipeline.errors import InputError, quote
    from pipeline.sweep.presets import preset_names

    if "," in text:
        raise InputError(f"theory walks one stem at a time, and {quote(text)} has commas; name one of them")
    if text in preset_names():
        raise InputError(f"{quote(text)} is a preset, and theory walks one stem; write one, such as 4x3x3")
    return text


def _is_square(walked: "Walk") -> bool:
    """Whether y repeats what x says."""
    pairs = ((name.removesuffix("_y"), name) for name in COLUMNS if name.endswith("_y"))
    return all(getattr(row, x) == getattr(row, y) for x, y in pairs for row in walked.rows)


def stem_text(text: str) -> str:
    """A stem written on the command line or in a file.

    Raises InputError for a file that cannot be read.
    """
    from pipeline.errors import InputError, quote
    from pipeline.stem.stemfile import SUFFIX, read_stem_file

    path = Path(text)
    if len(text) <= LONGEST_PATH and path.suffix and path.is_file():
        return read_stem_file(path)
    if path.suffix == SUFFIX:
        raise InputError(f"there is no regular file {quote(text)} to read a stem from; check the path")
    return text
