"""Results split in two by an axis: which rows are on which side, and what they are called."""

from typing import Any

import pytest

from pipeline.config import Config, Init, Probes, Readout, encode
from pipeline.errors import InputError
from pipeline.stem import Plane
from store.asking.halves import halves
from store.asking.table import Table

PLANE = Plane(21, 21)


def table(configs: list[Config], labels: list[str] | None = None) -> Table:
    rows = [(i, each.stem, encode(each).decode()) for i, each in enumerate(configs)]
    if labels is None:
        return Table(("position", "stem", "spec"), rows)
    return Table(("position", "stem", "spec", "label"), [(*row, labels[row[0]]) for row in rows])


def split(of: Table, by: str) -> dict[str, list[int]]:
    return {half.name: [row[0] for row in half.table.rows] for half in halves(of, by, "s")}


STACKS = table([Config(f"{depth}x{kernel}", PLANE) for depth in (2, 3) for kernel in ("3x3", "3x5", "5x5")])
DRAWS = table([Config("3x3", PLANE, init=Init(seed=seed)) for seed in (7, 2, 7)])
UNITS = table([Config("3x3", PLANE, readout=Readout(position=each)) for each in ("center", (3, 4), (4, 3))])
PLANES = table([Config("3x3", Plane(9, width)) for width in (9, 11)])
PROBES = table([Config("3x3", PLANE, probes=Probes(kind=each, count=1)) for each in ("constant", "uniform")])


@pytest.mark.parametrize(
    ("of", "by", "expected"),
    [
        (STACKS, "depth", {"depth=2": [0, 1, 2], "depth=3": [3, 4, 5]}),
        (STACKS, "kernel=5,3", {"kernel=5": [2, 5], "kernel=3": [0, 3]}),
        (STACKS, "kernel = 3x5 , 3", {"kernel=3x5": [1, 4], "kernel=3": [0, 3]}),
        (STACKS, "stem=3x3x5,2x5x5", {"stem=3x3x5": [4], "stem=2x5x5": [2]}),
        (DRAWS, "seed", {"seed=7": [0, 2], "seed=2": [1]}),
        (DRAWS, "init.seed=2,7", {"init.seed=2": [1], "init.seed=7": [0, 2]}),
        (UNITS, "readout.position=[4, 3],[3, 4]", {"readout.position=[4, 3]": [2], "readout.position=[3, 4]": [1]}),
        (UNITS, "readout.position=center,[3, 4]", {"readout.position=center": [0], "readout.position=[3, 4]": [1]}),
        (PLANES, "input", {"input=9x9x1": [0], "input=9x11x1": [1]}),
        (PLANES, "width", {"width=9": [0], "width=11": [1]}),
        (PROBES, "probes_seed", {"probes_seed=none": [0], "probes_seed=0": [1]}),
    ],
)
def test_rows_are_split_by_any_axis(of: Table, by: str, expected: dict[str, list[int]]) -> None:
    found = split(of, by)
    assert found == expected
    assert [*found] == [*expected]  # A is the first


LABELS = ["a,b", "a", "b,c", "c", "b"]


@pytest.mark.parametrize(("by", "rows"), [("a,b,b", [0, 4]), ("b,c,a,b", [2, 0]), ("a, c", [1, 3]), ("a,b,c", [0, 3])])
def test_values_may_hold_commas(by: str, rows: list[int]) -> None:
    of = table([Config("3x3", PLANE, init=Init(seed=seed)) for seed in range(5)], LABELS)
    assert [*split(of, f"label={by}").values()] == [[row] for row in rows]


@pytest.mark.parametrize(
    ("of", "by", "message"),
    [
        (STACKS, "kernel", "have 3 values of kernel: 3, 3x5, 5; choose two, as in --by 'kernel=3,3x5'"),
        (STACKS, "dtype", "have one value of dtype, float32;"),
        (STACKS, "kernel=3,4", "'kernel=3,4' does not name two of the values that there are: 3, 3x5, 5"),
        (STACKS, "kernel=3", "does not name two"),
        (STACKS, "kernel=", "does not name two"),
        (STACKS, "hdr", "there is no axis 'hdr'"),
        (STACKS, "", "there is no axis ''"),
        (STACKS, "readout", "has several fields"),
        (STACKS, "label", "labels are given by sweeps, and 's' is none"),
        (table([Config("3x3 max2x2", PLANE), Config("3x3", PLANE)]), "kernel", "'3x3 max2x2' is not a plain stack"),
    ],
)
def test_what_does_not_split_in_two_is_said(of: Table, by: str, message: str) -> None:
    with pytest.raises(InputError) as raised:
        halves(of, by, "s")
    assert message in str(raised.value)


def test_values_of_other_types_are_not_the_same() -> None:
    whole: list[Any] = [Config("3x3", PLANE, readout=Readout(channel=each)) for each in (0, "sum", 0)]
    assert split(table(whole), "channel") == {"channel=0": [0, 2], "channel=sum": [1]}
