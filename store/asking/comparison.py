"""Two sweeps, or two configs, compared: how much larger the sizes of one are, over the pairs that belong together."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import msgspec

from pipeline.errors import InputError, quote
from store.asking.choices import CenterName
from store.asking.columns import SIZES
from store.asking.fields import field
from store.asking.halves import Half, halves
from store.asking.packed import PackedRows
from store.asking.pairing import COLUMNS, Difference, Pairing, pairing
from store.asking.reading import read
from store.asking.selection import Selection
from store.asking.sides import Side, check_sides, side
from store.asking.table import Table, numbers
from store.asking.tabular import Tabular
from store.database.connection import Store
from store.database.rows import chunks

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Larger: TypeAlias = Literal["a", "b", "equal", "unclear"]
"""The side whose sizes are larger, or `unclear` where the interval of the difference contains 0."""

ONE_PAIR = "one pair"
NO_PAIR = "no pair has it"

_ROUNDING = 1e-12
"""A difference below this share of the sizes is 0: sums of up to thousands of float64 are rounded by less."""

_GROUPS = ("theory", "sizes", "health", "provenance", "costs")
"""Of the fields whose numbers are compared."""


class SizeDifference(msgspec.Struct, frozen=True):
    """How one size differs: b - a, over the pairs that have it on both sides.

    a, b: the means of the size over these pairs. low, high: the 95 % interval of the difference. n_a, n_b: the results
    behind the means. All numbers are in `unit`, or without one. What does not exist is None, and `reason` says why.
    """

    size: str
    unit: str
    a: float | None
    b: float | None
    difference: float | None
    low: float | None
    high: float | None
    larger: Larger | None
    pairs: int
    n_a: int
    n_b: int
    reason: str | None


class Compared(msgspec.Struct, frozen=True):
    """One side of a comparison: its name as it was written, how many results it has, and those without a partner.

    only: (id, label or stem) of each result to which the other side has none.
    """

    name: str
    results: int
    only: tuple[tuple[str, str], ...]


class Comparison(Tabular, msgspec.Struct, frozen=True):
    """What two sides, a and b, have in common and how their results differ.

    paired_by: the axes that tell pairs apart; both members of a pair have the same values of them. differs: the axes in
    which no config of one side is like any of the other. pairs: how many there are.
    """

    a: Compared
    b: Compared
    paired_by: tuple[str, ...]
    differs: tuple[Difference, ...]
    pairs: int
    sizes: tuple[SizeDifference, ...]

    def _table(self) -> Table:
        return self.table()

    def table(self) -> Table:
        """A row for each size, with the columns of `SizeDifference`; an empty unit is None."""
        names = SizeDifference.__struct_fields__
        rows = ([getattr(each, name) for name in names] for each in self.sizes)
        return Table(names, PackedRows([None if value == "" else value for value in row] for row in rows))


def compare(
    store: Store,
    a: str,
    b: str | None = None,
    sizes: Sequence[str] = SIZES,
    *,
    by: str | None = None,
    where: str | None = None,
    mass: float | None = None,
    center: CenterName = "unit",
) -> Comparison:
    """The results of `b` against those of `a`, each a text that `store.asking.sides.side` takes.

    Without `b`, the results of `a` are split in two by the axis that `by` names, see `store.asking.halves.halves`.
    sizes: fields with numbers. `where` keeps the results of both sides that meet a condition; `mass` and `center` are
    those of a table. A size of several results that nothing shared tells apart is their mean. Raises InputError for a
    name, a size or a condition that cannot be used, unless one of `b` and `by` is there, and where a side has no result
    or nothing pairs.
    """
    names = _checked(sizes)
    selection = Selection(None, where, (), None, mass, center)
    both = _halves(store, a, b, by, selection, names)
    tables = [each.table for each in both]
    found = pairing(*tables)
    if not found.pairs:
        differ = " and ".join(found.paired_by)
        raise InputError(
            f"no result of {quote(both[0].name)} has a partner among those of {quote(both[1].name)} with the same "
            f"{differ}; keep what is alike by --where, or compare two configs"
        )
    columns = [numbers(table, names) for table in tables]
    differences = [_difference(name, found, _Sides(columns[0][name], columns[1][name])) for name in names]
    if any(each.reason == NO_PAIR for each in differences):
        of_first = _reasons(store, found, tables, msgspec.structs.replace(selection, where=None))
        differences = [_with_reason(each, of_first) for each in differences]
    return Comparison(
        _compared(both[0], found.only_a),
        _compared(both[1], found.only_b),
        found.paired_by,
        found.differs,
        len(found.pairs),
        tuple(differences),
    )


def _checked(sizes: Sequence[str]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(field(name).name for name in sizes))
    for name in names:
        if field(name).group not in _GROUPS or field(name).type not in ("int", "float"):
            raise InputError(f"{quote(name)} is no size to compare; --size takes numbers such as {', '.join(SIZES)}")
    return names


def _halves(
    store: Store, a: str, b: str | None, by: str | None, selection: Selection, names: Sequence[str]
) -> tuple[Half, Half]:
    """The names and the results of both sides."""
    check_sides(b, by)
    first = side(store, a)
    if by is not None:
        return halves(_results(store, first, selection, names), by, first.name)
    one, other = (Half(each.name, _results(store, each, selection, names)) for each in (first, side(store, b or "")))
    return one, other


def _results(store: Store, of: Side, selection: Selection, names: Sequence[str]) -> Table:
    """The measured configs of a side that are selected, with the columns that the comparison reads.

    Raises InputError where there is none.
    """
    columns = ["id", "config", "n_nan", *COLUMNS, *names]
    if of.sweep is not None:
        columns.append("label")
        parts = [msgspec.structs.replace(selection, sweep=of.sweep)]
    else:
        parts = [msgspec.structs.replace(selection, digests=tuple(some)) for some in chunks(of.digests)]
    columns = list(dict.fromkeys(columns))
    measured = columns.index("n_nan")
    rows = (row for part in parts for row in read(store, part, columns).rows if row[measured] is not None)
    found = Table(tuple(columns), PackedRows(rows))
    if not len(found.rows):
        raise _nothing(of, selection.where)
    return found


def _nothing(of: Side, where: str | None) -> InputError:
    if where is None:
        return InputError(f"there is no result of {quote(of.name)} yet; `erfsweep work` measures what is queued")
    return InputError(f"no result of {quote(of.name)} meets --where {quote(where)}; widen it, or leave it out")


def _compared(of: Half, alone: tuple[int, ...]) -> Compared:
    kept = set(alone)
    named = tuple((row[0], row[1]) for i, row in enumerate(of.table.only(("id", "config")).rows) if i in kept)
    return Compared(of.name, len(of.table.rows), named)


class _Sides(NamedTuple):
    """The values of one size on both sides, float64 [rows], NaN where there is none."""

    a: "npt.NDArray[np.float64]"
    b: "npt.NDArray[np.float64]"


def _difference(name: str, found: Pairing, of: _Sides) -> SizeDifference:
    import numpy as np

    from pipeline.sizes import difference_interval, exact_mean, spread

    means, counts = zip(
        *(_means(values, [pair[i] for pair in found.pairs]) for i, values in enumerate(of)), strict=True
    )
    both = np.flatnonzero(counts[0] * counts[1])
    unit = field(name).unit
    if not len(both):
        return SizeDifference(name, unit, None, None, None, None, None, None, 0, 0, 0, NO_PAIR)
    a, b = (side[both] for side in means)
    differences = spread(b - a)
    smallest = _ROUNDING * max(np.abs(a).max(), np.abs(b).max())
    interval: tuple[float, float] | None = None
    if differences.low is not None and differences.high is not None:
        interval = differences.low, differences.high
    elif len(both) == 1:
        interval = difference_interval(*(values[[*found.pairs[both[0]][i]]] for i, values in enumerate(of)))
    difference, *ends = (0.0 if abs(each) < smallest else each for each in (exact_mean(b - a), *(interval or ())))
    low, high = ends or (None, None)
    return SizeDifference(
        size=name,
        unit=unit,
        a=exact_mean(a),
        b=exact_mean(b),
        difference=difference,
        low=low,
        high=high,
        larger=_larger(*(ends or (difference, difference))),
        pairs=len(both),
        n_a=int(counts[0][both].sum()),
        n_b=int(counts[1][both].sum()),
        reason=None if interval else ONE_PAIR,
    )


def _reasons(
    store: Store, found: Pairing, tables: Sequence[Table], selection: Selection
) -> tuple[dict[str, str], dict[str, str]]:
    """Why the results of the first pair lack sizes: for each side the reasons by size."""
    a, b = (
        _reasons_of(store, list(table.only(("id",)).rows)[rows[0]][0], selection)
        for table, rows in zip(tables, found.pairs[0], strict=True)
    )
    return a, b


def _reasons_of(store: Store, key: str, selection: Selection) -> dict[str, str]:
    asked = msgspec.structs.replace(selection, where=f"id == '{key}'")
    texts = [text for (text,) in read(store, asked, ("reasons",)).rows if text is not None]
    return msgspec.json.decode(texts[0], type=dict[str, str]) if texts else {}


def _with_reason(each: SizeDifference, of_first: tuple[dict[str, str], dict[str, str]]) -> SizeDifference:
    """A size that no pair has, with what the store says of the first pair."""
    if each.reason != NO_PAIR:
        return each
    in_a, in_b = (of.get(each.size) for of in of_first)
    if in_a == in_b and in_a is not None:
        return msgspec.structs.replace(each, reason=f"{NO_PAIR} ({in_a} in A and B)")
    said = [f"{why} in {side}" for side, why in (("A", in_a), ("B", in_b)) if why is not None]
    return msgspec.structs.replace(each, reason=f"{NO_PAIR} ({', '.join(said)})") if said else each


def _means(
    values: "npt.NDArray[np.float64]", groups: Sequence[Sequence[int]]
) -> "tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]":
    """(mean, number of values) of each group of rows, [groups]; NaN are left out.

    values: float64 [rows], NaN where there is none. Of equal values the mean is exactly theirs, as in
    `pipeline.sizes.replicates.exact_mean`.
    """
    import numpy as np

    sizes = np.array([len(group) for group in groups])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    flat = values[np.fromiter((number for group in groups for number in group), np.int64)]
    is_known = ~np.isnan(flat)
    count = np.add.reduceat(is_known.astype(np.int64), starts)
    least = np.minimum.reduceat(np.where(is_known, flat, np.inf), starts)
    most = np.maximum.reduceat(np.where(is_known, flat, -np.inf), starts)
    above = np.where(is_known, flat, 0) - np.where(is_known, np.repeat(np.where(count, least, 0), sizes), 0)
    mean = np.where(count, least, 0) + np.add.reduceat(above, starts) / np.maximum(count, 1)
    return np.where(count, np.minimum(mean, most), np.nan), count


def _larger(low: float, high: float) -> Larger:
    """Which side is larger, by the ends of the interval of the difference, or by the difference where it has none."""
    if low == high == 0:
        return "equal"
    if low > 0:
        return "b"
    return "a" if high < 0 else "unclear"
