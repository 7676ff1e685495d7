"""Which columns a table shows where nobody says."""

from collections.abc import Sequence
from typing import Any

from cli.options import MACHINE_FORMATS, TableFormat
from cli.render.tables import default_format
from pipeline.errors import InputError, quote
from store.asking.table import Table

FIRST = ("id", "config")
SIZES = ("theo_rf", "eff_rf", "ratio", "eff_square", "luo", "sigma_x")
VARYING = (
    "init",
    "seed",
    "probes",
    "probes_count",
    "probes_seed",
    "height",
    "width",
    "channels",
    "channel",
    "gradient",
    "dtype",
)
UNIT = ("unit_y", "unit_x")
"""Shown where configs differ in it that have one stem and one plane: else it follows from these."""
STATES = ("state", "dead", "n_zero", "error")
_WELL = (None, False, "done")
_DECIDING = ("config", "height", "width")
DEFAULT = (*FIRST, *VARYING, *UNIT, *SIZES, *STATES)


def fitted(table: Table, format_: TableFormat | None) -> Table:
    """The table of default columns as a format shows it: the same columns whatever the rows hold, in their order, for a
    program; for a reader without the axes that all rows share, and without states where all is well.
    """
    return table if (format_ or default_format()) in MACHINE_FORMATS else _without_constants(table)


def _without_constants(table: Table) -> Table:
    changing: set[str] = set()
    unwell: set[str] = set()
    first: tuple[Any, ...] | None = None
    for row in table.rows:
        first = first or row
        changing.update(name for name, value, other in zip(table.columns, row, first, strict=True) if value != other)
        unwell.update(
            name for name, value in zip(table.columns, row, strict=True) if value not in (None, False, "done")
        )
    follows = _following(table, [name for name in UNIT if name in table.columns])
    kept = [
        name
        for name in table.columns
        if not (name in VARYING and name not in changing)
        and not (name in (*STATES, "reasons_map") and name not in unwell)
        and name not in follows
    ]
    return table.only(kept)


def _following(table: Table, names: Sequence[str]) -> set[str]:
    """Those of the columns that are the same wherever stem and plane are."""
    deciding = [table.columns.index(name) for name in _DECIDING if name in table.columns]
    places = {name: table.columns.index(name) for name in names}
    found: dict[str, dict[tuple[Any, ...], Any]] = {name: {} for name in names}
    following = set(names)
    for row in table.rows:
        key = tuple(row[i] for i in deciding)
        following = {name for name in following if found[name].setdefault(key, row[places[name]]) == row[places[name]]}
    return following


def parse_names(text: str | None, option: str) -> Sequence[str] | None:
    """Names between commas. Raises InputError for none, or one given twice."""
    if text is None:
        return None
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise InputError(f"{option} {quote(text)} lacks a name; write {option} config,eff_rf")
    twice = [name for position, name in enumerate(names) if name in names[:position]]
    if twice:
        raise InputError(f"{option} names {quote(twice[0])} twice; keep one")
    return names
