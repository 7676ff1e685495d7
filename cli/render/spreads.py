"""Spreads over draws in one cell each, for a reader: mean ± deviation [low, high]."""

import math
from collections.abc import Sequence
from statistics import median
from typing import Any

from cli.render.digits import SIGNIFICANT, Digits
from store.asking.heads import PARTS
from store.asking.shown import MISSING
from store.asking.table import Table


class Unbroken(str):
    """Text that stands in one line, to the right, as a number does."""

    __slots__ = ()


def merged(table: Table, *, has_intervals: bool = True) -> Table:
    """The table with each column that has its spread beside it in one cell with that.

    How many draws have the size stands behind, where not all draws of the group do. Without intervals a cell is only
    `mean ± deviation`.
    """
    spread = [name for name in table.columns if all(f"{name}_{part}" in table.columns for part in PARTS)]
    if not spread:
        return table
    hidden = {f"{name}_{part}" for name in spread for part in PARTS}
    names = tuple(name for name in table.columns if name not in hidden)
    cells = {name: _cells(table, name, has_intervals) for name in spread}

    rows = (
        [cells[name][i] if name in cells else value for name, value in zip(names, row, strict=True)]
        for i, row in enumerate(table.only(names).rows)
    )
    return Table(names, [tuple(row) for row in rows])


def _cells(table: Table, name: str, has_intervals: bool) -> list[Unbroken | None]:
    """The cells of one column, its numbers below each other."""
    columns = [name, *(f"{name}_{part}" for part in ("sd", "low", "high", "n"))]
    has_total = "n" in table.columns
    rows = list(table.only((*columns, "n") if has_total else columns).rows)
    decimals = _decimals(rows)
    written = [[_number(value, decimals) for value in row[:4]] for row in rows]
    widths = [max((len(texts[i]) for texts in written), default=0) for i in range(4)]
    counts = (
        [""] * len(rows)
        if not has_intervals
        else [f" n={row[4]}" if has_total and row[0] is not None and row[4] != row[5] else "" for row in rows]
    )
    longest = max(map(len, counts), default=0)
    is_spread = any(row[1] is not None for row in rows)
    cells: list[Unbroken | None] = []
    for i, (row, texts) in enumerate(zip(rows, written, strict=True)):
        mean, sd, low, high = (text.rjust(width) for text, width in zip(texts, widths, strict=True))
        if row[0] is None:
            cells.append(None)
            continue
        text = mean
        if is_spread:
            spread = f" ± {sd} [{low}, {high}]" if has_intervals else f" ± {sd}"
            text += spread if row[1] is not None else " " * len(spread)
        cells.append(Unbroken(text + counts[i].ljust(longest)))
    return cells


def _decimals(rows: Sequence[Sequence[Any]]) -> int:
    """Two digits of the median interval, as that is what a mean is known to, or four of the largest number."""
    widths = [row[3] - row[2] for row in rows if row[2] is not None and row[3] > row[2]]
    if widths:
        return min(6, max(0, 1 - math.floor(math.log10(median(widths) / 2))))
    digits = Digits()
    for row in rows:
        for value in row[:4]:
            digits.see(float(value or 0))
    return SIGNIFICANT if digits.decimals is None else digits.decimals


def _number(value: float | None, decimals: int) -> str:
    return MISSING if value is None else f"{value:.{decimals}f}"
