"""The cone: just what the unit reads, and nothing more."""

import itertools

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from pipeline.draws import draw_weights
from pipeline.errors import InputError
from pipeline.gradient import plan_of
from pipeline.gradient.cone import cone
from pipeline.gradient.erf import measure_heatmap
from pipeline.gradient.restriction import restricted
from pipeline.stem import INPUT, Convolution, Plane, Transposed, format_stem, network, parse
from pipeline.sweep.build import build
from pipeline.theory.support import support
from tests.heatmaps import heatmap_of
from tests.strategies import stems


@settings(max_examples=150)
@given(stems(depth=5), st.data())
def test_the_box_is_the_hull_of_the_support(found, data):
    """Where padding repeats pixels or a unit sees nothing the box may be larger, never smaller."""
    stem, plane = found
    made = network(stem, plane)[-1].output
    unit = data.draw(st.integers(0, made.height - 1)), data.draw(st.integers(0, made.width - 1))
    config = build({"stem": stem, "input": plane, "readout": {"position": list(unit), "channel": "sum"}})
    box = plan_of(config).cone.box
    assert 0 <= box.top < box.bottom <= plane.height
    assert 0 <= box.left < box.right <= plane.width
    seen = support(config.network, unit)
    if seen.dead:
        return
    top, bottom, left, right = seen.hull
    assert (box.top, box.left) <= (top, left)
    assert box.top <= top <= bottom < box.bottom
    assert box.left <= left <= right < box.right


blocks = st.sampled_from(("3x3", "2x2", "1x4", "5x2/2", "3x3/2x3", "max2x3/2", "avg3x1", "bn", "ln", "4x4p0", "3x3p2"))


@settings(max_examples=120)
@given(st.lists(blocks, min_size=1, max_size=5), st.integers(1, 30), st.integers(1, 30))
def test_the_box_of_a_chain_whose_windows_touch_is_the_hull_to_the_pixel(stem, height, width):
    try:
        config = build({"stem": " ".join(stem), "input": f"{height}x{width}"})
    except InputError:
        assume(False)
    seen = support(config.network, config.unit)
    assume(not seen.dead)
    box = plan_of(config).cone.box
    assert (box.top, box.bottom - 1, box.left, box.right - 1) == seen.hull


def test_four_3x3_layers_are_computed_on_9_7_5_3_1_pixels():
    plan = plan_of(build({"stem": "4x3x3", "input": 101})).cone
    assert (plan.box.top, plan.box.bottom, plan.box.left, plan.box.right) == (46, 55, 46, 55)
    assert [(step.y.size_in, step.y.size_out) for step in plan.steps] == [(9, 7), (7, 5), (5, 3), (3, 1)]


def test_strides_and_dilations_widen_the_cone():
    plan = plan_of(build({"stem": "3x3/2 3x3@3 1x5", "input": 101})).cone
    assert [(step.y.size_in, step.x.size_in) for step in plan.steps] == [(15, 23), (3, 11), (1, 5)]


def test_a_plane_smaller_than_the_cone_is_read_whole_and_padded_where_a_tap_may_still_meet_it():
    plan = plan_of(build({"stem": "2x9x9", "input": "5x4"})).cone
    assert (plan.box.height, plan.box.width) == (5, 4)
    assert [(step.y.before, step.y.size_in, step.y.after) for step in plan.steps] == [(4, 5, 4), (0, 5, 0)]


@pytest.mark.parametrize(
    ("stem", "plane", "taps"),
    [
        ("201x201", "21x9", ((90, 111), (96, 105))),  # the unit stands at (10, 4), the kernel's middle tap at 100
        ("5x5@7", "11", ((2, 3), (2, 3))),
        ("3x3", "1x5", ((1, 2), (0, 3))),
        ("3x3/2p1", "21", ((0, 3), (0, 3))),
        ("t9x9/4p0", "3", ((0, 9), (0, 9))),  # unit 8 of 17: inputs 0, 1, 2 reach it by taps 8, 4, 0
        ("t9x9/4p0", "1", ((4, 5), (4, 5))),
        ("3x3~replicate", "1", ((0, 3), (0, 3))),
        ("max3x3p1 3x3", "1", ((0, 3), (0, 3))),
    ],
)
def test_taps_that_meet_nothing_but_padding_are_left_out(stem, plane, taps):
    plan = plan_of(build({"stem": stem, "input": plane})).cone
    assert plan.steps[0].taps == taps


def test_one_output_of_a_dilated_kernel_is_handed_only_the_pixels_that_it_reads():
    step = plan_of(build({"stem": "3x5@4", "input": 101})).cone.steps[-1]
    assert step.sources[0].read.rows == (0, 4, 8)
    assert step.sources[0].read.columns == (0, 4, 8, 12, 16)
    assert (step.y.size_in, step.y.dilation, step.x.size_in, step.x.dilation) == (3, 1, 5, 1)


WIDE = st.sampled_from(("9x9", "31x1", "1x31@2", "21x3@5", "t9x9", "t5x13/2", "dw15x15", "13x13/3", "11x11@3p4", "3x3"))


@settings(max_examples=60, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.lists(WIDE, min_size=1, max_size=3), st.integers(1, 9), st.integers(1, 9), st.data())
def test_the_gradient_of_kernels_far_wider_than_their_plane_is_that_of_the_definition(stem, height, width, data):
    """Against central differences of a forward pass that is written out tap by tap."""
    text = " ".join(f"{layer}=linear" for layer in stem)
    try:
        made = network(format_stem(parse(text)), Plane(height, width))[-1].output
    except InputError:
        assume(False)
    assume(made.height * made.width < 2000)
    unit = data.draw(st.integers(0, made.height - 1)), data.draw(st.integers(0, made.width - 1))
    config = build(
        {
            "stem": text,
            "input": f"{height}x{width}",
            "readout": {"position": list(unit), "channel": "sum"},
            "probes": {"kind": "constant", "count": 1},
            "dtype": "float64",
        }
    )
    expected = np.abs(linear_gradient(config))
    np.testing.assert_allclose(heatmap_of(config).values, expected, atol=1e-12 * max(expected.max(), 1e-300))


def linear_gradient(config):
    """The gradient of the sum of a unit's channels, stem of linear convolutions: each layer's definition transposed."""
    weights = draw_weights(config)
    nodes = config.network
    made = nodes[-1].output
    g = np.zeros((made.height, made.width, made.channels))
    g[config.unit] = 1
    for node in reversed(nodes):
        weight = weights[node.index].weight.astype(np.float64)
        kh, kw, inputs, features = weight.shape
        own = features // node.groups
        back = np.zeros((node.input.height, node.input.width, node.input.channels))
        for i, j, y, x in itertools.product(range(kh), range(kw), *map(range, plane_of(node))):
            if isinstance(node.layer, Transposed):
                given, at = (y, x), moved(node, (y, x), (i, j))
                size = g.shape
            else:
                given, at = moved(node, (y, x), (i, j)), (y, x)
                size = back.shape
            target = at if isinstance(node.layer, Transposed) else given
            if not all(0 <= place < side for place, side in zip(target, size, strict=False)):
                continue
            for group in range(node.groups):
                outs = slice(group * own, (group + 1) * own)
                ins = slice(group * inputs, (group + 1) * inputs)
                back[given][ins] += weight[i, j][:, outs] @ g[at][outs]
        g = back
    return g.sum(axis=2)


def plane_of(node):
    """The plane that one end of each product of a layer runs over: the strided one."""
    plane = node.input if isinstance(node.layer, Transposed) else node.output
    return plane.height, plane.width


def moved(node, place, tap):
    return tuple(
        at * axis.stride - axis.before + i * axis.dilation
        for at, axis, i in zip(place, (node.y, node.x), tap, strict=True)
    )


def test_channels_that_the_readout_does_not_read_are_not_made():
    """One channel of the last layer; of grouped and depthwise layers only the groups that lead to it."""
    plan = plan_of(build({"stem": "3x3:8 3x3:6", "readout": {"channel": 4}})).cone
    assert [step.features for step in plan.steps] == [(0, 8), (4, 5)]
    plan = plan_of(build({"stem": "3x3:8 dw3x3 dw3x3:16", "readout": {"channel": 5}})).cone
    assert [step.features for step in plan.steps] == [(2, 3), (2, 3), (5, 6)]
    plan = plan_of(build({"stem": "3x3:8 3x3:8g4 3x3:8g2", "readout": {"channel": 7}})).cone
    assert [step.features for step in plan.steps] == [(4, 8), (4, 8), (7, 8)]
    plan = plan_of(build({"stem": "3x3:8 ln dw3x3", "readout": {"channel": 5}})).cone
    assert [step.features for step in plan.steps] == [(0, 8), (0, 8), (5, 6)]
    plan = plan_of(build({"stem": "3x3:8 dw3x3", "readout": {"channel": "sum"}})).cone
    assert [step.features for step in plan.steps] == [(0, 8), (0, 8)]


@settings(max_examples=120)
@given(stems())
def test_steps_hand_on_what_the_next_takes(found):
    stem, plane = found
    plan = plan_of(build({"stem": stem, "input": plane})).cone
    for step in plan.steps:
        node = step.node
        assert 0 <= step.features[0] < step.features[1] <= node.output.channels
        if isinstance(node.layer, Convolution):
            assert (step.features[1] - step.features[0]) % step.groups == 0
        assert 1 <= step.y.size_out <= max(node.output.height, 1)
        assert 1 <= step.x.size_out <= max(node.output.width, 1)
    assert (plan.steps[-1].y.size_out, plan.steps[-1].x.size_out) == (1, 1)


def test_configs_that_differ_only_in_their_draws_share_a_plan():
    one = build({"stem": "4x3x3", "init": {"seed": 1}})
    other = build({"stem": "4x3x3", "probes": {"count": 3}, "readout": {"gradient": "square"}})
    assert plan_of(one).cone is plan_of(other).cone


def test_a_relu_goes_behind_the_max_pooling_that_it_stands_before():
    def activations(stem):
        return [step.node.activation for step in plan_of(build({"stem": stem, "input": 40})).cone.steps]

    assert activations("3x3 max2x2/2 3x3") == ["linear", "relu", "relu"]
    assert activations("bn relu max2x2/2 max3x3/2") == ["linear", "linear", "linear", "relu"]
    assert activations("3x3=tanh max2x2/2 avg2x2 max2x2/2") == ["tanh", "linear", "linear", "linear"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "stem",
    ["3x3:4 max2x2/2 5x5:4 max3x3/2", "2xres(3x3:4) max3x3/1 3x3:2", "max2x2/1 bn relu max3x3/3 3x3", "3x3 max5x2"],
)
def test_rectifying_what_was_pooled_gives_the_bits_of_pooling_what_was_rectified(stem, dtype, monkeypatch):
    config = build({"stem": stem, "input": "27x27x2", "dtype": dtype, "readout": {"channel": "sum"}})
    pooled_first = heatmap_of(config).values
    with monkeypatch.context() as patched:
        patched.setattr("pipeline.gradient.cone.pooled_first", tuple)
        steps = cone.__wrapped__(config.stem, config.input, config.unit, None)
        rectified_first = measure_heatmap(config, replace(plan_of(config), cone=steps)).values
    assert rectified_first.any()
    np.testing.assert_array_equal(pooled_first, rectified_first)


def test_a_cone_costs_the_same_on_a_wider_plane() -> None:
    narrow = build({"stem": "4x3x3:8", "input": 21})
    wide = msgspec.structs.replace(narrow, input=msgspec.structs.replace(narrow.input, height=84, width=84))
    assert plan_of(wide).cone.box.height == plan_of(narrow).cone.box.height == 9
    assert [step.y for step in plan_of(wide).cone.steps] == [step.y for step in plan_of(narrow).cone.steps]


def steps_of(stem, plane, channel=0):
    return plan_of(build({"stem": stem, "input": plane, "readout": {"channel": channel}})).cone.steps


def test_a_node_that_several_read_is_computed_once_on_the_hull_of_what_they_read():
    steps = steps_of("3x3:4#a 3x3:4 cat(1x1:2|5x5:2|#a 3x3@3:2) 1x1", 40)
    assert [step.node.index for step in steps] == list(range(7))
    assert steps[0].shape == (7, 4, 7)  # what 3x3@3 reads
    assert steps[1].shape == (5, 4, 5)
    assert [source.read.rows for source in steps[1].sources] == [None]
    assert [source.step for step in steps for source in step.sources] == [INPUT, 0, 1, 1, 0, 2, 3, 4, 5]


def test_a_branch_that_nobody_asks_for_makes_no_step():
    """The channels of a concatenation lie one branch after the other: one of them leads to one branch."""
    stem = "3x3:4 cat(1x1:2|5x5:2|max3x3)"
    assert [step.node.index for step in steps_of(stem, 40, 1)] == [0, 1, 4]
    assert [step.node.index for step in steps_of(stem, 40, 3)] == [0, 2, 4]
    assert [step.node.index for step in steps_of(stem, 40, 4)] == [0, 3, 4]
    assert [step.node.index for step in steps_of(stem, 40, "sum")] == [0, 1, 2, 3, 4]
    asked = steps_of("3x3:4#a 5x5:4 slice1:3 cat(|#a) slice2:5", 40, "sum")
    assert [step.node.index for step in asked] == [0, 3, 4]


def test_a_branch_of_one_pixel_is_read_whole():
    gap, _, gate = steps_of("mul(|gap 1x1:1=sigmoid)", "9x8")
    assert (gap.shape, gate.shape) == ((1, 1, 1), (1, 1, 1))
    assert [source.shape for source in gate.sources] == [(1, 1, 1), (1, 1, 1)]
    *_, gate = steps_of("mul(3x3:4|gap) 3x3", "9x8")[:-1]
    assert [source.shape for source in gate.sources] == [(3, 4, 3), (1, 1, 1)]


def test_a_relu_that_others_read_stays_before_the_max_pooling():
    activations = [step.node.activation for step in steps_of("3x3:4 cat(max3x3|1x1:2=linear)", 40, "sum")]
    assert activations == ["relu", "linear", "linear", "linear"]


@pytest.mark.parametrize(
    ("stem", "reads"),
    [
        ("gn2 slice0:1", (9, 2, 8)),
        ("in slice3:4", (9, 1, 8)),
        ("lrn3 slice0:1", (1, 2, 1)),
        ("lrn3 slice2:3", (1, 3, 1)),
        ("channelshuffle2 slice1:2", (1, 1, 1)),
        ("bilinear2", (2, 1, 2)),
        ("adaptive3x2", (3, 1, 4)),
        ("crop2/2 slice1:2", (1, 1, 1)),
        ("pad1~reflect 3x3p0:4", (3, 4, 3)),
        ("affine prelu", (1, 1, 1)),
    ],
)
def test_layers_read_what_their_unit_needs(stem, reads):
    """Rows, channels and columns of a plane of 9 by 8 pixels and 4 channels that the first layer reads."""
    assert steps_of(stem, "9x8x4")[0].sources[0].shape == reads


def test_a_geometry_without_a_rule_is_refused():
    known = network("3x3", Plane(9, 9))[0]
    with pytest.raises(TypeError, match="spiral has no cone"):
        restricted(replace(known, geometry="spiral"), known.y, 0, 0)
