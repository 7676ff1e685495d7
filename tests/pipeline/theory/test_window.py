"""The window of a unit: the hull of what it would see if no plane had an end."""

import random

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.stem import Plane, Transposed, network
from pipeline.theory import Window, window
from pipeline.theory.support import support
from tests.box_network import responses
from tests.clock import costs_at_most
from tests.endless_network import seen
from tests.random_stems import random_networks
from tests.strategies import stems

PLANE = Plane(101, 101)


def seen_by(stem, unit, plane=PLANE):
    return window(network(stem, plane), unit)


def square(first, last, **flags):
    return Window(first, last, first, last, **flags)


@pytest.mark.parametrize(
    ("stem", "unit", "expected"),
    [
        ("1x1", (7, 7), square(7, 7)),
        ("3x3", (7, 7), square(6, 8)),
        ("2x2", (7, 7), square(7, 8)),  # floor of half before, the rest after
        ("4x4@3", (7, 7), square(3, 12)),
        ("3x5", (7, 7), Window(6, 8, 5, 9)),
        ("3x3/2", (7, 7), square(13, 15)),
        ("3x3p0", (7, 7), square(7, 9)),
        ("3x3", (0, 0), square(-1, 1)),  # not clipped
        ("4x3x3", (50, 50), square(46, 54)),
        ("7x7/2 max3x3/2", (5, 5), square(15, 25)),
        ("7x7/2:64 max3x3/2 2xres(2x3x3:64)", (12, 12), square(48 - 21, 48 + 21)),  # 43 wide, centred at 4 * 12
        ("avg2x2/2", (3, 3), square(6, 7)),
        ("up2", (5, 5), square(2, 2)),
        ("up3 3x3", (5, 5), square(1, 2)),  # reads 4, 5, 6 of the larger plane
        ("t4x4/2", (5, 5), square(2, 3)),  # n*2 - 1 + {0, 1, 2, 3} holds 5 for n = 2 (from 3) and n = 3 (from 5)
        ("t3x3/2p1", (4, 4), square(2, 2)),
        ("t3x3/2p1", (5, 5), square(2, 3)),
        ("relu bn ln", (5, 5), square(5, 5)),
        ("gap", (0, 0), square(0, 100, is_global=True)),
        ("3x3 gap", (0, 0), square(-1, 101, is_global=True)),
        ("gap up101", (3, 3), square(0, 100, is_global=True)),
        ("in", (3, 3), square(0, 100, is_global=True)),
        ("3x3 gn2 3x3", (3, 3), square(-1, 101, is_global=True)),
        ("crop2", (3, 3), square(5, 5)),
        ("crop1+0x3/2", (3, 3), Window(7, 7, 9, 9)),
        ("pad1+2x3", (0, 0), Window(-1, -1, -3, -3)),
        ("3x3p0+2", (7, 7), square(7, 9)),
        ("7x7/2psame", (0, 0), square(-3, 3)),  # of 101 pixels; of 100 it would begin at -2
        ("max3x3/2p0~ceil", (50, 50), square(100, 102)),
        ("max3x3@2", (7, 7), square(5, 9)),
        ("bilinear2", (5, 5), square(2, 3)),  # stands at 2.25
        ("bilinear3", (4, 4), square(1, 1)),  # stands at 1
        ("bilinear2~corners", (0, 0), square(0, 0)),
        ("bilinear2~corners", (1, 1), square(0, 1)),
        ("adaptive7", (1, 1), square(14, 28)),  # floor(101/7) to ceil(202/7) - 1
        ("slice0:1 affine prelu", (5, 5), square(5, 5)),
        ("add(3x3|5x5|)", (7, 7), square(5, 9)),
        ("mul(3x3|gap 1x1)", (50, 50), square(0, 100, is_global=True)),
        ("3x3/2#a 3x3/2 cat(up2 crop0+1 5x5|#a)", (8, 8), square(9, 23)),  # 5x5 reads 6..10, up2 3..5, 3x3/2 5..11
    ],
)
def test_windows_worked_out_by_hand(stem, unit, expected):
    assert seen_by(stem, unit) == expected


@pytest.mark.parametrize(
    ("stem", "channel", "expected"),
    [
        ("cat(|3x3:4|5x5:4)", 0, square(7, 7)),
        ("cat(|3x3:4|5x5:4)", 1, square(6, 8)),
        ("cat(|3x3:4|5x5:4)", 5, square(5, 9)),
        ("cat(|3x3:4|5x5:4)", "sum", square(5, 9)),
        ("cat(|3x3:4|5x5:4) slice0:5", "mean", square(6, 8)),
        ("cat(3x3:2|5x5:2) channelshuffle2", 1, square(5, 9)),
        ("cat(3x3:2|5x5:2) 3x3g2", 0, square(5, 9)),
        ("cat(3x3:2|5x5:2) 3x3g2", 3, square(4, 10)),
        ("cat(3x3:2|5x5:2) dw3x3 lrn3", 0, square(5, 9)),
        ("cat(3x3:2|5x5:2) lrn3", 1, square(5, 9)),
        ("cat(3x3:2|5x5:2) 1x1", 0, square(5, 9)),
        ("cat(3x3:2|gap up101)", 0, square(6, 8)),
        ("cat(2x2:2|3x3:2)", 1, square(7, 8)),
        ("cat(2x2:2|3x3:2)", "sum", square(6, 8, misaligned=True)),
        ("cat(3x3:2|5x5:2) in", 3, square(-2, 102, is_global=True)),
        ("cat(3x3:2|5x5:2) gn2", 0, square(-1, 101, is_global=True)),
        ("cat(3x3:2|5x5:2) ln", 0, square(5, 9)),
    ],
)
def test_channels_may_see_different_windows(stem, channel, expected):
    assert window(network(stem, PLANE), (7, 7), channel) == expected


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("res(3x3)", square(49, 51)),
        ("res(2x2)", square(50, 51, misaligned=True)),
        ("res(2x2@2)", square(49, 51)),
        ("res(1x1) 3x3", square(49, 51)),
        ("res(3x3/2) up2", square(49, 51)),  # body 50 +- 1, projection 50
        ("res(3x3p0 t3x3p0)", square(48, 52)),
        ("res_pre(gap up101)", square(0, 100, is_global=True)),
        ("res_pre(res(3x3) 3x3@2)", square(47, 53)),
    ],
)
def test_branches_take_the_hull(stem, expected):
    assert seen_by(stem, (50, 50)) == expected


def test_a_branch_off_centre_is_misaligned():
    assert seen_by("res_pre(gap up101)", (3, 3)) == square(0, 100, is_global=True, misaligned=True)


def test_the_center_lies_between_pixels_where_the_window_is_even():
    found = seen_by("2x2 3x4", (10, 10))
    assert (found.height, found.width) == (4, 5)
    assert found.center == (10.5, 11.0)  # y: 10..11 -> 9..12; x: 9..12 -> 9..13


def bounds(found):
    return found.top, found.bottom, found.left, found.right


def hull(pixels):
    rows, columns = zip(*pixels, strict=True)
    return min(rows), max(rows), min(columns), max(columns)


def some_units(text, nodes):
    """The centre unit and one more."""
    draw, made = random.Random(text), nodes[-1].output
    return {(made.height // 2, made.width // 2), (draw.randrange(made.height), draw.randrange(made.width))}


@pytest.mark.parametrize(
    ("stem", "plane", "unit", "expected"),
    [
        # Inputs n with n*2 - 1 + {0, 3} = 9: n = 5 only, though the kernel's ends reach n = 4 and n = 5.
        ("t2x2/2@3=linear", 9, 9, square(5, 5)),
        # A kernel that spans 7 reads 0, 3 and 6 of the larger plane; it has a pixel of the input at 0, 2, 4, ...
        ("t1x1/2p0 3x3@3p0", 9, 0, square(0, 3)),
        ("t1x1/2p0 3x3@3p0", 9, 1, square(2, 2)),  # reads 1, 4, 7
        ("3x3 t1x1/2p0 3x3@3p0", 9, 1, square(1, 3)),
        ("t1x1/2p0 1x1/2 1x1/2", 9, 1, square(2, 2)),
        ("3x3p0 t1x1/2 up2", 12, 9, square(2, 4)),  # up-sampled from 4, which input 2 of the middle plane feeds
    ],
)
def test_windows_behind_gaps_worked_out_by_hand(stem, plane, unit, expected):
    assert seen_by(stem, (unit, unit), Plane(plane, plane)) == expected


@pytest.mark.parametrize(
    ("stem", "unit", "center"),
    [
        ("3x3 t1x1/2", (5, 5), (2.5, 2.5)),  # between what 2 and 3 feed
        ("3x3 t1x1/2", (5, 4), (2.5, 2.5)),  # column 4 is fed by column 2, but row 5 by nothing
        ("t2x2/2@2=linear", (9, 9), (4.5, 4.5)),  # the kernel of 4 has taps at 8 and 10
        ("t2x2/3@2p0", (7, 7), (2.5, 2.5)),  # that of 2 at 6 and 8
    ],
)
def test_a_unit_that_falls_into_gaps_sees_nothing_and_stands_between_pixels(stem, unit, center):
    nodes = network(stem, Plane(101, 101))
    found = window(nodes, unit)
    assert (found.height, found.width) == (0, 0)
    assert found.center == center
    assert support(nodes, unit).dead


def test_windows_are_the_hull_of_brute_force_on_2000_random_stems():
    dead = gaps = 0
    for text, nodes in random_networks(16, 2000):
        gaps += any(isinstance(node.layer, Transposed) and (node.y.has_gaps or node.x.has_gaps) for node in nodes)
        for unit in some_units(text, nodes):
            pixels, found = seen(nodes, unit), window(nodes, unit)
            dead += not pixels
            if pixels:
                assert bounds(found) == hull(pixels), (text, nodes[0].input, unit)
            else:
                assert (found.height, found.width) == (0, 0), (text, nodes[0].input, unit)
    assert gaps > 800
    assert dead > 400


@settings(max_examples=500, deadline=None)
@given(stems(largest=9, depth=5), st.data())
def test_windows_of_all_graphs_are_the_hull_of_brute_force(stem, data):
    nodes = network(*stem)
    made = nodes[-1].output
    unit = data.draw(st.integers(0, made.height - 1)), data.draw(st.integers(0, made.width - 1))
    channel = data.draw(st.one_of(st.none(), st.integers(0, made.channels - 1)))
    pixels, found = seen(nodes, unit, channel), window(nodes, unit, "sum" if channel is None else channel)
    if pixels:
        assert bounds(found) == hull(pixels)
    else:
        assert (found.height, found.width) == (0, 0)


def test_supports_are_brute_force_on_2000_random_stems():
    dead = 0
    for text, nodes in random_networks(17, 2000, modes=("", "~reflect", "~replicate", "~circular")):
        reached = (responses(nodes) > 0).any(axis=0)
        for unit in some_units(text, nodes):
            expected = {(int(y), int(x)) for y, x in np.argwhere(reached[unit])}
            assert support(nodes, unit).pixels() == expected, (text, nodes[0].input, unit)
            dead += not expected
    assert dead > 400


def test_far_from_all_borders_window_and_support_are_one():
    compared = 0
    for text, _ in random_networks(18, 300):
        if "gap" in text:
            continue
        try:
            nodes = network(text, Plane(2000, 2000))
        except InputError:
            continue
        made = nodes[-1].output
        unit = made.height // 2, made.width // 2
        found, edges = window(nodes, unit), support(nodes, unit).hull
        compared += 1
        assert edges == (bounds(found) if found.height else None), text
    assert compared > 100


def test_what_a_kernel_folds_back_may_lie_outside_the_window():
    # Pixel -1 of a plane whose every second pixel is a gap wraps around to pixel 16, which is none.
    nodes = network("t1x1/2p0 1x1p1~circular", Plane(9, 9))
    assert support(nodes, (0, 0)).pixels() == {(8, 8)}
    assert window(nodes, (0, 0)).width == 0


def test_windows_stay_cheap_where_sets_would_be_large():
    with costs_at_most(20):
        assert seen_by("50x3x3/2 t1x1/2", (0, 0)).width == 2**51 - 1  # nothing but hulls behind the gaps
        assert seen_by("t2x2/2@3 20x3x3/2", (0, 0)).width == 2**20 + 1  # of 2**21 - 1 pixels half are inputs
        with pytest.raises(InputError, match=r"window of layer \d+ spans more than 2\*\*26 pixels behind"):
            seen_by("t2x2/2@3 40x3x3/2", (0, 0))


def test_a_branch_that_sees_nothing_adds_nothing():
    # Odd rows of the body fall between kernels; the shortcut alone is left.
    assert seen_by("res_pre(1x1/2 t1x1/2)", (51, 51), Plane(102, 102)) == square(51, 51)


@pytest.mark.parametrize(("side", "saturated"), [(9, False), (8, True), (7, True)])
def test_saturated_windows_leave_the_plane(side, saturated):
    plane = Plane(side, side)
    assert seen_by("4x3x3", (side // 2, side // 2), plane).leaves(plane) is saturated


def test_ten_thousand_layers():
    assert seen_by("10000x3x3", (50, 50)).width == 20_001


def test_a_window_past_exact_numbers_is_refused():
    with pytest.raises(InputError, match=r"2\*\*53"):
        seen_by("60x3x3/2", (0, 0))
    assert seen_by("50x3x3/2", (0, 0)).width == 2**51 - 1


@settings(max_examples=150, deadline=None)
@given(stems(kinds=("conv", "dw", "max", "avg", "res", "res_pre"), modes=("zeros",), largest=10), st.data())
def test_the_window_of_a_unit_inside_is_the_hull_of_its_support(stem, data):
    text, _ = stem
    plane = Plane(150, 150, 6)
    try:
        nodes = network(text, plane)
    except InputError:
        assume(False)
    made = nodes[-1].output
    unit = data.draw(st.integers(0, made.height - 1)), data.draw(st.integers(0, made.width - 1))
    found = window(nodes, unit)
    assume(not found.leaves(plane))
    assert support(nodes, unit).hull == (found.top, found.bottom, found.left, found.right)


@given(st.integers(1, 9), st.integers(0, 8), st.integers(1, 9), st.integers(1, 4))
def test_a_plain_stack_has_the_textbook_width(kernel, depth, more, dilation):
    side = 301
    layer = f"{kernel}x{kernel}@{dilation}"
    stem = " ".join([layer] * depth + [f"{more}x{more}"])
    assert seen_by(stem, (150, 150), Plane(side, side)).width == 1 + depth * dilation * (kernel - 1) + more - 1
