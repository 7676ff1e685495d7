"""The options that say which rows of the store a command is about."""

import sys
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from cli import completion
from pipeline.errors import quote
from pipeline.limits import MAX_INT64
from store.asking.choices import CenterName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from store.asking.selection import Selection
    from store.asking.table import Table
    from store.database.connection import Store

WhereOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--where",
        metavar="EXPR",
        help="Keep only rows that meet a condition, such as 'kernel == 3 and ratio < 0.8'.",
        autocompletion=completion.condition,
    ),
]
ColumnsOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--columns",
        "-c",
        metavar="NAMES",
        help="What to show, separated by commas: columns or groups of `erfsweep fields`, patterns like 'luo*', all.",
        autocompletion=completion.columns,
    ),
]
SortOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--sort",
        metavar="NAMES",
        help="Sort by these columns; a dash in front of one sorts in descending order, as in -luo.",
        autocompletion=completion.sorting,
    ),
]
LimitOption: TypeAlias = Annotated[
    int | None, typer.Option("--limit", "-n", min=1, max=MAX_INT64, help="Show at most this many rows.")
]
MassOption: TypeAlias = Annotated[
    float | None,
    typer.Option(
        "--mass", metavar="FRACTION", help="Compute sizes that contain this share of the mass [default: 0.9]."
    ),
]
MassesOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--mass",
        metavar="FRACTIONS",
        help="Compute sizes that contain this share of the mass, or several shares: 0.5,0.9 [default: 0.9].",
    ),
]
CenterOption: TypeAlias = Annotated[
    CenterName, typer.Option("--center", help="Centre sizes on the unit's own centre, or on the plane's.")
]


def tell_if_none(store: "Store", selection: "Selection", found: "Table") -> None:
    """Says on stderr that no row meets the condition, where there is one: an empty table may have other reasons."""
    if not len(found.rows):
        tell_none(store, selection, found.columns)


def tell_none(store: "Store", selection: "Selection", columns: "Sequence[str]" = ()) -> None:
    """The same of a table with these columns that is known to be empty."""
    from pipeline.errors import counted
    from store.asking.query import count, is_by_place

    if selection.where is not None:
        by_place = is_by_place(selection.sweep, columns, selection.where, selection.sort)
        of = counted(count(store, selection.sweep, by_place=by_place), "row")
        sys.stderr.write(f"0 of {of} with --where {quote(selection.where)}\n")


def parse_masses(text: str | None) -> tuple[float, ...]:
    """The shares of the mass that `0.5,0.9` says. Raises InputError for what is no number, or the same one twice."""
    from pipeline.errors import InputError

    if text is None:
        return ()
    try:
        masses = tuple(float(each) for each in text.split(","))
    except ValueError:
        raise InputError(f"--mass {quote(text)} is not a share of the mass; write 0.5, or several as 0.5,0.9") from None
    for mass in masses:
        if not 0 < mass <= 1:
            raise InputError(f"--mass {mass} is not a share of the mass; give a number above 0 and at most 1")
    if len(set(masses)) < len(masses):
        raise InputError(f"--mass {quote(text)} names a share twice; keep one")
    return masses
