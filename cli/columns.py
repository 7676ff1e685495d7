"""Which columns a table shows where nobody says."""

from collections.abc import Sequence
from typing import Any

from cli.render.tables import Table

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
STATES = ("state", "dead", "error")
DEFAULT = (*FIRST, *VARYING, *SIZES, *STATES)


def without_constants(table: Table) -> Table:
    """The table of `DEFAULT` columns without the axes that all rows share, and without states where all is well."""
    kept = [
        i
        for i, name in enumerate(table.columns)
        if not (name in VARYING and _constant(table, i)) and not (name in STATES and _all_well(table, i))
    ]
    return Table(tuple(table.columns[i] for i in kept), [tuple(row[i] for i in kept) for row in table.rows])


def _constant(table: Table, i: int) -> bool:
    return len({row[i] for row in table.rows}) <= 1


def _all_well(table: Table, i: int) -> bool:
    return all(row[i] in (None, False, "done") for row in table.rows)


def parse_names(text: str | None) -> Sequence[str] | None:
    """Names between commas."""
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def values(rows: Any) -> Table:
    """A table of the store's rows."""
    return Table(tuple(rows.columns), rows.rows)
