"""`--over`: results grouped by everything but one axis, with the spread of each column over the group."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import msgspec
import typer

from cli.columns import VARYING
from cli.groups import groups, shared
from cli.render.tables import Table
from cli.selection import SIZES, Selection, read, sort_rows
from pipeline.errors import InputError, quote
from pipeline.result import Axes, Sizes, Theory

if TYPE_CHECKING:
    from pipeline.window import Window
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
_AXES = {
    **{side: f"input.{side}" for side in ("height", "width", "channels")},
    **{f"probes_{field}": f"probes.{field}" for field in ("count", "seed")},
    **{field: f"readout.{field}" for field in ("channel", "gradient")},
    **{part: f"{part}.kind" for part in ("init", "probes")},
}
"""The axis of each column that is called otherwise."""
_INTERNAL = ("dead", "digest", "spec", "probes_count", "n_nan", "kernel_version")


def read_grouped(
    store: "Store", selection: Selection, columns: Sequence[str] | None, over: str, map_: MapName | None
) -> Table:
    """A row for each group: what is the same in it, n and dead draws, and for each size n, mean, sd, low and high.

    Sorting and the limit are those of the groups. `map_` adds the sizes of the averaged heatmap as `NAME_map` and,
    where one is missing, why as `reasons_map`.
    """
    path = _axis(over)
    wanted = tuple(columns or ("config", *VARYING, "theo_rf", *DEFAULT))
    spread_over = [name for name in wanted if name not in _CONSTANT and name not in (*_OWN, "n", "dead")]
    constant = [name for name in wanted if name not in spread_over and name not in ("n", "dead", over)]
    needed = tuple(dict.fromkeys((*constant, *spread_over, *_INTERNAL)))
    rows = read(store, msgspec.structs.replace(selection, sort=(), limit=None), needed).dicts()
    _check_numbers(rows, spread_over)
    names = [*constant, "n", "dead"]
    for name in spread_over:
        names += [name, *(f"{name}_{part}" for part in ("n", "sd", "low", "high"))]
        names += [f"{name}_map"] if map_ and name in SIZES else []
    listed = []
    for members in groups(rows, path):
        row = {name: shared(members, name) for name in constant}
        row |= {"n": len(members), "dead": sum(bool(member["dead"]) for member in members)}
        for name in spread_over:
            row |= _spread(members, name)
        if map_:
            row |= _of_map(_averaged(store, members, selection, map_), [name for name in spread_over if name in SIZES])
        listed.append(row)
    if map_:
        names.append("reasons_map")
    listed = sort_rows(listed, selection.sort)[: selection.limit]
    return Table(tuple(names), [tuple(row[name] for name in names) for row in listed])


def _axis(over: str) -> str:
    """The field of a config that `--over` names. Raises InputError for several, and for a column that is no axis."""
    from pipeline.axis import axis_path
    from store.fields import BY_NAME

    if "," in over:
        first = over.partition(",")[0].strip() or "seed"
        raise InputError(f"--over takes one axis, not {quote(over)}; write --over {first}, and the others stay columns")
    if over in _AXES:
        raise InputError(f"{quote(over)} is the column of the axis {_AXES[over]}; write --over {_AXES[over]}")
    try:
        return axis_path(over)
    except InputError:
        if over in BY_NAME:
            what = "a size" if over in SIZES else "a column"
            raise InputError(
                f"{quote(over)} is {what}, not an axis of configs; --over takes the axis to average over, such as seed"
            ) from None
        raise


def _check_numbers(rows: list[dict[str, Any]], names: Sequence[str]) -> None:
    for name in names:
        if any(isinstance(row[name], str) for row in rows):
            raise InputError(f"column {quote(name)} is text and has no mean; leave it out of --columns")


def _spread(members: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """The columns that say how a size is spread over the members of a group."""
    import numpy as np

    from pipeline.replicates import spread

    values = [np.nan if member[name] is None else float(member[name]) for member in members]
    found = spread(np.array(values))
    return {
        name: found.mean,
        f"{name}_n": found.n,
        f"{name}_sd": found.sd,
        f"{name}_low": found.low,
        f"{name}_high": found.high,
    }


def _of_map(averaged: Sizes, names: Sequence[str]) -> dict[str, Any]:
    """The columns of these sizes of an averaged heatmap, and why some are missing (JSON text; None: none is)."""
    missing = {name: averaged.reasons[name] for name in names if name in averaged.reasons}
    found = {f"{name}_map": getattr(averaged, name) for name in names}
    return found | {"reasons_map": msgspec.json.encode(missing).decode() if missing else None}


def _averaged(store: "Store", members: list[dict[str, Any]], selection: Selection, map_: MapName) -> Sizes:
    """The sizes of the mean heatmap of a group, or of the mean of its squares, whatever the order of the members."""
    from pipeline.arrays import unpack_heatmap
    from pipeline.measure import BEYOND, FRACTION, sizes
    from pipeline.replicates import Replicate, mean_map
    from pipeline.sample import Sample
    from store.records import each_arrays

    seen = _one_window(members)
    used = {member["digest"]: _probes_used(member) for member in members if member["n_nan"] is not None}
    stored = each_arrays(store, sorted(used))
    mean = mean_map((Replicate(unpack_heatmap(arrays), used[digest]) for digest, arrays in stored), map_ == "square")
    if mean is None:
        return Sizes(reasons=dict.fromkeys(SIZES, BEYOND if used else "not measured"))
    (found,) = sizes([Sample(mean, seen.center, seen)], selection.mass or FRACTION, selection.center)
    return found


def _probes_used(member: dict[str, Any]) -> int:
    count: int = member["probes_count"]
    nan: int = member["n_nan"]
    return count - nan


def _one_window(members: list[dict[str, Any]]) -> "Window":
    """The window that all members of a group have. Raises InputError where their heatmaps are unlike."""
    from pipeline.config import decode
    from pipeline.window import window

    configs = [decode(member["spec"].encode()) for member in members]
    windows = {window(config.network, config.unit): None for config in configs}
    unlike: dict[str, list[str]] = {
        "windows": [f"{seen.height}x{seen.width} about {seen.center}" for seen in windows],
        "planes": [f"{plane.height}x{plane.width}x{plane.channels}" for plane in {config.input for config in configs}],
        "readout.gradient": list({config.readout.gradient for config in configs}),
    }
    for what, found in unlike.items():
        if len(found) > 1:
            one, other = sorted(found)[:2]
            raise InputError(
                f"--map averages heatmaps that are alike, but a group differs in its {what}, as {one} and {other}; "
                "keep one kind by --where, or group over another axis"
            )
    return next(iter(windows))
