"""A table turned: one column's values down the side, another's across the top, and a value where they meet."""

from collections.abc import Sequence
from typing import Any

from pipeline.errors import InputError, quote
from store.asking.heads import unit
from store.asking.table import Table

_MOST = 1000
"""Columns of a turned table."""


def pivoted(table: Table, by: Sequence[str], values: Sequence[str]) -> Table:
    """A row for each combination of all columns in `by` but the last, and for each value of that a column.

    A column is called `kernel=3`, and with several `values` `ratio kernel=3`. Rows and columns are sorted, NULL last; a
    cell without a row is None. Raises InputError where two rows meet in one cell, or for more than 1,000 columns.
    """
    *down, across = by
    places = [table.columns.index(name) for name in (*down, across, *values)]
    cells: dict[tuple[Any, ...], dict[Any, list[Any]]] = {}
    tops: dict[Any, None] = {}
    for row in table.rows:
        *side, top = (row[i] for i in places[: len(by)])
        line = cells.setdefault(tuple(side), {})
        if top in line:
            met = " and ".join(f"{name} {_shown(value)}" for name, value in zip(by, (*side, top), strict=True))
            raise InputError(
                f"several rows have {met}; name what else differs in --pivot, keep one by --where, or add --over seed"
            )
        line[top] = [row[i] for i in places[len(by) :]]
        tops[top] = None
    if len(tops) * len(values) > _MOST:
        raise InputError(f"{quote(across)} has {len(tops):,} values, and a table at most {_MOST:,} columns")
    heads = sorted(tops, key=_order)
    names = [f"{f'{value} ' if len(values) > 1 else ''}{across}={_shown(top)}" for value in values for top in heads]
    missing = [None] * len(values)
    rows = [
        (*side, *(cells[side].get(top, missing)[i] for i in range(len(values)) for top in heads))
        for side in sorted(cells, key=lambda side: [_order(value) for value in side])
    ]
    return Table((*down, *names), rows, unit(values[0]) if len(values) == 1 else "")


def _order(value: Any) -> tuple[int, Any]:
    """Numbers by size, then text, then NULL."""
    if value is None:
        return 2, 0
    return (1, value) if isinstance(value, str) else (0, value)


def _shown(value: Any) -> str:
    return "NULL" if value is None else f"{value:.12g}" if isinstance(value, float) else str(value)
