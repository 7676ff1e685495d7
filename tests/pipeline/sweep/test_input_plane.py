"""The input plane as it is written, and the one that is chosen for a stem."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError, PlaneError
from pipeline.stem import Plane, network
from pipeline.sweep.build import build, canonical_stem
from pipeline.sweep.input_plane import input_plane, written_sides
from pipeline.sweep.sweep import sweep
from pipeline.theory import window
from tests.strategies import KINDS, stems


def chosen(stem, **sides):
    return input_plane(canonical_stem(stem), sides)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (21, (21, 21, 1)),
        ("21", (21, 21, 1)),
        ("9x8", (9, 8, 1)),
        ("9x8x3", (9, 8, 3)),
        ({"height": 9, "width": 8}, (9, 8, 1)),
        (Plane(9, 8, 3), (9, 8, 3)),
    ],
)
def test_a_plane_in_short(written, expected):
    assert build({"stem": "3x3", "input": written}).input == Plane(*expected)


@pytest.mark.parametrize(
    "written",
    [
        *(0, -1, 21.5, True, None, 10**7, [9, 9], {}),
        *("", "0", "x", "9x", "9x9x0", "9x9x9x9", "-9", "9 x 9", "\u0669", "9" * 30),
        {"height": 0, "width": 9},
        {"height": "9", "width": 9},
        {"height": 9, "width": None},
        {"height": 9, "width": 9, "depth": 1},
    ],
)
def test_what_is_no_input_plane_is_an_input_error(written):
    with pytest.raises(InputError, match="input plane"):
        build({"stem": "3x3", "input": written})


@pytest.mark.parametrize(
    ("written", "right"),
    [
        ("3x224x224", "224x224x3"),
        ("1x28x28", "28x28x1"),
        ("3x32x64", "32x64x3"),
        ("4x480x640", "480x640x4"),
        ("2x64x64", "64x64x2"),
        ("1x64x128", "64x128x1"),
        ("3x5x5", "5x5x3"),
    ],
)
def test_channels_first_is_refused_with_the_right_order(written, right):
    with pytest.raises(InputError, match=f"'{written}' has its channels first.* {right},"):
        written_sides(written)


@pytest.mark.parametrize(
    "written",
    [
        *("224x224x3", "28x28x1", "7x7x512", "1x1x512", "2x2x64", "4x4x8", "5x224x224"),
        *("1x1000x12", "1x512x3", "1x9x4"),  # signals
        {"height": 3, "width": 224, "channels": 224},
    ],
)
def test_planes_whose_channels_come_last_or_are_named_stand_as_they_are(written):
    expected = written.split("x") if isinstance(written, str) else written.values()
    assert list(written_sides(written).values()) == [int(number) for number in expected]


# The window of n kernels of 3x3 with jumps j is 1 + the sum of 2 j, centred at the unit's row times the last jump; the
# centre of an odd plane of side n is n // 2.
@pytest.mark.parametrize(
    ("stem", "side"),
    [
        ("4x3x3", 21),  # 9 pixels
        ("10x3x3", 21),  # 21 pixels, the plane to its edges
        ("11x3x3", 23),
        ("1x31", 31),  # a square for the longer side
        ("64x3x3", 129),
        ("3x3p0 10x3x3", 23),  # the unit 10 of 21 reads 10 +- 11 of 23
        # 43 pixels around 4 * (side of the output // 2). A side of 43 has 11 outputs: unit 5, centre 20, from pixel -1.
        # One of 45 has 12 outputs: unit 6, centre 24, to pixel 45. One of 47 has 12, too.
        ("7x7/2:64 max3x3/2 2xres(2x3x3:64)", 47),
        ("gap", 224),
        ("20x3x3 gap", 224),
        ("3x3 in", 224),
        ("3x3 adaptive7", 224),  # its windows grow with the plane
        ("res(gap up25)", 25),  # fits no other
        ("3x3 cat(|max2x2/2p0 3x3 up2)", 22),  # fits even sides only
        ("3x3 cat(|max2x2/2p0 2x3x3 cat(|max2x2/2p0 2x3x3 up2) 2x3x3 up2)", 44),  # 40 pixels wide, and fours of them
        ("9x9p0", 21),
        ("10000x3x3", 20_001),
        ("51x51p0", 51),  # a smaller plane has no room for the kernel
    ],
)
def test_the_plane_that_is_chosen(stem, side):
    assert build({"stem": stem}).input == Plane(side, side)


def inside(stem, plane):
    try:
        nodes = network(stem, plane)
    except InputError:
        return False
    made = nodes[-1].output
    return not window(nodes, (made.height // 2, made.width // 2)).leaves(plane)


def fits(stem, side, channels):
    try:
        network(stem, Plane(side, side, channels))
    except InputError:
        return False
    return True


@settings(max_examples=150, deadline=None)
@given(
    stems(kinds=tuple(kind for kind in KINDS if kind not in ("gap", "gn", "in", "adaptive")), largest=12, depth=6),
    st.integers(1, 3),
)
def test_it_is_the_smallest_odd_side_of_at_least_21_that_holds_the_window(found, channels):
    stem, _ = found
    sides = (side for odd in range(21, 400, 2) for side in (odd, odd + 1) if side % 2 or not fits(stem, odd, channels))
    smallest = next((side for side in sides if inside(stem, Plane(side, side, channels))), None)
    if smallest is not None:
        assert chosen(stem, channels=channels) == Plane(smallest, smallest, channels)


def test_channels_without_sides_still_choose():
    expected = Plane(47, 47, 3)
    stem = "7x7/2:64 max3x3/2 2xres(2x3x3:64)"
    assert build({"stem": stem, "input": {"channels": 3}}).input == expected
    assert [config.input for config in sweep({"name": "s", "stems": [stem], "input.channels": 3})] == [expected]
    assert [config.input for config in sweep({"name": "s", "stems": [stem], "input": {"channels": 3}})] == [expected]


def test_a_side_that_is_not_written_is_chosen_by_itself():
    assert chosen("20x3x3", height=5) == Plane(5, 41)  # the rows may be cut off, as written; the columns are not
    assert chosen("20x3x3", width=64, channels=2) == Plane(41, 64, 2)
    assert chosen("1x9 9x1", height=7) == Plane(7, 21)
    assert chosen("gap", width=8) == Plane(224, 8)


def test_each_stem_of_a_sweep_has_its_own():
    found = sweep({"name": "s", "grid": {"kernel": 3, "depth": [1, 10, 15]}, "stems": ["gap", "9x9@5"]})
    assert [config.input.width for config in found] == [21, 21, 31, 224, 41]


def test_a_chosen_plane_is_part_of_the_config():
    assert build({"stem": "15x3x3"}).digest == build({"stem": "15x3x3", "input": 31}).digest
    assert build({"stem": "15x3x3"}).digest != build({"stem": "15x3x3", "input": 21}).digest


@pytest.mark.parametrize(
    ("stem", "says"),
    [
        ("20x3x3/2", "sees more than 1000000 pixels"),  # 1 + 2 * (2**20 - 1)
        ("add(3x3/2p1 up3|)", "no side from 21 to 4116 .*needs equal planes"),
        ("5001x5001p0", "no side from 21 to 4116 .*spans 5001 does not fit"),
    ],
)
def test_a_stem_that_no_side_holds_is_refused(stem, says):
    with pytest.raises(InputError, match=f"{says}.*input="):
        build({"stem": stem})


def test_what_no_side_can_mend_is_said_at_once():
    with pytest.raises(InputError, match="4 groups do not divide the 1 channels"):
        build({"stem": "3x3g4"})


UNET = "3x3#a max2x2/2p0 3x3#b max2x2/2p0 3x3 up2 cat(#b|) up2 cat(#a|)"
"""Its sides are multiples of four."""


@pytest.mark.parametrize(
    ("stem", "written", "says"),
    [
        (UNET, "50", "; it fits 48x48 and 52x52$"),
        (UNET, "48x21x3", "; it fits 48x20 and 48x24$"),
        ("3x3 3x3p0 5x5p0", "6x5", "; it fits 7x7$"),
        ("3x3 1x7p0", "6x5", "; it fits 6x7$"),
        ("pixelunshuffle2", "999999", "; it fits 999998x999998 and 1000000x1000000$"),
        ("3x3 add(3x3/2|)", "21", "at character 8$"),
    ],
)
def test_a_plane_that_a_stem_does_not_fit_is_answered_with_the_nearest_that_it_fits(stem, written, says):
    with pytest.raises(PlaneError, match=says):
        build({"stem": stem, "input": written})
