"""Sizes at several shares of the mass, side by side: `eff_rf@0.5`, `eff_rf@0.9`."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from pipeline.errors import InputError
from store.asking.fields import field
from store.asking.heads import AT
from store.asking.packed import PackedRows
from store.asking.reading import MEASURED_FROM, read, several_sizes, sort_rows
from store.asking.selection import Selection
from store.asking.table import Table
from store.database.connection import Store
from store.database.rows import chunks


def at_fractions(names: Sequence[str], masses: Sequence[float]) -> tuple[str, ...]:
    """The names of columns, those that a share of the mass changes once for each share.

    >>> at_fractions(["id", "hdr"], [0.5, 0.9])
    ('id', 'hdr@0.5', 'hdr@0.9')
    """
    found: list[str] = []
    for name in names:
        found += [f"{name}{AT}{mass:.12g}" for mass in masses] if _is_changed(name) else [name]
    return tuple(found)


def read_fractions(store: Store, selection: Selection, columns: Sequence[str], masses: Sequence[float]) -> Table:
    """The selected rows with these columns, those that a share of the mass changes once for each share.

    `where` and `sort` ask the sizes that are stored; `sort` may name a column such as `eff_rf@0.5` too. A measured row
    whose heatmap is missing or damaged is left out. Raises InputError if no column is changed by a share of the mass.
    """
    changed = [name for name in columns if _is_changed(name)]
    if not changed:
        raise InputError("--mass changes none of these columns; ask for eff_rf, eff_square, ratio, radial or hdr")
    names = at_fractions(columns, masses)
    is_late = any(AT in name for name in selection.sort)
    asked = msgspec.structs.replace(selection, sort=(), limit=None) if is_late else selection
    keys = [name for name in (each.removeprefix("-") for each in selection.sort) if AT not in name] if is_late else []
    needed = tuple(dict.fromkeys((*columns, *(field(name).name for name in keys), *MEASURED_FROM)))
    listed = read(store, asked, needed)

    def rows() -> Iterator[list[Any]]:
        for chunk in chunks(listed.dicts()):
            found = dict(several_sizes(store, chunk, masses, selection.center, changed))
            for row in chunk:
                if row["n_nan"] is not None and row["digest"] not in found:
                    continue
                sizes = found.get(row["digest"], ())
                made = dict(row)
                for name in changed:
                    values = [getattr(each, name) for each in sizes] or [None] * len(masses)
                    made |= zip(at_fractions([name], masses), values, strict=True)
                yield [made[name] for name in (*names, *keys)]

    table = Table((*names, *keys), PackedRows(rows()))
    return (sort_rows(table, selection.sort, selection.limit) if is_late else table).only(names)


def _is_changed(name: str) -> bool:
    return "mass" in field(name).options
