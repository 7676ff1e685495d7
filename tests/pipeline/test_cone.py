"""The cone: just what the unit reads, and nothing more."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.cone import cone, cone_of
from pipeline.config import build
from pipeline.erf import measure_heatmap
from pipeline.errors import InputError
from pipeline.network import network
from pipeline.stem import Convolution
from pipeline.support import support
from tests.strategies import stems


def flat(steps):
    for step in steps:
        yield from flat(step.body)
        if step.shortcut is not None:
            yield step.shortcut
        yield step


@settings(max_examples=150)
@given(stems(depth=5), st.data())
def test_the_box_is_the_hull_of_the_support(found, data):
    """Where padding repeats pixels or a unit sees nothing the box may be larger, never smaller."""
    stem, plane = found
    made = network(stem, plane)[-1].made
    unit = data.draw(st.integers(0, made.height - 1)), data.draw(st.integers(0, made.width - 1))
    config = build({"stem": stem, "input": plane, "readout": {"position": list(unit), "channel": "sum"}})
    box = cone(config).box
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
    box = cone(config).box
    assert (box.top, box.bottom - 1, box.left, box.right - 1) == seen.hull


def test_four_3x3_layers_are_computed_on_9_7_5_3_1_pixels():
    plan = cone(build({"stem": "4x3x3", "input": 101}))
    assert (plan.box.top, plan.box.bottom, plan.box.left, plan.box.right) == (46, 55, 46, 55)
    assert [(step.y.size_in, step.y.size_out) for step in plan.steps] == [(9, 7), (7, 5), (5, 3), (3, 1)]


def test_strides_and_dilations_widen_the_cone():
    plan = cone(build({"stem": "3x3/2 3x3@3 1x5", "input": 101}))
    assert [(step.y.size_in, step.x.size_in) for step in plan.steps] == [(15, 23), (7, 11), (1, 5)]


def test_a_plane_smaller_than_the_cone_is_read_whole_and_padded():
    plan = cone(build({"stem": "2x9x9", "input": "5x4"}))
    assert (plan.box.height, plan.box.width) == (5, 4)
    assert [(step.y.before, step.y.size_in, step.y.after) for step in plan.steps] == [(4, 5, 4), (2, 5, 2)]


def test_channels_that_the_readout_does_not_read_are_not_made():
    """One channel of the last layer; of grouped and depthwise layers only the groups that lead to it."""
    plan = cone(build({"stem": "3x3:8 3x3:6", "readout": {"channel": 4}}))
    assert [step.features for step in plan.steps] == [(0, 8), (4, 5)]
    plan = cone(build({"stem": "3x3:8 dw3x3 dw3x3:16", "readout": {"channel": 5}}))
    assert [step.features for step in plan.steps] == [(2, 3), (2, 3), (5, 6)]
    plan = cone(build({"stem": "3x3:8 3x3:8g4 3x3:8g2", "readout": {"channel": 7}}))
    assert [step.features for step in plan.steps] == [(4, 8), (4, 8), (7, 8)]
    plan = cone(build({"stem": "3x3:8 ln dw3x3", "readout": {"channel": 5}}))
    assert [step.features for step in plan.steps] == [(0, 8), (0, 8), (5, 6)]
    plan = cone(build({"stem": "3x3:8 dw3x3", "readout": {"channel": "sum"}}))
    assert [step.features for step in plan.steps] == [(0, 8), (0, 8)]


@settings(max_examples=120)
@given(stems())
def test_steps_hand_on_what_the_next_takes(found):
    stem, plane = found
    plan = cone(build({"stem": stem, "input": plane}))
    for step in flat(plan.steps):
        node = step.node
        assert 0 <= step.features[0] < step.features[1] <= node.made.channels
        if isinstance(node.layer, Convolution):
            assert (step.features[1] - step.features[0]) % step.groups == 0
        assert 1 <= step.y.size_out <= max(node.made.height, 1)
        assert 1 <= step.x.size_out <= max(node.made.width, 1)
    assert (plan.steps[-1].y.size_out, plan.steps[-1].x.size_out) == (1, 1)


def test_configs_that_differ_only_in_their_draws_share_a_plan():
    one = build({"stem": "4x3x3", "init": {"seed": 1}})
    other = build({"stem": "4x3x3", "probes": {"count": 3}, "readout": {"gradient": "square"}})
    assert cone(one) is cone(other)


def test_a_relu_goes_behind_the_max_pooling_that_it_stands_before():
    def activations(stem):
        return [step.node.activation for step in cone(build({"stem": stem, "input": 40})).steps]

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
    pooled_first = measure_heatmap(config).values
    cone_of.cache_clear()
    with monkeypatch.context() as patched:
        patched.setattr("pipeline.cone._pooled_first", tuple)
        rectified_first = measure_heatmap(config).values
    cone_of.cache_clear()
    assert rectified_first.any()
    np.testing.assert_array_equal(pooled_first, rectified_first)
