"""The options that say which rows of the store a command is about."""

import sys
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from pipeline.errors import quote
from store.asking.selection import CenterName

if TYPE_CHECKING:
    from store.asking.selection import Selection
    from store.asking.table import Table
    from store.database.connection import Store

WhereOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--where", metavar="EXPR", help="Keep rows that meet a condition: kernel == 3 and ratio < 0.8."),
]
MassOption: TypeAlias = Annotated[
    float | None,
    typer.Option(
        "--mass", metavar="FRACTION", help="Compute sizes that contain this share of the mass [default: 0.9]."
    ),
]
CenterOption: TypeAlias = Annotated[
    CenterName, typer.Option("--center", help="Centre sizes on the unit's own centre, or on the plane's.")
]


def tell_if_none(store: "Store", selection: "Selection", found: "Table") -> None:
    """Says on stderr that no row meets the condition, where there is one: an empty table may have other reasons."""
    if not len(found.rows):
        tell_none(store, selection)


def tell_none(store: "Store", selection: "Selection") -> None:
    """The same of a table that is known to be empty."""
    from pipeline.errors import counted
    from store.asking.query import count

    if selection.where is not None:
        of = counted(count(store, selection.sweep), "row")
        sys.stderr.write(f"0 of {of} with --where {quote(selection.where)}\n")
