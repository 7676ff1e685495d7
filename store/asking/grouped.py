"""`--over`: results grouped by everything but one axis, with the spread of each column over the group.

Rows are held packed, columns of numbers as float64, and heatmaps are averaged one by one: a group of 300,000 draws
takes no more memory than its rows do.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from pipeline.config import decode
from pipeline.errors import InputError, quote
from pipeline.result import Axes, Costs, Sizes, Theory
from pipeline.stem import Plane
from pipeline.theory import Window, window_of
from store.asking.choices import MapName
from store.asking.fields import BY_NAME, BY_PATH, expanded, is_several
from store.asking.fractions import at_fractions, read_fractions
from store.asking.groups import Groups, groups
from store.asking.heatmaps import heatmaps
from store.asking.packed import PackedRows
from store.asking.reading import read, sort_rows
from store.asking.selection import SIZES, Selection
from store.asking.table import Table
from store.database.connection import Store

_CONSTANT = frozenset((*Axes.__struct_fields__, *Costs.__struct_fields__, *Theory.__struct_fields__))
_OWN = ("id", "digest", "sweep", "position", "config", "label", "stem", "state", "spec", "error", "attempts")
_COUNTED = ("n", "dead")
_SHARED = ("sweep", "config", "label", "stem")
"""Text that the members of a group may have in common."""


def read_grouped(
    store: Store,
    selection: Selection,
    wanted: Sequence[str],
    over: str,
    map_: MapName | None,
    masses: Sequence[float] = (),
) -> Table:
    """A row for each group: what is the same in it, n and dead draws, and for each size n, mean, sd, low and high.

    Sorting and the limit are those of the groups. `map_` adds the sizes of the averaged heatmap as `NAME_map` and,
    where one is missing, why as `reasons_map`.
    Raises InputError for an axis that there is not, text that has no mean, `map_` with several shares, and as `read`.
    """
    path = over_path(over)
    named = {name for each in wanted if not is_several(each) for name in expanded([each])}
    wanted = [name for name in expanded(wanted) if name in named or _has_mean(name)]
    spread_over = [name for name in wanted if name not in _CONSTANT and name not in (*_OWN, *_COUNTED)]
    constant = [name for name in wanted if name not in (*spread_over, *_COUNTED, averaged_column(path))]
    internal = ("dead", "spec", "kernel_version", *(("digest", "probes_count", "n_nan") if map_ else ()))
    needed = tuple(dict.fromkeys((*constant, *spread_over, *internal)))
    unsorted = msgspec.structs.replace(selection, sort=(), limit=None)
    if masses and map_:
        raise InputError("--map takes one share of the mass; give one --mass")
    rows = read_fractions(store, unsorted, needed, masses) if masses else read(store, unsorted, needed)
    found = groups(rows, path)
    spread_over = list(at_fractions(spread_over, masses)) if masses else spread_over
    sized = [name for name in spread_over if name in SIZES] if map_ else []
    names = [*constant, *_COUNTED]
    for name in spread_over:
        names += [name, *(f"{name}_{part}" for part in ("n", "sd", "low", "high"))]
        names += [f"{name}_map"] if name in sized else []
    if map_:
        names.append("reasons_map")
    made = _rows(found, constant, spread_over)
    if map_:
        maps = _averaged(store, found, selection, map_)
        made = (row | _of_map(averaged, sized) for row, averaged in zip(made, maps, strict=True))
    table = Table(tuple(names), PackedRows([row[name] for name in names] for row in made))
    return sort_rows(table, selection.sort, selection.limit)


def _has_mean(name: str) -> bool:
    """Whether a column may stand in a table of groups: text has no mean, unless it is the same in a group."""
    return name in _CONSTANT or name in _SHARED or BY_NAME[name].type in ("int", "float", "bool")


def over_path(over: str) -> str:
    """The field of a config that `--over` names. Raises InputError for several, and for a column that is no axis."""
    from pipeline.sweep.grid import axis_path

    if "," in over:
        first = over.partition(",")[0].strip() or "seed"
        raise InputError(f"--over takes one axis, not {quote(over)}; write --over {first}, and the others stay columns")
    try:
        return axis_path(over)
    except InputError:
        if over in BY_NAME:
            what = "a size" if over in SIZES else "a column"
            raise InputError(
                f"{quote(over)} is {what}, not an axis of configs; --over takes the axis to average over, such as seed"
            ) from None
        raise


def averaged_column(path: str) -> str | None:
    """The column that an axis fills, if it is one."""
    found = BY_PATH.get(path) or BY_NAME.get(path)
    return None if found is None else found.name


def refuse_averaged(names: Iterable[str], over: str) -> None:
    """Raises InputError where one of the names is the column of the axis that a table averages over."""
    averaged = averaged_column(over_path(over))
    for name in names:
        if not is_several(name) and expanded([name]) == (averaged,):
            raise InputError(
                f"--over {over} averages over {quote(name)}, so that no column has it; leave one of them out"
            )


def _rows(found: Groups, constant: Sequence[str], spread_over: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The columns of each group, those of an averaged heatmap left out."""
    from pipeline.sizes import spreads

    try:
        values = found.columns(("dead", *spread_over))
    except ValueError as error:
        raise InputError(f"column {quote(error.args[0])} is text and has no mean; leave it out of --columns") from None
    members = found.members()
    spread_of = {name: spreads([values[name][each] for each in members]) if members else [] for name in spread_over}
    for i, head in enumerate(found.shared(constant)):
        row = dict(zip(constant, head, strict=True))
        row |= {"n": len(members[i]), "dead": int((values["dead"][members[i]] == 1).sum())}
        for name in spread_over:
            of = spread_of[name][i]
            row |= {name: of.mean, **{f"{name}_{part}": getattr(of, part) for part in ("n", "sd", "low", "high")}}
        yield row


def _of_map(averaged: Sizes, names: Sequence[str]) -> dict[str, Any]:
    """The columns of these sizes of an averaged heatmap, and why some are missing (JSON text; None: none is)."""
    missing = {name: averaged.reasons[name] for name in names if name in averaged.reasons}
    found = {f"{name}_map": getattr(averaged, name) for name in names}
    return found | {"reasons_map": msgspec.json.encode(missing).decode() if missing else None}


class _Kind(msgspec.Struct, frozen=True):
    """What the heatmaps of a group must have in common to be averaged."""

    window: Window
    plane: Plane
    gradient: str


def _averaged(store: Store, found: Groups, selection: Selection, map_: MapName) -> Iterator[Sizes]:
    """For each group the sizes of its mean heatmap, or of that of squares, whatever the order of its members."""
    import numpy as np

    from pipeline.sizes import FRACTION, Replicate, Sample, mean_map, sizes

    kinds: dict[_Kind, int] = {}
    of, digests = np.empty(len(found.table.rows), np.int64), []
    used = np.empty(len(of), np.int64)
    for i, (digest, spec, count, n_nan) in enumerate(
        found.table.only(("digest", "spec", "probes_count", "n_nan")).rows
    ):
        config = decode(spec.encode())
        kind = _Kind(window_of(config), config.input, config.readout.gradient)
        of[i] = kinds.setdefault(kind, len(kinds))
        digests.append(bytes.fromhex(digest))
        used[i] = -1 if n_nan is None else count - n_nan
    known = list(kinds)
    for members in found.members():
        kind = _one_kind([known[i] for i in np.unique(of[members])])
        probes = {digests[i].hex(): int(used[i]) for i in members if used[i] >= 0}
        plane = kind.plane.height, kind.plane.width
        stored = heatmaps(store, sorted(probes), plane)
        mean = mean_map((Replicate(heatmap, probes[digest]) for digest, heatmap in stored), map_ == "square")
        if mean is None:
            yield Sizes(reasons=dict.fromkeys(SIZES, "not measured"))
            continue
        sample = Sample(mean, kind.window.center, kind.window)
        yield sizes([sample], selection.mass or FRACTION, selection.center)[0]


def _one_kind(kinds: Sequence[_Kind]) -> _Kind:
    """The one kind of the members of a group. Raises InputError where their heatmaps are unlike."""
    unlike = {
        "windows": {f"{seen.height}x{seen.width} about {seen.center}" for seen in {kind.window for kind in kinds}},
        "planes": {str(kind.plane) for kind in kinds},
        "readout.gradient": {kind.gradient for kind in kinds},
    }
    for what, found in unlike.items():
        if len(found) > 1:
            one, other = sorted(found)[:2]
            raise InputError(
                f"--map averages heatmaps that are alike, but a group differs in its {what}, as {one} and {other}; "
                "keep one kind by --where, or group over another axis"
            )
    return kinds[0]
