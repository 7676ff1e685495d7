"""Effort follows from counts: pairs of outputs and taps, phases, and the multiply-adds of large products."""

import itertools
import statistics
from math import prod

import pytest

from benchmarks.expected import seconds
from benchmarks.random_configs import random_config
from pipeline.gradient import conv_effort, effort, footprint, plan_of
from pipeline.gradient.load import load
from pipeline.gradient.scratch import Bulk, phases
from pipeline.stem import Axis, Residual
from pipeline.sweep.build import build

AXES = [
    Axis(size, (size + before + after - dilation * (kernel - 1) - 1) // stride + 1, kernel, stride, dilation, *pads)
    for size, kernel, stride, dilation, pads in itertools.product(
        (7, 12), (1, 3, 5), (1, 2, 3), (1, 2, 3), ((0, 0), (2, 2), (3, 1), (-1, 0))
    )
    for before, after in (pads,)
    if size + before + after > dilation * (kernel - 1)
]


@pytest.mark.parametrize("axis", AXES)
def test_pairs_are_those_of_an_output_and_a_tap_that_reads_a_pixel(axis):
    read = [
        output * axis.stride - axis.before + tap * axis.dilation
        for output, tap in itertools.product(range(axis.size_out), range(axis.kernel))
    ]
    assert conv_effort.pairs(axis) == max(sum(0 <= pixel < axis.size_in for pixel in read), 1)


@pytest.mark.parametrize("axis", [axis for axis in AXES if axis.stride == 1 and axis.dilation > 1])
def test_phases_have_every_row_once(axis):
    rows, outputs = range(axis.size_in + axis.before + axis.after), range(axis.size_out)
    each = [
        Axis(len(rows[first :: axis.dilation]), len(outputs[first :: axis.dilation]), axis.kernel)
        for first in range(min(axis.dilation, axis.size_out))
    ]
    assert sorted(map(repr, phases(axis).elements())) == sorted(map(repr, each))


def test_a_large_product_takes_its_multiply_adds():
    """The direct way of 256 channels: nearly all of its effort is that of one large product."""
    own = Bulk((3, 3, 256, 256), Axis(34, 32, 3), Axis(34, 32, 3, 2), 1, 64, 4)
    direct = prod(own.shape) * own.y.size_out * own.x.size_out * own.n
    assert direct < conv_effort.forward(own) < 1.5 * direct


def test_numbers_of_float64_take_twice_as_long():
    config = build({"stem": "4x7x7:32", "input": 41})
    (step, *_) = plan_of(config).cone.steps
    single, double = (effort.both_ways(load(step, 16, item)) for item in (4, 8))
    assert 1.5 < double / single < 2.5


def test_stems_of_other_depths_share_their_steps():
    short, long = ([load(step, 16, 4) for step in plan_of(build({"stem": f"{n}x3x5"})).cone.steps] for n in (5, 8))
    assert short[1:] == long[-4:]


def test_seconds_of_random_configs_are_expected_within_a_factor():
    """Processor time of configs of every kind, as a multiple of its median: how quick this machine is leaves it alone.
    On an idle one 19 of 20 are within a factor of two."""
    ratios = []
    for seed in range(160):
        config = random_config(seed)
        plan = plan_of(config)
        spent = plan.kernel_seconds
        if 3e-3 < spent < 5e-2 and plan.working_set < 2e8:
            ratios.append(seconds(config) / spent)
    assert len(ratios) > 20
    middle = statistics.median(ratios)
    assert sum(1 / 2.5 < ratio / middle < 2.5 for ratio in ratios) > 0.8 * len(ratios)


def test_a_layer_that_is_not_known_has_no_cost():
    """None is free in silence."""
    (step,) = plan_of(build({"stem": "relu", "input": 9})).cone.steps
    unknown = load(step, 1, 4)._replace(layer=Residual)
    for cost in (effort.both_ways, footprint.uses):
        with pytest.raises(TypeError, match="give it one here"):
            cost(unknown)
