"""Effort follows from counts: pairs of outputs and taps, phases, and the multiply-adds of large products."""

import itertools
from math import prod
from statistics import median

import pytest

from benchmarks.expected import seconds
from benchmarks.random_configs import random_config
from pipeline.gradient import conv_effort, effort, footprint, plan_of
from pipeline.gradient.load import load
from pipeline.gradient.rates import RATES
from pipeline.gradient.scratch import Bulk, phases
from pipeline.limits import LARGEST_KEPT
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
    found = conv_effort.forward(own)
    assert direct <= found.products < 1.2 * direct
    assert found.copies < direct / 30  # a number is copied in the time of six multiply-adds on the machine of the fit


def test_numbers_of_float64_take_twice_as_long():
    config = build({"stem": "4x7x7:32", "input": 41})
    (step, *_) = plan_of(config).cone.steps
    single, double = (effort.both_ways(load(step, 16, item)) for item in (4, 8))
    assert 1.5 < double.products / single.products < 2.5
    assert 1.5 < double.copies / single.copies < 2.5


def test_taps_that_read_padding_alone_take_no_product():
    """Of three dilated taps only the middle one ever meets one of the five rows."""
    x = Axis(34, 16, 3, 2)
    far, near = Axis(5, 3, 3, 2, 7, 7, 7), Axis(5, 3, 1, 2)
    three, one = (conv_effort.forward(Bulk((y.kernel, 3, 16, 16), y, x, 1, 64, 4)) for y in (far, near))
    assert three.products == one.products > 0


def test_gradients_that_joins_hand_on_cost_nothing():
    """A concatenation, and a sum of two, pass over each number once, forward; the way back reads their gradient."""
    joined = {}
    for stem in ("cat(3x3:8|5x5)", "add(3x3|5x5)"):
        *_, step = plan_of(build({"stem": f"3x3:4 {stem} 5x5", "input": 21})).cone.steps[:-1]
        own = load(step, 16, 4)
        joined[stem] = effort.both_ways(own).copies / own.numbers_out
    assert list(joined.values()) == pytest.approx([RATES.scaled, RATES.scaled])


def test_memory_that_is_kept_is_not_paid_again():
    """Arrays of up to 16 MB stay with the thread; the system hands out larger ones page by page, each time anew."""
    (step, _) = plan_of(build({"stem": "relu 3x3", "input": 3})).cone.steps
    paid = []
    for n in (LARGEST_KEPT // (9 * 4), LARGEST_KEPT // (9 * 4) + 1):
        own = load(step, n, 4)
        paid.append(effort.fresh_memory(own, footprint.uses(own)).copies)
    assert paid[0] == 0 < paid[1]


def test_stems_of_other_depths_share_their_steps():
    short, long = ([load(step, 16, 4) for step in plan_of(build({"stem": f"{n}x3x5"})).cone.steps] for n in (5, 8))
    assert short[1:] == long[-4:]


def test_seconds_of_random_configs_are_expected_within_a_factor():
    """Processor time of configs of every kind. What this machine multiplies, copies and calls in a second is measured;
    as that varies while others use the machine, most configs are held against the median of all."""
    ratios = []
    for seed in range(160):
        config = random_config(seed)
        plan = plan_of(config)
        work = plan.work.effort
        if 2e7 < work.copies < 3.5e8 and work.products < 6e9 and plan.working_set < 2e8:
            ratios.append(seconds(config) / plan.kernel_seconds)
    assert len(ratios) > 20
    usual = median(ratios)
    assert 1 / 5 < usual < 5
    assert sum(1 / 2.5 < ratio / usual < 2.5 for ratio in ratios) > 0.8 * len(ratios)


def test_a_layer_that_is_not_known_has_no_cost():
    """None is free in silence."""
    (step,) = plan_of(build({"stem": "relu", "input": 9})).cone.steps
    unknown = load(step, 1, 4)._replace(layer=Residual)
    for cost in (effort.both_ways, footprint.uses):
        with pytest.raises(TypeError, match="give it one here"):
            cost(unknown)
