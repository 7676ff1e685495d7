"""How a size grows with depth: a power law for each family of plain stacks."""

from collections.abc import Iterator
from typing import Any

from pipeline.config import decode
from pipeline.errors import InputError, quote
from pipeline.stem import format_stem, parse
from store.asking.columns import VARYING
from store.asking.groups import groups
from store.asking.packed import PackedRows
from store.asking.selection import SIZES
from store.asking.table import Table

_DRAWN = ("depth", "init.seed", "init.offset")
"""What the members of a family differ in: the depth, and where the draws of their weights begin."""

_ALONG_X = frozenset({"eff_rf", "ratio"})
"""Sizes along x whose names do not say so."""

_MEASURED = ("depth", "theo_rf", "theo_rf_y")
_TOLD = ("kernel", "features", "dilation", "stride", "activation", *(name for name in VARYING if name != "seed"))
"""The columns that say how families differ."""


def growth_columns(size: str) -> tuple[str, ...]:
    """The columns that `growth_table` reads. Raises InputError for a size that there is not."""
    if size not in SIZES:
        raise InputError(f"{quote(size)} is not a size; --size takes one of {', '.join(sorted(SIZES))}")
    return tuple(dict.fromkeys((*_TOLD, *_MEASURED, size, "spec", "kernel_version")))


def growth_table(everything: Table, size: str) -> Table:
    """A row for each family and each pair of what grows (the size, its share of the theoretical RF) with what.

    `everything` has the columns that `growth_columns` names. Raises InputError where there is no plain stack, or no
    family that has the size at two depths.
    """
    import numpy as np

    from pipeline.sizes import power_law

    depth = everything.columns.index("depth")
    stacks = Table(everything.columns, PackedRows(row for row in everything.rows if row[depth] is not None))
    if not stacks.rows:
        raise InputError("there are no plain stacks among these results; growth needs a grid with a depth axis")
    found = groups(stacks, *_DRAWN)
    columns = found.columns((*_MEASURED, size))
    made = []
    for spec, head, members in zip(found.first("spec"), found.shared(_TOLD), found.members(), strict=True):
        drawn = {name: values[members] for name, values in columns.items()}
        points = [*_points(drawn, size)]
        if not points:
            continue
        depths, theory, mean, draws = np.array(points).T
        for grown, values in ((size, mean), (f"{size} / theo_rf", mean / theory)):
            for along, x in (("depth", depths), ("theo_rf", theory)):
                law = power_law(x, values)
                if law is not None:
                    fit = (law.slope, law.low, law.high, law.points, int(draws.sum()), law.r2)
                    made.append((_layer(spec), *head, grown, along, *fit))
    if not made:
        raise InputError(f"no family has a {size} above 0 at two depths or more; extend the depth axis")
    return Table(("layer", *_TOLD, "growth", "with", "slope", "low", "high", "points", "draws", "r2"), made)


def _layer(spec: str) -> str:
    """The notation of the one layer that a plain stack repeats."""
    return format_stem(parse(decode(spec.encode()).stem)[:1])


def _points(drawn: dict[str, Any], size: str) -> Iterator[tuple[float, float, float, float]]:
    """(depth, theoretical RF, mean size, draws) for each depth; a mean of zero has no logarithm and is no point.

    `drawn` has columns of the members of a family, float64 [n] each, NaN where a draw has no such size.
    """
    import numpy as np

    from pipeline.sizes import exact_mean

    for depth in np.unique(drawn["depth"]):
        there = np.flatnonzero((drawn["depth"] == depth) & ~np.isnan(drawn[size]))
        if len(there) and (mean := exact_mean(drawn[size][there])) > 0:
            width, height = (float(drawn[name][there[0]]) for name in ("theo_rf", "theo_rf_y"))
            yield float(depth), _theoretical(width, height, size), mean, float(len(there))


def _theoretical(width: float, height: float, size: str) -> float:
    """The theoretical RF that a size is compared with: along its axis, or the root of the area where it has none."""
    if size.endswith("_y"):
        return height
    return width if size.endswith("_x") or size in _ALONG_X else (width * height) ** 0.5
