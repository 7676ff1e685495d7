"""Which rows of the store a command is about, and how they are read: by query, or anew from the stored heatmaps."""

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import msgspec
import typer

from cli.render.tables import Table
from pipeline.errors import InputError, quote
from pipeline.result import Sizes

if TYPE_CHECKING:
    from pipeline.sample import Sample
    from store.engine import Store

CenterName: TypeAlias = Literal["unit", "plane"]

WhereOption: TypeAlias = Annotated[
    str | None, typer.Option("--where", metavar="EXPR", help="Keep rows: kernel == 3 and ratio < 0.8.")
]
MassOption: TypeAlias = Annotated[
    float | None,
    typer.Option("--mass", metavar="FRACTION", help="Sizes that hold this share of the mass [default: 0.9]."),
]
CenterOption: TypeAlias = Annotated[
    CenterName, typer.Option("--center", help="Centre sizes on the unit's own centre, or on the plane's.")
]

_SAMPLES = 200
"""Heatmaps that are measured together."""
SIZES = frozenset(Sizes.__struct_fields__) - {"reasons"}


class Selection(msgspec.Struct, frozen=True):
    """Rows of a sweep (None: of everything). `mass` None and `center` unit are what the store holds."""

    sweep: str | None = None
    where: str | None = None
    sort: tuple[str, ...] = ()
    limit: int | None = None
    mass: float | None = None
    center: CenterName = "unit"

    @property
    def is_stored(self) -> bool:
        """Whether the store holds the sizes as they are asked for."""
        return self.mass is None and self.center == "unit"


def read(store: "Store", selection: Selection, columns: Sequence[str]) -> Table:
    """The selected rows with these columns. Sizes that are not stored are read off the heatmaps.

    What is asked of such sizes, in `where` or `sort`, is then asked of the new ones. A condition that no row meets is
    told on stderr, as an empty table may have other reasons.
    """
    found = (_stored if selection.is_stored else _resized)(store, selection, columns)
    if selection.where is not None and not found.rows:
        _say_none(store, selection)
    return found


def _say_none(store: "Store", selection: Selection) -> None:
    from cli.render.words import counted
    from store.query import count

    of = counted(count(store, selection.sweep), "row")
    sys.stderr.write(f"0 of {of} with --where {quote(selection.where)}\n")


def _stored(store: "Store", selection: Selection, columns: Sequence[str]) -> Table:
    from store.query import rows

    found = rows(
        store, selection.sweep, where=selection.where, columns=columns, sort=selection.sort, limit=selection.limit
    )
    return Table(found.columns, found.rows)


def _resized(store: "Store", selection: Selection, columns: Sequence[str]) -> Table:
    from store.query import rows
    from store.results import sizes_row
    from store.where import parse
    from store.where_match import matches
    from store.where_tree import fields_of

    condition = None if selection.where is None else parse(selection.where)
    asked = set() if condition is None else fields_of(condition)
    sorted_by = {name.removeprefix("-") for name in selection.sort}
    late = bool((asked | sorted_by) & set(Sizes.__struct_fields__))
    needed = tuple(dict.fromkeys((*columns, *sorted(asked | sorted_by), "digest", "spec", "n_nan")))
    found = rows(
        store,
        selection.sweep,
        columns=needed,
        where=None if late else selection.where,
        sort=() if late else selection.sort,
        limit=None if late else selection.limit,
    )
    _check_options(selection, {*columns, *asked, *sorted_by})
    listed = found.dicts()
    by_digest = {row["digest"]: row for row in listed}
    for digest, sizes in resized(store, listed, selection.mass, selection.center):
        by_digest[digest] |= dict(zip(Sizes.__struct_fields__, sizes_row(sizes), strict=True))
    if late:
        kept = [row for row in listed if condition is None or matches(condition, row)]
        listed = sort_rows(kept, selection.sort)[: selection.limit]
    return Table(tuple(columns), [tuple(row[name] for name in columns) for row in listed])


def _check_options(selection: Selection, columns: set[str]) -> None:
    """Raises InputError for an option that changes none of the columns: what it prints would say nothing of it."""
    from store.fields import FIELDS

    given = {"mass": selection.mass, "center": None if selection.center == "unit" else selection.center}
    for option, value in given.items():
        changed = [field.name for field in FIELDS if option in field.options]
        if value is not None and not columns & set(changed):
            raise InputError(
                f"--{option} {value} changes nothing here: it changes {', '.join(changed)}; ask for one of them, or "
                f"leave --{option} out"
            )


def resized(
    store: "Store", listed: list[dict[str, Any]], mass: float | None = None, center: CenterName = "unit"
) -> "Iterator[tuple[str, Sizes]]":
    """(digest, sizes from its stored heatmap) of the rows that have one; rows hold `digest`, `spec` and `n_nan`.

    Raises InputError for a `mass` that is no share.
    """
    from pipeline.measure import FRACTION, sizes
    from store.rows import chunks

    if mass is not None and not 0 < mass <= 1:
        raise InputError(f"--mass {mass} is not a share of the mass; give a number above 0 and at most 1")
    for chunk in chunks(stored_samples(store, listed), _SAMPLES):
        found = sizes([sample for _, sample in chunk], mass or FRACTION, center)
        yield from zip((digest for digest, _ in chunk), found, strict=True)


def stored_samples(store: "Store", listed: list[dict[str, Any]]) -> "Iterator[tuple[str, Sample]]":
    """(digest, heatmap with its unit) of the rows that have one; rows hold `digest`, `spec` and `n_nan`."""
    from pipeline.arrays import unpack_heatmap
    from pipeline.config import decode
    from pipeline.sample import Sample
    from pipeline.window import window
    from store.records import each_arrays

    by_digest = {row["digest"]: row for row in listed}
    for digest, arrays in each_arrays(store, list(by_digest)):
        config = decode(by_digest[digest]["spec"].encode())
        seen = window(config.network, config.unit)
        used = config.probes.count - by_digest[digest]["n_nan"]
        yield digest, Sample(unpack_heatmap(arrays), seen.center, seen, used)


def sort_rows(listed: list[dict[str, Any]], by: Sequence[str]) -> list[dict[str, Any]]:
    """Rows sorted as the store sorts them: a dash in front for descending, NULL last both ways."""
    for name in reversed(by):
        column = name.removeprefix("-")
        if listed and column not in listed[0]:
            raise InputError(f"there is no column {quote(column)} to sort by; the table has {', '.join(listed[0])}")
        known = [row for row in listed if row[column] is not None]
        known.sort(key=lambda row: row[column], reverse=name.startswith("-"))
        listed = known + [row for row in listed if row[column] is None]
    return listed
