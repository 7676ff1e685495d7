"""`erfsweep growth`: how sizes grow with depth."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import DbOption, FormatOption, StoredArgument, store_url
from cli.selection import CenterOption, MassOption, Selection, WhereOption

if TYPE_CHECKING:
    from cli.render.tables import Table
    from store.engine import Store

_DRAWN = ("depth", "init.seed", "init.offset")
"""What the members of a family differ in: the depth, and where the draws of their weights begin."""

_ALONG_X = frozenset({"eff_rf", "ratio"})
"""Sizes along x whose names do not say so."""

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
    from cli.columns import fitted
    from cli.opened import opened
    from cli.render.tables import print_table

    store = opened(store_url(db), create=False)
    table = growth_table(store, Selection(sweep, where, (), None, mass, center), size)
    print_table(fitted(table, format_), format_)


def growth_table(store: "Store", selection: Selection, size: str) -> "Table":
    """A row for each family and each pair of what grows (the size, its share of the theoretical RF) with what."""
    import numpy as np

    from cli.columns import VARYING
    from cli.groups import groups, shared
    from cli.render.tables import Table
    from cli.selection import SIZES, read
    from pipeline.errors import InputError, quote
    from pipeline.growth import power_law

    if size not in SIZES:
        raise InputError(f"{quote(size)} is not a size; --size takes one of {', '.join(sorted(SIZES))}")
    others = tuple(name for name in VARYING if name != "seed")
    needed = (*FAMILY, *others, "depth", "theo_rf", "theo_rf_y", size, "spec", "kernel_version")
    stacks = [row for row in read(store, selection, needed).dicts() if row["depth"] is not None]
    if not stacks:
        raise InputError("there are no plain stacks among these results; growth needs a grid with a depth axis")
    made = []
    for members in groups(stacks, *_DRAWN):
        points = _points(members, size)
        if not points:
            continue
        depth, theory, mean, draws = np.array(points).T
        head = tuple(shared(members, name) for name in (*FAMILY, *others))
        for grown, values in ((size, mean), (f"{size} / theo_rf", mean / theory)):
            for along, x in (("depth", depth), ("theo_rf", theory)):
                law = power_law(x, values)
                if law is not None:
                    fit = (law.slope, law.low, law.high, law.points, int(draws.sum()), law.r2)
                    made.append((_layer(members[0]), *head, grown, along, *fit))
    if not made:
        raise InputError(f"no family has a {size} above 0 at two depths or more; extend the depth axis")
    columns = ("layer", *FAMILY, *others, "growth", "with", "slope", "low", "high", "points", "draws", "r2")
    return Table(columns, made)


def _layer(member: dict[str, Any]) -> str:
    """The notation of the one layer that a plain stack repeats."""
    from pipeline.config import decode
    from pipeline.notation import format_stem, parse

    return format_stem(parse(decode(member["spec"].encode()).stem)[:1])


def _points(members: list[dict[str, Any]], size: str) -> list[tuple[float, float, float, float]]:
    """(depth, theoretical RF, mean size, draws) for each depth; a mean of zero has no logarithm and is no point."""
    import numpy as np

    from pipeline.replicates import exact_mean

    by_depth: dict[int, list[dict[str, Any]]] = {}
    for member in members:
        if member[size] is not None:
            by_depth.setdefault(member["depth"], []).append(member)
    points = []
    for depth, drawn in sorted(by_depth.items()):
        mean = exact_mean(np.array([float(member[size]) for member in drawn]))
        if mean > 0:
            points.append((float(depth), _theoretical(drawn[0], size), mean, float(len(drawn))))
    return points


def _theoretical(member: dict[str, Any], size: str) -> float:
    """The theoretical RF that a size is compared with: along its axis, or the root of the area where it has none."""
    width, height = float(member["theo_rf"]), float(member["theo_rf_y"])
    if size.endswith("_y"):
        return height
    return width if size.endswith("_x") or size in _ALONG_X else (width * height) ** 0.5
