"""`erfsweep growth`: how sizes grow with depth."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import DbOption, FormatOption, StoredArgument, store_url
from cli.selection import CenterOption, MassOption, Selection, WhereOption

if TYPE_CHECKING:
    from cli.render.tables import Table
    from store.engine import Store

FAMILY = ("kernel", "features", "dilation", "stride", "activation")


def command(
    sweep: StoredArgument = None,
    size: Annotated[str, typer.Option("--size", metavar="NAME", help="The size; see fields.")] = "luo",
    where: WhereOption = None,
    mass: MassOption = None,
    center: CenterOption = "unit",
    format_: FormatOption = None,
    db: DbOption = None,
) -> None:
    """Fit how a size grows with depth and with theoretical RF.

    For each family of plain stacks the slope of log size against log depth, and against log theoretical RF. A point is
    the mean over the draws of one depth; the interval of a slope is Student's, at 95 %.
    """
    from cli.columns import without_constants
    from cli.opened import opened
    from cli.render.tables import print_table

    store = opened(store_url(db), create=False)
    print_table(without_constants(growth_table(store, Selection(sweep, where, (), None, mass, center), size)), format_)


def growth_table(store: "Store", selection: Selection, size: str) -> "Table":
    """A row for each family and each pair of what grows (the size, its share of the theoretical RF) with what."""
    import numpy as np

    from cli.columns import VARYING
    from cli.render.tables import Table
    from cli.selection import SIZES, read
    from pipeline.errors import InputError, quote
    from pipeline.growth import power_law

    if size not in SIZES:
        raise InputError(f"{quote(size)} is no size; --size takes one of {', '.join(sorted(SIZES))}")
    others = tuple(name for name in VARYING if name != "seed")
    needed = (*FAMILY, *others, "depth", "theo_rf", "theo_rf_y", size, "spec")
    families: dict[str, list[dict[str, Any]]] = {}
    for row in read(store, selection, needed).dicts():
        if row["depth"] is not None:
            families.setdefault(_family(row), []).append(row)
    if not families:
        raise InputError("there are no plain stacks among these results; growth needs a grid with a depth axis")
    made = []
    for members in families.values():
        points = _points(members, size)
        if not points:
            continue
        depth, theory, mean, share = np.array(points).T
        first = members[0]
        head = tuple(first[name] for name in (*FAMILY, *others))
        for grown, values in ((size, mean), (f"{size} / theo_rf", share)):
            for along, x in (("depth", depth), ("theo_rf", theory)):
                law = power_law(x, values)
                if law is not None:
                    draws = sum(member[size] is not None for member in members)
                    made.append((*head, grown, along, law.slope, law.low, law.high, law.points, draws, law.r2))
    if not made:
        raise InputError(f"no family has {size} at two depths or more; extend the depth axis")
    return Table((*FAMILY, *others, "growth", "with", "slope", "low", "high", "points", "draws", "r2"), made)


def _family(row: dict[str, Any]) -> str:
    """Everything of a config but its depth and the seed of its weights."""
    spec = json.loads(row["spec"])
    spec["stem"] = [row[name] for name in FAMILY]
    spec["init"].pop("seed", None)
    return json.dumps(spec, sort_keys=True)


def _points(members: list[dict[str, Any]], size: str) -> list[tuple[float, float, float, float]]:
    """(depth, theoretical RF, mean size, mean share) for each depth with a size above zero."""
    by_depth: dict[int, list[dict[str, Any]]] = {}
    for member in members:
        if member[size]:
            by_depth.setdefault(member["depth"], []).append(member)
    points = []
    for depth, drawn in sorted(by_depth.items()):
        theory = (drawn[0]["theo_rf"] * drawn[0]["theo_rf_y"]) ** 0.5
        mean = sum(member[size] for member in drawn) / len(drawn)
        points.append((float(depth), theory, mean, mean / theory))
    return points
