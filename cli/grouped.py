"""`--over`: results grouped by everything but one axis, with the spread of each column over the group."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import msgspec
import typer

from cli.columns import VARYING
from cli.render.tables import Table
from cli.selection import SIZES, Selection, read, sort_rows
from pipeline.errors import InputError, quote
from pipeline.result import Axes, Theory

if TYPE_CHECKING:
    from store.engine import Store

MapName: TypeAlias = Literal["mean", "square"]
OverOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--over", metavar="AXIS", help="Group over an axis, as seed: mean, deviation, 95 % interval."),
]
MapOption: TypeAlias = Annotated[
    MapName | None,
    typer.Option("--map", help="With --over: also sizes of the mean heatmap of a group, or of its mean square."),
]

DEFAULT = ("eff_rf", "ratio", "luo")
_CONSTANT = frozenset((*Axes.__struct_fields__, *Theory.__struct_fields__))
_OWN = ("id", "digest", "config", "stem", "position", "state", "spec", "error", "attempts")


def read_grouped(
    store: "Store", selection: Selection, columns: Sequence[str] | None, over: str, map_: MapName | None
) -> Table:
    """A row for each group: what is the same in it, n and dead draws, and for each size mean, sd, low and high.

    Sorting and the limit are those of the groups. `map_` adds the sizes of the averaged heatmap as `NAME_map`.
    """
    from pipeline.axis import axis_path
    from pipeline.replicates import spread

    path = axis_path(over)
    wanted = tuple(columns or ("config", *VARYING, "theo_rf", *DEFAULT))
    spread_over = [name for name in wanted if name not in _CONSTANT and name not in _OWN and name != "dead"]
    constant = [name for name in wanted if name not in spread_over and name not in ("n", "dead", over)]
    needed = tuple(dict.fromkeys((*constant, *spread_over, "dead", "digest", "spec", "n_nan", *Axes.__struct_fields__)))
    rows = read(store, msgspec.structs.replace(selection, sort=(), limit=None), needed).dicts()
    _check_numbers(rows, spread_over)
    listed = []
    for members in _groups(rows, path).values():
        row = {name: _shared(members, name) for name in constant}
        row |= {"n": len(members), "dead": sum(bool(member["dead"]) for member in members)}
        averaged = _averaged(store, members, selection, map_) if map_ else {}
        for name in spread_over:
            found = spread(_numbers(members, name))
            row |= {name: found.mean, f"{name}_sd": found.sd, f"{name}_low": found.low, f"{name}_high": found.high}
            if map_ and name in SIZES:
                row[f"{name}_map"] = averaged[name]
        listed.append(row)
    listed = sort_rows(listed, selection.sort)[: selection.limit]
    names = tuple(listed[0]) if listed else (*constant, "n", "dead", *spread_over)
    return Table(names, [tuple(row[name] for name in names) for row in listed])


def _groups(rows: list[dict[str, Any]], path: str) -> dict[str, list[dict[str, Any]]]:
    """Rows by everything of their config but one axis, in the order of their first members."""
    from pipeline.axis import STACK_AXES

    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        spec = json.loads(row["spec"])
        if path in STACK_AXES:
            if row["depth"] is not None:
                spec["stem"] = [row[axis] for axis in STACK_AXES if axis != path]
        else:
            part, _, field = path.partition(".")
            if field:
                spec.get(part, {}).pop(field, None)
            else:
                spec.pop(part, None)
        groups.setdefault(json.dumps(spec, sort_keys=True), []).append(row)
    return groups


def _check_numbers(rows: list[dict[str, Any]], names: Sequence[str]) -> None:
    for name in names:
        if any(isinstance(row[name], str) for row in rows):
            raise InputError(f"column {quote(name)} is text and has no mean; leave it out of --columns")


def _shared(members: list[dict[str, Any]], name: str) -> Any:
    """What all members of a group have in common, None where they differ."""
    found = {member[name] for member in members}
    return found.pop() if len(found) == 1 else None


def _numbers(members: list[dict[str, Any]], name: str) -> Any:
    import numpy as np

    return np.array([np.nan if member[name] is None else float(member[name]) for member in members])


def _averaged(store: "Store", members: list[dict[str, Any]], selection: Selection, map_: MapName) -> dict[str, Any]:
    """The sizes of the mean heatmap of a group, or of the mean of its squares."""
    from pipeline.arrays import unpack_heatmap
    from pipeline.config import decode
    from pipeline.measure import FRACTION, sizes
    from pipeline.replicates import mean_map
    from pipeline.sample import Sample
    from pipeline.window import window
    from store.records import each_arrays

    configs = [decode(member["spec"].encode()) for member in members]
    windows = {window(config.network, config.unit) for config in configs}
    if len(windows) > 1 or len({config.input for config in configs}) > 1:
        raise InputError("--map averages heatmaps of one unit, but those of a group differ in their windows or planes")
    stored = each_arrays(store, [member["digest"] for member in members])
    mean = mean_map((unpack_heatmap(arrays) for _, arrays in stored), map_ == "square")
    if mean is None:
        return dict.fromkeys(SIZES)
    seen = windows.pop()
    sample = Sample(mean, seen.center, seen, configs[0].probes.count)
    (found,) = sizes([sample], selection.mass or FRACTION, selection.center)
    return {name: getattr(found, name) for name in SIZES}
