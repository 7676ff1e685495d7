"""How a size grows with depth: a power law for each family of plain stacks."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

from pipeline.config import decode
from pipeline.errors import InputError, quote
from pipeline.stem import format_stem, parse
from store.asking.columns import VARYING
from store.asking.distinct import distinct_names
from store.asking.groups import groups
from store.asking.packed import PackedRows
from store.asking.selection import SIZES
from store.asking.table import Table

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from pipeline.sizes import PowerLaw

Along: TypeAlias = Literal["depth", "theo_rf"]
ALONG: tuple[Along, ...] = ("depth", "theo_rf")
"""What sizes grow with."""

_DRAWN = ("depth", "init.seed", "init.offset")
"""What the members of a family differ in: the depth, and where the draws of their weights begin."""

_ALONG_X = frozenset({"eff_rf", "ratio"})
"""Sizes along x whose names do not say so."""

_MEASURED = ("depth", "theo_rf", "theo_rf_y")
_TOLD = ("kernel", "features", "dilation", "stride", "activation", *(name for name in VARYING if name != "seed"))
"""The columns that say how families differ."""


def check_size(size: str) -> None:
    """Raises InputError for a size that there is not."""
    if size not in SIZES:
        raise InputError(f"{quote(size)} is not a size; --size takes one of {', '.join(sorted(SIZES))}")


def growth_columns(size: str) -> tuple[str, ...]:
    """The columns that `growth_table` reads. Raises InputError for a size that there is not."""
    check_size(size)
    return tuple(dict.fromkeys((*_TOLD, *_MEASURED, size, "spec", "kernel_version")))


class Point(msgspec.Struct, frozen=True):
    """The draws of a family at one depth: theoretical RF, mean and standard deviation in px, sd None of one draw."""

    depth: float
    theo_rf: float
    mean: float
    sd: float | None
    draws: int


class Family(msgspec.Struct, frozen=True):
    """Plain stacks that are alike in everything but their depth and their draws.

    layer: the notation of the layer that they repeat. name: the layer and, where other families have the same, the axes
    in which they differ. told: the columns that say how families differ. points: one for each depth at which a draw has
    the size, growing; there may be none.
    """

    layer: str
    name: str
    told: tuple[Any, ...]
    points: tuple[Point, ...]

    def law(self, along: Along, *, ratio: bool = False) -> "PowerLaw | None":
        """How the mean grows with depth or theoretical RF; `ratio`: how its share of the theoretical RF does.

        None with fewer than two points.
        """
        import numpy as np

        from pipeline.sizes import power_law

        if not self.points:
            return None
        rf = np.array([each.theo_rf for each in self.points])
        mean = np.array([each.mean for each in self.points])
        x = rf if along == "theo_rf" else np.array([each.depth for each in self.points])
        return power_law(x, mean / rf if ratio else mean)


def families(everything: Table, size: str) -> list[Family]:
    """The families of a table that has the columns which `growth_columns` names.

    Raises InputError where there is no plain stack.
    """
    depth = everything.columns.index("depth")
    stacks = Table(everything.columns, PackedRows(row for row in everything.rows if row[depth] is not None))
    if not stacks.rows:
        raise InputError("there are no plain stacks among these results; growth needs a grid with a depth axis")
    found = groups(stacks, *_DRAWN)
    columns = found.columns((*_MEASURED, size))
    layers = [_layer(spec) for spec in found.first("spec")]
    told = found.shared(_TOLD)
    names = distinct_names(
        [{**dict(zip(_TOLD, head, strict=True)), "config": layer} for layer, head in zip(layers, told, strict=True)]
    )
    return [
        Family(layer, name, head, tuple(_points({key: values[those] for key, values in columns.items()}, size)))
        for layer, name, head, those in zip(layers, names, told, found.members(), strict=True)
    ]


def growth_table(everything: Table, size: str) -> Table:
    """A row for each family and each pair of what grows (the size, its share of the theoretical RF) with what.

    `everything` has the columns that `growth_columns` names. Raises InputError where there is no plain stack, or no
    family that has the size at two depths.
    """
    made = []
    for family in families(everything, size):
        draws = sum(each.draws for each in family.points)
        for grown, ratio in ((size, False), (f"{size} / theo_rf", True)):
            for along in ALONG:
                law = family.law(along, ratio=ratio)
                if law is not None:
                    fit = (law.slope, law.low, law.high, law.points, draws, law.r2)
                    made.append((family.layer, *family.told, grown, along, *fit))
    if not made:
        raise no_growth(size)
    return Table(("layer", *_TOLD, "growth", "with", "slope", "low", "high", "points", "draws", "r2"), made)


def no_growth(size: str) -> InputError:
    """The error of results of which no family has a size at two depths."""
    return InputError(f"no family has a {size} above 0 at two depths or more; extend the depth axis")


def _layer(spec: str) -> str:
    """The notation of the one layer that a plain stack repeats."""
    return format_stem(parse(decode(spec.encode()).stem)[:1])


def _points(drawn: dict[str, Any], size: str) -> Iterator[Point]:
    """A point for each depth; a mean of zero has no logarithm and is no point.

    `drawn` has columns of the members of a family, float64 [n] each, NaN where a draw has no such size.
    """
    import numpy as np

    for depth in np.unique(drawn["depth"]):
        there = np.flatnonzero((drawn["depth"] == depth) & ~np.isnan(drawn[size]))
        if not len(there):
            continue
        mean, sd = mean_and_sd(drawn[size][there])
        if mean > 0:
            width, height = (float(drawn[name][there[0]]) for name in ("theo_rf", "theo_rf_y"))
            yield Point(float(depth), theoretical_size(width, height, size), mean, sd, len(there))


def mean_and_sd(values: "npt.NDArray[np.float64]") -> tuple[float, float | None]:
    """The mean of the draws of a size, float64 [draws], and their standard deviation, None of one draw."""
    from pipeline.sizes import exact_mean

    mean = exact_mean(values)
    return mean, float((values - mean).std(ddof=1)) if len(values) > 1 else None


def theoretical_size(width: float, height: float, size: str) -> float:
    """The theoretical RF that a size is compared with: along its axis, or the root of the area where it has none."""
    if size.endswith("_y"):
        return height
    return width if size.endswith("_x") or size in _ALONG_X else (width * height) ** 0.5
