"""Which columns a table shows where nobody says."""

from collections.abc import Sequence

from cli.render.tables import Table
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
