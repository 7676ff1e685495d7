"""Rows of the store with the sizes that are asked for: those that it holds, or others, read anew from its heatmaps."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from pipeline.errors import InputError, quote
from pipeline.result import Sizes
from store.asking.choices import CenterName
from store.asking.fields import field
from store.asking.packed import PackedRows
from store.asking.query import rows
from store.asking.selection import Selection
from store.asking.table import Table
from store.database.connection import Store
from store.database.fields import FIELDS
from store.database.rows import chunks

if TYPE_CHECKING:
    from pipeline.sizes import Sample

MEASURED_FROM = ("digest", "spec", "n_nan")
"""The columns that a heatmap is found and measured by."""


def read(store: Store, selection: Selection, columns: Sequence[str]) -> Table:
    """The selected rows with these columns. Sizes that are not stored are read off the heatmaps.

    What is asked of such sizes, in `where` or `sort`, is then asked of the new ones. A measured row whose heatmap is
    missing or damaged has none of them: it is left out and told to the store's `damages`.
    Raises InputError for a mass or a centre that changes none of the columns.
    """
    by = (f"{'-' * name.startswith('-')}{field(name.removeprefix('-')).name}" for name in selection.sort)
    selection = msgspec.structs.replace(selection, sort=(*by,))
    if selection.is_stored:
        return rows(
            store,
            selection.sweep,
            where=selection.where,
            columns=columns,
            sort=selection.sort,
            limit=selection.limit,
            digests=selection.digests,
        )
    from store.asking.where import parse
    from store.asking.where_match import matches
    from store.asking.where_tree import fields_of

    condition = None if selection.where is None else parse(selection.where)
    asked = set() if condition is None else fields_of(condition)
    sorted_by = {name.removeprefix("-") for name in selection.sort}
    late = bool((asked | sorted_by) & set(Sizes.__struct_fields__))
    found = rows(
        store,
        selection.sweep,
        columns=tuple(dict.fromkeys((*columns, *sorted(asked | sorted_by), *MEASURED_FROM))),
        where=None if late else selection.where,
        sort=() if late else selection.sort,
        limit=None if late else selection.limit,
        digests=selection.digests,
    )
    shown = {*columns, *asked, *sorted_by}
    _check_options(selection, shown)
    computed = None if "reasons" in shown else [name for name in Sizes.__struct_fields__ if name in shown]
    keys = tuple(name.removeprefix("-") for name in selection.sort) if late else ()
    names = tuple(dict.fromkeys((*columns, *keys)))
    kept = PackedRows(
        [row[name] for name in names]
        for row in _with_new_sizes(store, found.dicts(), selection, computed)
        if not late or condition is None or matches(condition, row)
    )
    table = sort_rows(Table(names, kept), selection.sort, selection.limit) if late else Table(names, kept)
    return table.only(columns)


def _check_options(selection: Selection, columns: set[str]) -> None:
    """Raises InputError for an option that changes none of the columns: what it prints would say nothing of it."""
    given = {"mass": selection.mass, "center": None if selection.center == "unit" else selection.center}
    for option, value in given.items():
        changed = [field.name for field in FIELDS if option in field.options]
        if value is not None and not columns & set(changed):
            raise InputError(
                f"--{option} {value} changes nothing here: it changes {', '.join(changed)}; ask for one of them, or "
                f"leave --{option} out"
            )


def _with_new_sizes(
    store: Store, listed: Iterable[dict[str, Any]], selection: Selection, computed: Sequence[str] | None
) -> Iterator[dict[str, Any]]:
    """The rows, those that are measured with the sizes `computed` as their heatmaps have them now; None: with all."""
    from store.queue.saving import sizes_row

    for chunk in chunks(listed):
        found = dict(new_sizes(store, chunk, selection.mass, selection.center, computed))
        for row in chunk:
            if row["n_nan"] is None:
                yield row
            elif row["digest"] in found:
                values = sizes_row(found[row["digest"]])
                yield row | dict(zip(Sizes.__struct_fields__, values, strict=True))


def new_sizes(
    store: Store,
    listed: Iterable[Mapping[str, Any]],
    mass: float | None = None,
    center: CenterName = "unit",
    columns: Sequence[str] | None = None,
) -> Iterator[tuple[str, Sizes]]:
    """(digest, sizes from its heatmap) of the measured among rows, which hold `digest`, `spec` and `n_nan`.

    columns: the sizes that are computed; the others are None. Without it all are. Raises InputError for a `mass`
    that is not a share.
    """
    from pipeline.sizes import FRACTION

    for digest, (found,) in several_sizes(store, listed, (FRACTION if mass is None else mass,), center, columns):
        yield digest, found


def several_sizes(
    store: Store,
    listed: Iterable[Mapping[str, Any]],
    masses: Sequence[float],
    center: CenterName,
    columns: Sequence[str] | None,
) -> Iterator[tuple[str, tuple[Sizes, ...]]]:
    """The same for several shares of the mass: (digest, sizes for each); a heatmap is read once.

    Raises InputError for a `mass` that is not a share.
    """
    from pipeline.sizes import COLUMNS, sizes
    from store.asking.heatmaps import portions, samples

    for mass in masses:
        if not 0 < mass <= 1:
            raise InputError(f"--mass {mass} is not a share of the mass; give a number above 0 and at most 1")
    for some in portions(samples(store, listed), _nbytes):
        of = [sample for _, sample in some]
        found = [sizes(of, mass, center, COLUMNS if columns is None else columns) for mass in masses]
        yield from zip((digest for digest, _ in some), zip(*found, strict=True), strict=True)


def _nbytes(each: "tuple[str, Sample]") -> int:
    return each[1].heatmap.nbytes


def sort_rows(table: Table, by: Sequence[str], limit: int | None = None) -> Table:
    """The first rows of a table as the store sorts them: a dash in front for descending, NULL last both ways.

    Raises InputError for a column that the table does not have.
    """
    names = [name.removeprefix("-") for name in by]
    for name in names:
        if name not in table.columns:
            raise InputError(f"there is no column {quote(name)} to sort by; the table has {', '.join(table.columns)}")
    order = list(range(len(table.rows)))
    keys = list(table.only(names).rows) if by else []
    for column, name in reversed([*enumerate(by)]):
        known = [i for i in order if keys[i][column] is not None]
        known.sort(key=lambda i: keys[i][column], reverse=name.startswith("-"))  # used at once
        order = known + [i for i in order if keys[i][column] is None]
    if not by and (limit is None or limit >= len(order)):
        return table
    return Table(table.columns, PackedRows(table.rows).reordered(order[:limit]))
