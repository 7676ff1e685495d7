"""Rows of results, printed as the options of a table ask for them."""

import sys
from collections.abc import Sequence
from typing import NamedTuple

from cli.columns import fitted
from cli.options import MACHINE_FORMATS, TableFormat
from cli.render import classic
from cli.render.tables import default_format, html, print_table
from cli.selection import tell_if_none
from pipeline.errors import InputError
from store.asking.choices import MapName
from store.asking.query import count
from store.asking.selection import Selection
from store.asking.table import Table
from store.asking.tables import table_of
from store.database.connection import Store

_MOST_ROWS = 40
"""Of a sweep that was run, for a reader."""
_SPARE = ("n_zero", "sigma_x", "eff_square", "dead", "ratio", "theo_rf")
"""Usual columns that a narrow terminal goes without, one after the other: what a reader misses least comes first."""


class Asked(NamedTuple):
    """What a table is to have, as the options say it."""

    columns: Sequence[str] | None = None
    over: str | None = None
    map: MapName | None = None
    masses: Sequence[float] = ()
    diff: bool = False
    pivot: Sequence[str] = ()
    values: Sequence[str] = ()
    thumbnails: bool = False


def print_rows(store: Store, selection: Selection, asked: Asked, format_: TableFormat | None) -> None:
    """Prints the table that the options ask for. Raises InputError for options that exclude each other."""
    if asked.thumbnails:
        _print_thumbnails(store, selection, asked, format_)
        return
    is_chosen = asked.columns or asked.diff or asked.pivot
    print_table(_table(store, selection, asked, format_), format_, () if is_chosen else _SPARE)


def _print_thumbnails(store: Store, selection: Selection, asked: Asked, format_: TableFormat | None) -> None:
    """Prints the table as HTML with a picture of each heatmap."""
    from store.asking.columns import DEFAULT
    from store.asking.fields import expanded
    from store.asking.images import IMAGES_FROM, images

    if format_ != "html" or asked.over or asked.diff or asked.pivot or len(asked.masses) > 1:
        raise InputError(
            "--thumbnails has a picture for each config; it goes with --format html, and without --over, --diff, "
            "--pivot and several --mass"
        )
    names = expanded(asked.columns or DEFAULT)
    whole = asked._replace(columns=[*names, *(name for name in IMAGES_FROM if name not in names)], thumbnails=False)
    found = _table(store, selection, whole, format_)
    shown = found.only(names)
    pictures = images(store, found.only(IMAGES_FROM).dicts(), selection.center)
    sys.stdout.writelines(html(shown if asked.columns else fitted(shown, format_), pictures))


def print_sweep(store: Store, sweep: str, format_: TableFormat | None) -> None:
    """Prints the rows of a sweep: for a reader the first of many, and on stderr how to see the rest."""
    chosen = format_ or default_format()
    total = count(store, sweep)
    limit = None if chosen in (*MACHINE_FORMATS, "classic") or total <= _MOST_ROWS else _MOST_ROWS
    print_rows(store, Selection(sweep, limit=limit), Asked(), format_)
    if limit is not None:
        sys.stderr.write(f"the first {limit} of {total:,} rows; `erfsweep table {sweep}` prints all of them\n")


def _table(store: Store, selection: Selection, asked: Asked, format_: TableFormat | None) -> Table:
    columns, over, map_, masses, diff, pivot, values, _ = asked
    is_classic = format_ == "classic"
    if is_classic and (over or columns or diff or pivot or len(masses) > 1) and not (map_ and not over):
        raise InputError(
            "--format classic is the original's table; it goes without --over, --columns, --diff, --pivot and several "
            "--mass"
        )
    columns = classic.COLUMNS if is_classic else columns
    found = table_of(store, selection, columns, over, map_, masses=masses, diff=diff, pivot=pivot, values=values)
    tell_if_none(store, selection, found)
    return found if columns or diff or pivot else fitted(found, format_)
