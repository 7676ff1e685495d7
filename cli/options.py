"""Options that several commands share, declared once."""

from typing import Annotated, Literal, TypeAlias

import typer

from cli import completion, named
from cli.place import DEFAULT_URL
from cli.place import remember_db as remember_db
from cli.place import store_url as store_url
from pipeline.errors import InputError, quote
from pipeline.limits import MAX_INT64

Format: TypeAlias = Literal["table", "plain", "csv", "tsv", "json", "jsonl", "markdown", "latex", "html"]
TableFormat: TypeAlias = Literal[Format, "classic"]
MACHINE_FORMATS = ("csv", "tsv", "json", "jsonl")
"""Those that programs read: their columns do not depend on what the rows hold."""

DbOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--db", metavar="URL", help=f"The URL of the store; without it ERFSWEEP_DB [default: {DEFAULT_URL}]."),
]
ImageOption: TypeAlias = Annotated[
    bool,
    typer.Option("--image/--no-image", help="Draw a heatmap of images on its image, or on the mean of several."),
]
_format = typer.Option("--format", "-f", help="How to print [default: table on a terminal, plain in a pipe].")
FormatOption: TypeAlias = Annotated[Format | None, _format]
TableFormatOption: TypeAlias = Annotated[TableFormat | None, _format]
SweepArgument: TypeAlias = Annotated[
    str | None,
    typer.Argument(
        metavar="SWEEP",
        help="A sweep file, a preset, a stored sweep, or stems separated by commas.",
        autocompletion=named.sweeps,
    ),
]
StoredArgument: TypeAlias = Annotated[
    str | None,
    typer.Argument(
        metavar="SWEEP", help="A stored sweep; all of the store if none is named.", autocompletion=named.stored_sweeps
    ),
]
SetOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        "-s",
        metavar="AXIS=VALUES",
        help="Set an axis, or override it: kernel=3,5 or depth='range(1,41)'. Two axes can run in pairs: "
        "kernel,depth=3:10,5:5. `-s help` lists all axes.",
        autocompletion=completion.settings,
    ),
]
NameOption: TypeAlias = Annotated[str | None, typer.Option("--name", help="The name under which the sweep is stored.")]
AppendOption: TypeAlias = Annotated[
    bool, typer.Option("--append", help="Add the new configs at the end of the stored sweep.")
]
ReplaceOption: TypeAlias = Annotated[
    bool, typer.Option("--replace", help="Replace the list of configs that is stored under this name.")
]
MaxConfigsOption: TypeAlias = Annotated[
    int, typer.Option("--max-configs", min=1, help="Refuse a sweep of more configs than this.")
]

_debugging = [False]


def remember_debug(debug: bool) -> None:
    """Keeps whether `--debug` stood anywhere in the line."""
    _debugging[0] = debug


def is_debugging() -> bool:
    """Whether tracebacks are wanted."""
    return _debugging[0]


_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}


def parse_bytes(text: str) -> int:
    """The bytes that `1GB`, `512MiB` or `2e9` says. Raises InputError for anything else."""
    lowered = text.strip().lower().removesuffix("b")
    number = lowered.rstrip("kmgti")
    unit = lowered[len(number) :]
    try:
        amount = float(number) * _UNITS[unit]
        if not 1 <= amount <= MAX_INT64:
            raise ValueError
    except (ValueError, KeyError, OverflowError):
        raise InputError(f"--memory {quote(text)} is not a size; write 1GB, 512MiB or 2000000000") from None
    return int(amount)
