"""The Pareto front of results: those that no other result beats in several objectives at once."""

from collections.abc import Sequence
from math import isnan
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

from pipeline.errors import InputError, quote
from store.asking.columns import FIRST, READ_OUT, VARYING
from store.asking.fields import expanded, field
from store.asking.grouped import read_grouped
from store.asking.packed import PackedRows
from store.asking.reading import read, sort_rows
from store.asking.selection import Selection
from store.asking.table import Table
from store.asking.tabular import Tabular
from store.database.connection import Store

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Goal: TypeAlias = Literal["max", "min"]


class Objective(msgspec.Struct, frozen=True):
    """A column and whether more of it is better (`max`) or less (`min`)."""

    name: str
    goal: Goal

    def __str__(self) -> str:
        return f"{self.goal} {self.name}"


class Front(Tabular, msgspec.Struct, frozen=True):
    """The results that no other beats.

    One result beats another if it is at least as good in every objective and better in one; results that are equal in
    all of them beat nobody, so they are on the front together. candidates: every row that has all objectives, in the
    order of the store. best: the numbers of those on the front, the best in the first objective first. rows: how many
    rows were looked at. lacking: for each objective that some of them lack (dead, failed, not measured), how many.
    """

    objectives: tuple[Objective, ...]
    candidates: Table
    best: tuple[int, ...]
    rows: int
    lacking: dict[str, int]

    def table(self, sort: Sequence[str] = (), limit: int | None = None) -> Table:
        """The rows of the front, the best in the first objective first or as `sort` says, `limit` of them."""
        found = Table(self.candidates.columns, PackedRows(self.candidates.rows).reordered(self.best))
        return sort_rows(found, sort, limit)

    def _table(self) -> Table:
        return self.table()


def objectives(most: Sequence[str], least: Sequence[str]) -> tuple[Objective, ...]:
    """The objectives: columns of which there is to be as much as can be, and those of which as little.

    Raises InputError for none at all, for one that is named twice, and for a column that holds no numbers.
    """
    named = [(name, goal) for goal, names in (("max", most), ("min", least)) for name in names]
    if not named:
        raise InputError("a front needs an objective; write --max luo, --min macs or both")
    found: dict[str, Objective] = {}
    for written, goal in named:
        name = field(written).name
        if field(name).type not in ("int", "float"):
            raise InputError(f"{quote(written)} holds no numbers; an objective is a column such as luo, macs or params")
        if name in found:
            raise InputError(f"{quote(written)} is an objective twice; keep one of them")
        found[name] = Objective(name, "max" if goal == "max" else "min")
    return tuple(found.values())


def front(
    store: Store,
    selection: Selection,
    wanted: Sequence[Objective],
    columns: Sequence[str] | None = None,
    over: str | None = None,
) -> Front:
    """The front of the selected rows or, with `over`, of the means of groups that are alike in all but this axis.

    The rows have `columns` (None: names and the axes that a sweep varies) and the objectives. Sorting and the limit of
    the selection are those of `Front.table` and play no part here. Raises InputError as `read` and `read_grouped` do.
    """
    names = tuple(each.name for each in wanted)
    every = msgspec.structs.replace(selection, sort=(), limit=None)
    if over:
        shown = ("config", *VARYING) if columns is None else columns
        found = read_grouped(store, every, (*shown, *names), over, None)
    else:
        shown = (*FIRST, *VARYING, *READ_OUT) if columns is None else columns
        found = read(store, every, expanded((*shown, *names)))
    places = [found.columns.index(name) for name in names]
    has_all = [all(_is_number(row[i]) for i in places) for row in found.rows]
    missing = [sum(not _is_number(row[i]) for row in found.rows) for i in places]
    candidates = Table(found.columns, PackedRows(row for row, has in zip(found.rows, has_all, strict=True) if has))
    return Front(
        tuple(wanted),
        candidates,
        _best(candidates, wanted),
        len(has_all),
        {name: count for name, count in zip(names, missing, strict=True) if count},
    )


def _is_number(value: Any) -> bool:
    return value is not None and not isnan(value)


def _best(candidates: Table, wanted: Sequence[Objective]) -> tuple[int, ...]:
    import numpy as np

    if not len(candidates.rows):
        return ()
    rows = candidates.only([each.name for each in wanted]).rows
    values = np.array([*rows], dtype=np.float64) * [1 if each.goal == "min" else -1 for each in wanted]
    return tuple(int(i) for i in unbeaten(values))


def unbeaten(values: "npt.NDArray[np.float64]") -> "npt.NDArray[np.intp]":
    """The numbers of the rows of `values`, float64 [n, objectives], that no other row beats, where less is better.

    They are sorted by the first objective, then the second, ..., and equal rows as they come: intp [front]. The time
    grows with n times the number of different rows on the front.
    """
    import numpy as np

    points, of = np.unique(values, axis=0, return_inverse=True)  # sorted by the first column, the second, ...
    left = np.arange(len(points))
    found = []
    while len(left):
        first = left[0]  # nothing that comes before it is left, and nothing that comes after it can beat it
        found.append(first)
        left = left[(points[left] < points[first]).any(axis=1)]
    place = np.full(len(points), -1)
    place[found] = np.arange(len(found))
    place = place[of.reshape(-1)]
    order = np.argsort(place, kind="stable")
    return order[place[order] >= 0]
