"""The columns of a table where nobody names them, and those of them that say nothing."""

from collections.abc import Sequence
from typing import Any

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
READ_OUT = ("layer", "mark", "probe", "unit_y", "unit_x")
"""What is read out, and of which probe: shown where configs of one stem and plane differ in it, else it follows."""
STATES = ("state", "dead", "n_zero", "error")
_DECIDING = ("config", "height", "width")
DEFAULT = (*FIRST, *VARYING, *READ_OUT, *SIZES, *STATES)
"""Of a row for each config."""
GROUPED = ("config", *VARYING, "theo_rf", "eff_rf", "ratio", "luo")
"""Of a row for each group."""


DIFFERING = ("names", "axes", "costs", "state", "dead", "n_zero", "n_nan", "theory", "sizes")
"""Fields and groups of them, among which a table of differences looks."""


def differing(table: Table) -> Table:
    """The table with those of its columns alone that are not the same in all rows; all of them for a single row."""
    if len(table.rows) < 2:
        return table
    first: tuple[Any, ...] | None = None
    changing: set[str] = set()
    for row in table.rows:
        first = first or row
        if row != first:
            changing.update(name for name, one, other in zip(table.columns, first, row, strict=True) if one != other)
    return table.only([name for name in table.columns if name in changing])


def without_constants(table: Table) -> Table:
    """The table without the axes that all rows share, and without states where all is well."""
    changing: set[str] = set()
    unwell: set[str] = set()
    first: tuple[Any, ...] | None = None
    for row in table.rows:
        first = first or row
        changing.update(name for name, value, other in zip(table.columns, row, first, strict=True) if value != other)
        unwell.update(
            name for name, value in zip(table.columns, row, strict=True) if value not in (None, False, "done")
        )
    follows = _following(table, [name for name in READ_OUT if name in table.columns])
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
