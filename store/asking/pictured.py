"""Heatmaps with what belongs in their picture: the window, the centre and the effective square."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from pipeline.config import decode
from pipeline.errors import InputError, quote
from pipeline.theory import Window
from store.asking import sides
from store.asking.backdrops import Backdrops
from store.asking.choices import CenterName
from store.asking.columns import READ_OUT, VARYING
from store.asking.distinct import NAMED_BY, distinct_names
from store.asking.grouped import over_path
from store.asking.groups import Groups, groups
from store.asking.halves import COLUMNS, halves
from store.asking.packed import PackedRows
from store.asking.query import count
from store.asking.reading import read
from store.asking.selection import Selection
from store.asking.table import Table
from store.database.connection import Store

if TYPE_CHECKING:
    from pipeline.draws import Backdrop
    from pipeline.sizes import Floats, Sample

_UNMEASURED = "not measured"
_READ = (*NAMED_BY, "state", "error", "digest", "spec", "n_nan", "dead", "eff_square")


class Framed(msgspec.Struct, frozen=True, eq=False):
    """A heatmap with what is drawn around it.

    heatmap: float64 [height, width] on the input plane, per probe. window: the unit's window, unclipped. center: (y, x)
    that sizes are centred on. square: (top, bottom, left, right), the first and last rows and columns of the effective
    square, which may leave the plane; None where there is none. backdrop: the images that it is drawn on, if any.
    """

    heatmap: "Floats"
    window: Window
    center: tuple[float, float]
    square: tuple[int, int, int, int] | None
    backdrop: "Backdrop | None" = None


class Pictured(msgspec.Struct, frozen=True, eq=False):
    """A result as it is drawn.

    ids: of the configs that it is made of. name: its label or notation, and behind it what tells it from the others
    that are drawn. framed: its heatmap, None where it has none. missing: why there is nothing to see (dead, failed, not
    measured), None where there is something.
    """

    ids: tuple[str, ...]
    name: str
    framed: Framed | None = None
    missing: str | None = None


def pictured(store: Store, selection: Selection, *, image: bool = False) -> list[Pictured]:
    """The selected results in their order, those without a heatmap among them; the square is of the mass asked for.

    All their heatmaps are in memory together. image: with the images that were measured, where probes are images; what
    cannot be read is told by `store.say`. Raises InputError as `read` does.
    """
    return _pictured_rows(store, [*read(store, selection, _READ).dicts()], selection, image=image)


def _pictured_rows(
    store: Store, rows: Sequence[dict[str, Any]], selection: Selection, *, image: bool = False
) -> list[Pictured]:
    """The same of rows that have the columns `_READ`."""
    from store.asking.heatmaps import samples

    found = dict(samples(store, rows))
    backdrops = Backdrops()
    made = [
        _pictured(row, name, found.get(row["digest"]), selection.center, backdrops if image else None)
        for row, name in zip(rows, distinct_names(rows), strict=True)
    ]
    for problem in backdrops.problems:
        store.say(problem)
    return made


def mean_of_groups(store: Store, selection: Selection, over: str, *, image: bool = False) -> list[Pictured]:
    """The mean heatmap of each group of results that are alike in everything but the axis `over`, first group first.

    A group has the name of what its members have in common; where none of them is measured, it is missing. Sorting and
    the limit are those of the rows of the first members. `image` as `pictured` takes it, where the members of a group
    share their images. Raises InputError as `read` does, for an axis that there is not, and for a group whose units
    differ in their windows or planes.
    """
    from store.asking.heatmaps import samples

    found = _grouped(store, selection, over)
    rows = [*found.table.dicts()]
    shown = ("config", *VARYING, *READ_OUT)
    names = distinct_names([dict(zip(shown, shared, strict=True)) for shared in found.shared(shown)])
    backdrops = Backdrops()
    made = []
    for name, members in [*zip(names, found.members(), strict=True)][: selection.limit]:
        those = [rows[i] for i in members]
        own = dict(samples(store, those))
        each = [
            _pictured(row, name, own.get(row["digest"]), selection.center, backdrops if image else None)
            for row in those
        ]
        measured = [one for one in each if one.framed is not None]
        made.append(_mean(measured, name, selection) if measured else each[0])
    for problem in backdrops.problems:
        store.say(problem)
    return made


def count_pictured(store: Store, selection: Selection, over: str | None = None) -> int:
    """How many results there are to draw, or groups over an axis, whatever the limit.

    Raises InputError as `read` does, and for an axis that there is not.
    """
    if over is not None:
        return _grouped(store, selection, over).count
    if selection.where is None or selection.is_stored:
        return count(store, selection.sweep, where=selection.where)
    return len(read(store, msgspec.structs.replace(selection, limit=None), _READ).rows)


def _grouped(store: Store, selection: Selection, over: str) -> Groups:
    whole = msgspec.structs.replace(selection, limit=None)
    return groups(read(store, whole, (*_READ, "kernel_version")), over_path(over))


def one_pictured(store: Store, config: str, selection: Selection, *, image: bool = False) -> Pictured:
    """One result: an id, SWEEP:position, a label or a stem; `image` as `pictured` takes it.

    Raises InputError where that names none or several, where it is not measured, and as `read` does.
    """
    found = [*_named(store, config, selection, image=image)]
    if len(found) != 1:
        number = "no result" if not found else f"{len(found):,} results"
        raise InputError(
            f"{quote(config)} names {number}, and this picture is of one; write an id or SWEEP:position, or keep one "
            "by --where"
        )
    if found[0].framed is None:
        is_queued = found[0].missing == _UNMEASURED
        way = "`erfsweep work` measures what is queued" if is_queued else f"`erfsweep show {found[0].ids[0]}` says why"
        raise InputError(f"{quote(config)} has no heatmap: {found[0].missing}; {way}")
    return found[0]


def mean_pictured(store: Store, name: str, selection: Selection) -> Pictured:
    """What a text names, as `store.asking.sides.side` takes it: one result, or the mean heatmap of several draws.

    Every draw has the same weight. The square is of the mean. Raises InputError where there is none, and where the
    units of several differ in their windows or planes.
    """
    found = [each for each in _named(store, name, selection) if each.framed is not None]
    if not found:
        raise _nothing(name, selection)
    return _mean(found, name, selection)


def mean_halves(store: Store, name: str, by: str, selection: Selection) -> tuple[Pictured, Pictured]:
    """The mean heatmaps of what a text names, split in two by an axis as `store.asking.halves.halves` does.

    Raises InputError as this and `mean_pictured` do.
    """
    side = sides.side(store, name)
    label = () if side.sweep is None else ("label",)
    whole = read(store, _of_side(side, selection), (*_READ, *COLUMNS, *label))
    measured = whole.columns.index("n_nan")
    results = Table(whole.columns, PackedRows(row for row in whole.rows if row[measured] is not None))
    if not len(results.rows):
        raise _nothing(name, selection)
    found = []
    for half in halves(results, by, name):
        drawn = [each for each in _pictured_rows(store, [*half.table.dicts()], selection) if each.framed is not None]
        if not drawn:  # all are damaged
            raise _nothing(half.name, selection)
        found.append(_mean(drawn, half.name, selection))
    a, b = found
    return a, b


def _nothing(name: str, selection: Selection) -> InputError:
    condition = f" that meets --where {quote(selection.where)}" if selection.where else ""
    return InputError(f"there is no result of {quote(name)}{condition} yet; `erfsweep work` measures what is queued")


def _mean(measured: Sequence[Pictured], name: str, selection: Selection) -> Pictured:
    """The mean heatmap of results that all have one, under a name of their own."""
    from pipeline.sizes import FRACTION, Replicate, Sample, mean_map, sizes

    if len(measured) == 1:
        return msgspec.structs.replace(measured[0], name=name)
    found = [each.framed for each in measured if each.framed is not None]
    first = found[0]
    if len({(each.window, each.heatmap.shape) for each in found}) > 1:
        raise InputError(
            f"the results of {quote(name)} have several windows or planes, and their heatmaps have no mean; keep one "
            "kind by --where"
        )
    mean = mean_map((Replicate(each.heatmap, 1) for each in found), squared=False)
    if mean is None:
        raise InputError(f"the heatmaps of {quote(name)} are of scales too far apart for a mean; name one of them")
    sample = Sample(mean, first.window.center, first.window)
    (size,) = sizes([sample], selection.mass or FRACTION, selection.center, ["eff_square"])
    backdrop = first.backdrop if all(each.backdrop is first.backdrop for each in found) else None
    framed = Framed(mean, first.window, first.center, _square(size.eff_square, first.center), backdrop)
    return Pictured(tuple(key for each in measured for key in each.ids), name, framed, _dead(mean))


def _named(store: Store, name: str, selection: Selection, *, image: bool = False) -> list[Pictured]:
    return pictured(store, _of_side(sides.side(store, name), selection), image=image)


def _of_side(side: sides.Side, selection: Selection) -> Selection:
    return msgspec.structs.replace(selection, sweep=side.sweep, digests=None if side.sweep else side.digests)


def _pictured(
    row: dict[str, Any], name: str, sample: "Sample | None", about: CenterName, backdrops: Backdrops | None
) -> Pictured:
    ids = (row["id"],)
    if sample is None:
        return Pictured(ids, name, missing=_missing(row["state"]))
    height, width = sample.plane
    center = sample.center if about == "unit" else ((height - 1) / 2, (width - 1) / 2)
    heatmap = sample.heatmap / sample.used
    below = None if backdrops is None else backdrops.of(decode(row["spec"].encode()))
    square = _square(row["eff_square"], center)
    return Pictured(ids, name, Framed(heatmap, sample.window, center, square, below), _dead(heatmap))


def _square(side: float | None, center: tuple[float, float]) -> tuple[int, int, int, int] | None:
    from pipeline.sizes import square_about

    return None if side is None else square_about(center, side)


def _dead(heatmap: "Floats") -> str | None:
    return None if heatmap.any() else "dead"


def _missing(state: str) -> str:
    return {"queued": _UNMEASURED, "running": _UNMEASURED, "done": "damaged"}.get(state, state)
