"""Which columns a table shows where nobody says."""

from collections.abc import Sequence
from typing import Any

from cli.options import MACHINE_FORMATS, TableFormat
from cli.render.tables import Table, default_format
from pipeline.errors import InputError, quote

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
_DECIDING = ("config", "height", "width")
DEFAULT = (*FIRST, *VARYING, *UNIT, *SIZES, *STATES)


def fitted(table: Table, format_: TableFormat | None) -> Table:
    """The table of default columns as a format shows it: the same columns whatever the rows hold, in their order, for a
    program; for a reader without the axes that all rows share, and without states where all is well.
    """
    return table if (format_ or default_format()) in MACHINE_FORMATS else _without_constants(table)


def _without_constants(table: Table) -> Table:
    kept = [
        i
        for i, name in enumerate(table.columns)
        if not (name in VARYING and _constant(table, i))
        and not (name in (*STATES, "reasons_map") and _all_well(table, i))
        and not (name in UNIT and _follows(table, i))
    ]
    return Table(tuple(table.columns[i] for i in kept), [tuple(row[i] for i in kept) for row in table.rows])


def _constant(table: Table, i: int) -> bool:
    return len({row[i] for row in table.rows}) <= 1


def _follows(table: Table, i: int) -> bool:
    """Whether a column is the same wherever stem and plane are."""
    found: dict[tuple[Any, ...], Any] = {}
    deciding = [table.columns.index(name) for name in _DECIDING if name in table.columns]
    return all(found.setdefault(tuple(row[j] for j in deciding), row[i]) == row[i] for row in table.rows)


def _all_well(table: Table, i: int) -> bool:
    return all(row[i] in (None, False, "done") for row in table.rows)


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
