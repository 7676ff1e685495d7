"""The halo of a network's units, and their exact windows by position, against the windows of all units."""

from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.stem import Plane, network
from pipeline.theory import Halo, theory, window
from tests.strategies import stems

PLANE = Plane(60, 60)


def halo(stem: str, plane: Plane = PLANE) -> Halo | None:
    return theory(network(stem, plane)).halo


def alike(reach: float, *sizes: int) -> Halo:
    return Halo(reach, reach, reach, reach, sizes, sizes)


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("1x1", alike(0, 1)),
        ("4x3x3", alike(4, 9)),
        ("3x3p0", alike(1, 3)),  # unit 0 stands at pixel 1
        ("3x3/2", Halo(1.5, 0.5, 1.5, 0.5, (3,), (3,))),  # unit 0 of 30 stands between pixels 0 and 1
        ("3x3/2 up2", Halo(2, 1, 2, 1, (3,), (3,))),  # units 0 and 1 read pixels -1 to 1
        ("4x4/2p1", alike(1.5, 4)),
        ("3x3p2+0", Halo(2, 0, 2, 0, (3,), (3,))),  # causal
        ("3x3p2 crop0+2", Halo(2, 0, 2, 0, (3,), (3,))),  # the same
        ("pad2+0 3x3p0", Halo(2, 0, 2, 0, (3,), (3,))),  # the same
        ("up2", alike(0.25, 1)),  # unit 0 stands at -1/4 and reads pixel 0
        ("up3 3x3", alike(2 / 3, 1, 2)),  # unit 3 stands at 2/3 and reads from pixel 0
        ("3x3#a 7x5 cat(#a|)", Halo(4, 4, 3, 3, (9,), (7,))),
        ("t1x1/2p0", alike(0, 1)),  # every other unit falls between kernels
        ("gap", None),
        ("mul(|gap 1x1)", None),
        ("3x3 in", None),
        ("t1x1/2p0 crop1/2", None),  # none but units between kernels
    ],
)
def test_worked_out_by_hand(stem: str, expected: Halo | None) -> None:
    found = halo(stem)
    if expected is None:
        assert found is None
    else:
        assert found == expected


def test_rows_and_columns_may_fall_into_gaps_apart() -> None:
    # Rows 0, 2, ... are between kernels, and columns 1, 3, ... Row 1 of 118 stands at 0.75 and reads pixel 1.
    assert halo("t1x1/2p0 crop1+0x0") == Halo(-0.25, 0.25, 0, 0, (1,), (1,))


def test_windows_that_repeat_nowhere_are_all_looked_at() -> None:
    # floor(o 10 / 4) to ceil((o + 1) 10 / 4) - 1 are 0-2, 2-4, 5-7 and 7-9; units stand at 0.75, 3.25, 5.75, 8.25.
    assert halo("adaptive4", Plane(10, 10)) == alike(1.25, 3)


@settings(max_examples=200, deadline=None)
@given(stems(kinds=("conv", "t", "up", "max", "pad", "crop", "bilinear", "slice", "cat", "res"), depth=5), st.data())
def test_no_window_reaches_beyond_the_halo(stem: tuple[str, Plane], data: st.DataObject) -> None:
    nodes = network(*stem)
    walk = theory(nodes)
    found, row, made = walk.halo, walk.rows[-1], nodes[-1].output
    assume(found is not None)
    unit = data.draw(st.integers(0, made.height - 1)), data.draw(st.integers(0, made.width - 1))
    seen = window(nodes, unit)
    assume(seen.height and seen.width)
    assert seen.height in found.heights
    assert seen.width in found.widths
    places = [
        at * Fraction(jump) + (pixels - 1 - (units - 1) * Fraction(jump)) / 2
        for at, jump, pixels, units in (
            (unit[0], row.jump_y, stem[1].height, made.height),
            (unit[1], row.jump, stem[1].width, made.width),
        )
    ]
    assert places[0] - seen.top <= found.top + 1e-9
    assert seen.bottom - places[0] <= found.bottom + 1e-9
    assert places[1] - seen.left <= found.left + 1e-9
    assert seen.right - places[1] <= found.right + 1e-9
