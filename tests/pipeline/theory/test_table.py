"""The per-layer table against published receptive fields."""

import pytest
from hypothesis import given, settings

from pipeline.errors import InputError
from pipeline.stem import Plane, network
from pipeline.theory import theory, window
from pipeline.theory.support import support
from tests.endless_network import seen
from tests.random_stems import random_networks
from tests.strategies import stems

ALEXNET_V2 = "11x11/4:64p0 max3x3/2p0 5x5:192 max3x3/2p0 2x3x3:384 3x3:256 max3x3/2p0"
VGG_16 = "2x3x3:64 max2x2/2 2x3x3:128 max2x2/2 3x3x3:256 max2x2/2 3x3x3:512 max2x2/2 3x3x3:512 max2x2/2"
RESNET_18 = (
    "7x7/2:64 max3x3/2 2xres(2x3x3:64) res(3x3/2:128 3x3:128) res(2x3x3:128) "
    "res(3x3/2:256 3x3:256) res(2x3x3:256) res(3x3/2:512 3x3:512) res(2x3x3:512)"
)


def table(stem, side=224, channels=3):
    return theory(network(stem, Plane(side, side, channels)))


@pytest.mark.parametrize(
    ("layer", "rf", "stride", "padding"),
    [
        (0, 11, 4, 0),
        (1, 19, 8, 0),
        (2, 51, 8, 16),
        (4, 99, 16, 32),
        (5, 131, 16, 48),
        (6, 163, 16, 64),
        (7, 195, 32, 64),
    ],
)
def test_alexnet_v2(layer, rf, stride, padding):
    row = table(ALEXNET_V2).rows[layer]
    assert (row.rf, row.jump, row.padding) == (rf, stride, padding)
    assert (row.rf_y, row.jump_y, row.padding_y) == (rf, stride, padding)


@pytest.mark.parametrize(
    ("layer", "rf", "stride", "padding"),
    [(1, 5, 1, 2), (2, 6, 2, 2), (5, 16, 4, 6), (9, 44, 8, 18), (13, 100, 16, 42), (17, 212, 32, 90)],
)
def test_vgg_16(layer, rf, stride, padding):
    row = table(VGG_16).rows[layer]
    assert (row.rf, row.jump, row.padding) == (rf, stride, padding)


@pytest.mark.parametrize(("layer", "rf"), [(0, 7), (1, 11), (7, 43), (14, 99), (21, 211), (28, 435)])
def test_resnet_18(layer, rf):
    assert table(RESNET_18).rows[layer].rf == rf


def test_rows_are_the_nodes_in_their_order():
    nodes = network(RESNET_18, Plane(224, 224, 3))
    rows = theory(nodes).rows
    assert [row.index for row in rows] == [node.index for node in nodes] == list(range(len(rows)))
    assert [(row.height, row.width, row.features) for row in rows[:3]] == [(112, 112, 64), (56, 56, 64), (56, 56, 64)]


def test_a_projected_block_has_rows_for_body_projection_and_sum():
    rows = table("3x3:4 res(3x3/2:8 3x3:8)", side=20).rows
    assert [row.layer for row in rows] == ["3x3", "3x3/2:8", "3x3:8=linear", "shortcut 1x1/2:8p0=linear", "res sum"]
    assert [row.rf for row in rows] == [3, 5, 9, 3, 9]
    assert [row.jump for row in rows] == [1, 2, 2, 2, 2]
    assert [row.kernel for row in rows] == ["3x3", "3x3", "3x3", "1x1", ""]


def test_both_axes_are_walked():
    row = table("3x5/2x1@1x2p0x1", side=20).rows[0]
    assert (row.rf_y, row.rf, row.jump_y, row.jump) == (3, 9, 2, 1)
    assert (row.start_y, row.start) == (1, 3)  # (k-1)*d/2 - p
    assert (row.padding_y, row.padding) == (0, 1)
    assert (row.kernel, row.stride, row.pad) == ("3x5@1x2", "2x1", "0x1")


def test_fractional_jumps_are_exact():
    up, transposed, down = table("up2 t4x4/2 3x3/2", side=10).rows
    assert (up.rf, up.jump, up.start) == (1, 0.5, -0.25)  # sub-pixels at -1/4 and 1/4
    assert (transposed.rf, transposed.jump) == (1.75, 0.25)  # r += 3/4
    assert transposed.start == -0.25 + (1 - 1.5) / 4
    assert (down.rf, down.jump) == (2.25, 0.5)
    assert isinstance(up.rf, int)
    assert isinstance(down.jump, float)


def test_up_sampling_and_striding_back_is_one_layer():
    assert table("up3 3x3/3p0", side=9).rows[-1].jump == 1
    assert table("up3 3x3/3p0", side=9).rows[-1].start == 0


def test_a_residual_sum_takes_the_larger_field():
    assert [row.rf for row in table("res(3x3@4)", side=21, channels=4).rows] == [9, 9]
    assert [row.rf for row in table("res(1x1)", side=21, channels=4).rows] == [1, 1]


def test_a_sum_of_branches_off_centre_takes_their_hull():
    # The body reads pixels 0 and 1, the shortcut pixel 0.
    row = table("res(2x2)", side=21).rows[-1]
    assert (row.rf, row.start, row.jump) == (2, 0.5, 1)


def test_a_global_layer_covers_the_plane():
    walked = table("3x3 gap", side=21)
    assert walked.rows[-1].rf == 23
    assert walked.rows[-1].cover == 1
    assert walked.covered_x == walked.covered_y == 1


def test_cover_is_the_share_of_the_plane():
    assert [row.cover for row in table("3x3 5x5 3x3", side=21).rows] == [9 / 441, 49 / 441, 81 / 441]
    assert [row.cover for row in table("3x3 up2 3x3", side=21).rows] == [9 / 441, 9 / 441, 16 / 441]


@settings(max_examples=200, deadline=None)
@given(stems(depth=5))
def test_cover_is_that_of_the_exact_window(stem):
    text, plane = stem
    nodes = network(text, plane)
    rows = theory(nodes).rows
    for position, node in enumerate(nodes):
        seen = window(nodes[: position + 1], (node.output.height // 2, node.output.width // 2))
        height = max(min(seen.bottom, plane.height - 1) - max(seen.top, 0) + 1, 0)
        width = max(min(seen.right, plane.width - 1) - max(seen.left, 0) + 1, 0)
        assert rows[node.index].cover == height * width / (plane.height * plane.width)


READING = (
    *(
        "conv",
        "dw",
        "max",
        "avg",
        "bn",
        "ln",
        "act",
        "pad",
        "crop",
        "affine",
        "prelu",
        "lrn",
        "channelshuffle",
        "slice",
    ),
    *("gap", "gn", "in", "res", "res_pre", "add", "cat", "mul"),
)


@settings(max_examples=300, deadline=None)
@given(stems(kinds=READING, depth=5))
def test_without_rounding_the_table_is_the_window_of_the_first_unit(stem):
    text, plane = stem
    nodes = network(text, plane)
    last, seen = theory(nodes).rows[-1], window(nodes, (0, 0))
    assert (last.rf, last.rf_y) == (seen.width, seen.height)
    assert (last.start_y, last.start) == seen.center
    assert (last.padding, last.padding_y) == (-seen.left, -seen.top)
    assert 1 <= last.rf_min <= last.rf


@pytest.mark.parametrize(
    ("stem", "rf", "least"),
    [
        ("3x3 5x5", 7, 7),
        ("add(3x3|7x7|5x5@2)", 9, 3),
        ("2xcat(|3x3)", 5, 1),
        ("3x3/2 add(5x5|3x3) 3x3", 15, 11),
        ("3x3#a 5x5 cat(|#a) 3x3", 9, 5),
        ("mul(|gap 1x1:1) 3x3", 22, 3),  # of pixels -1 to 20
        ("cat(3x3|gap up21) gap", 23, 21),
        ("gap up21 9x9", 21, 21),  # behind a layer over the whole plane nothing widens a way
        ("3x3 in 3x3 in", 23, 23),
    ],
)
def test_the_narrowest_way(stem, rf, least):
    row = table(stem, side=21).rows[-1]
    assert (row.rf, row.rf_y, row.rf_min, row.rf_min_y) == (rf, rf, least, least)


@pytest.mark.parametrize(
    ("stem", "rf", "jump", "start"),
    [
        ("bilinear2", 2, 0.5, -0.25),
        ("bilinear3 3x3", 2 + 2 / 3, 1 / 3, -1 / 3),
        ("bilinear2~corners", 2, 20 / 41, 0),
        ("adaptive7", 3, 3, 1),  # windows of 21 / 7 pixels
        ("adaptive4", 6, 21 / 4, 2.5),  # 0-5, 5-10, 10-15, 15-20
        ("3x3/2 adaptive3", 11, 22 / 3, 3),  # of 11 pixels 0-3, 3-7, 7-10, at jumps of 2
        ("gap up21", 21, 1, 10),
        ("cat(3x3|gap up21) 3x3", 23, 1, 9),  # as image pooling in DeepLab
        ("pad2+0", 1, 1, -2),
        ("crop2x3/2", 1, 2, 3),
        ("3x3/2 in 3x3", 23, 2, 10),
        ("cat(1x1:1|5x5:1) slice0:1", 1, 1, 0),
        ("cat(1x1:1|5x5:1) slice1:2 3x3", 7, 1, 0),
    ],
)
def test_the_arithmetic_of_every_geometry(stem, rf, jump, start):
    row = table(stem, side=21).rows[-1]
    assert (row.rf, row.jump, row.start) == pytest.approx((rf, jump, start))


def test_joins_are_shown_by_their_word_and_their_mark():
    rows = table("add(|3x3:3)=relu6#a mul(|1x1:3)#b cat(|#a)=relu res_pre(3x3:6#d)#c", side=9).rows
    assert [row.layer for row in rows if row.kernel == ""] == ["add=relu6#a", "mul#b", "cat=relu", "res_pre sum#c"]
    assert [row.layer for row in rows if "#d" in row.layer] == ["3x3:6=linear#d"]


def test_where_the_plane_is_first_covered():
    walked = theory(network("6x3x3", Plane(9, 5)))
    assert (walked.covered_y, walked.covered_x) == (3, 1)  # 9 rows after four layers, 5 columns after two
    assert table("6x3x3", side=50).covered_x is None


def test_layers_past_the_plane_add_nothing():
    walked = theory(network("3x3 3x1 1x3 4x3x3", Plane(9, 5)))
    # Rows: 3, 5, 5, 7, 9, then covered. Columns: 3, 3, 5, then covered; 3x1 is not meant to widen them.
    assert walked.idle_y == (5, 6)
    assert walked.idle_x == (3, 4, 5, 6)
    assert walked.pixelwise == ()


def test_taps_that_all_fall_on_padding_add_nothing():
    walked = theory(network("2x3x3@9 3x3", Plane(9, 9)))
    assert walked.rows[0].rf == 19
    assert walked.idle_x == walked.idle_y == (0, 1)
    assert walked.covered_x is None
    # Unit 4 reads 0, 4 and 8: it sees both ends, and nothing can widen that.
    walked = theory(network("3x3@4 3x3", Plane(9, 9)))
    assert (walked.covered_x, walked.idle_x) == (0, (1,))


@settings(max_examples=150, deadline=None)
@given(stems(depth=5, largest=8))
def test_a_layer_is_idle_only_where_its_centre_unit_sees_no_further(stem):
    text, plane = stem
    nodes = network(text, plane)
    walked = theory(nodes)
    before = (plane.height // 2, plane.height // 2, plane.width // 2, plane.width // 2)
    for position, node in enumerate(nodes):
        unit = node.output.height // 2, node.output.width // 2
        hull = support(nodes[: position + 1], unit).hull
        if hull is None or before is None:
            return
        if node.index in walked.idle_y:
            assert hull[1] - hull[0] <= before[1] - before[0] or centre_moved(node.y)
        if node.index in walked.idle_x:
            assert hull[3] - hull[2] <= before[3] - before[2] or centre_moved(node.x)
        assert (walked.covered_y == node.index) <= (hull[:2] == (0, plane.height - 1))
        assert (walked.covered_x == node.index) <= (hull[2:] == (0, plane.width - 1))
        before = hull


def centre_moved(axis):
    """The one pixel that an idle layer reads is not the centre of its input: another unit, with another view."""
    return axis.size_out // 2 * axis.stride - axis.before != axis.size_in // 2


def test_layers_that_never_widen_are_named():
    walked = table("3x3 1x1 bn relu up2 t2x2/2 t3x3/2 max1x1 res(1x1)", side=41, channels=4)
    assert walked.pixelwise == (1, 2, 3, 4, 5, 7, 8)
    walked = table("pad1 crop1 affine prelu lrn3 channelshuffle3 slice0:2 bilinear2 in cat(|3x3)", side=41)
    assert walked.pixelwise == (0, 1, 2, 3, 4, 5, 6)


def test_ten_thousand_layers():
    walked = table("10000x3x3", side=101, channels=1)
    assert walked.rows[-1].rf == 20_001
    assert walked.covered_x == 49


def test_a_field_past_exact_numbers_is_refused():
    with pytest.raises(InputError, match=r"2\*\*53"):
        table("60x3x3/2")


def test_cover_is_the_share_of_the_exact_window_behind_gaps_too():
    assert table("t2x2/2@3", side=9).rows[-1].cover == 1 / 81  # one pixel, though the kernel's ends reach two
    assert table("t2x2/2@2", side=9).rows[-1].cover == 0
    for _, nodes in random_networks(19, 300):
        made, plane = nodes[-1].output, nodes[0].input
        pixels = seen(nodes, (made.height // 2, made.width // 2))
        clipped = 0
        if pixels:
            rows, columns = zip(*pixels, strict=True)
            clipped = _inside(rows, plane.height) * _inside(columns, plane.width)
        assert theory(nodes).rows[-1].cover == pytest.approx(clipped / (plane.height * plane.width))


def _inside(numbers, size):
    """How many pixels of a side lie between the least and the largest."""
    return max(min(max(numbers), size - 1) - max(min(numbers), 0) + 1, 0)
