"""The support is exactly the set of inputs that can change the unit."""

import re
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.stem import Plane, network
from pipeline.theory import window
from pipeline.theory.indices import Indices, indices, span
from pipeline.theory.support import support
from tests.box_network import responses
from tests.strategies import stems


def agrees(text, plane):
    """Holds every unit's support against what a network of ones lets through; False where the stem does not fit."""
    try:
        nodes = network(text, plane)
    except InputError:
        return False
    by_channel = responses(nodes) > 0
    last = len(by_channel) - 1
    reached = np.stack([by_channel.any(axis=0), by_channel[0], by_channel[last]])
    for which, *unit in np.ndindex(reached.shape[:3]):
        found = support(nodes, tuple(unit), ("sum", 0, last)[which])
        expected = {(int(y), int(x)) for y, x in np.argwhere(reached[which, *unit])}
        assert found.pixels() == expected, (text, plane, unit)
        assert found.dead == (not expected)
        if expected:
            rows, columns = zip(*expected, strict=True)
            assert found.hull == (min(rows), max(rows), min(columns), max(columns))
            assert set(found.rows) == set(rows)
            assert set(found.columns) == set(columns)
    return True


@pytest.mark.parametrize("mode", ["", "~reflect", "~replicate", "~circular"])
def test_every_small_convolution(mode):
    grid = product(range(1, 5), range(1, 4), range(1, 4), ["", "p0", "p1", "p2", "p4"], range(1, 9))
    fitting = sum(
        agrees(f"{kernel}x1/{stride}x1@{dilation}x1{padding and padding + 'x0'}{mode}", Plane(size, 1))
        for kernel, stride, dilation, padding, size in grid
    )
    assert fitting > 900


def test_every_small_transposed_convolution():
    grid = product(range(1, 5), range(1, 4), range(1, 4), ["", "p0", "p1", "p2"], range(1, 7))
    fitting = sum(
        agrees(f"t1x{kernel}/1x{stride}@1x{dilation}{padding and 'p0x' + padding[1:]}", Plane(1, size))
        for kernel, stride, dilation, padding, size in grid
    )
    assert fitting > 700


def test_every_small_pool_and_up_sampling():
    pools = (
        f"{kind}{kernel}x1/{stride}x1{padding}"
        for kind, kernel, stride, padding in product(("max", "avg"), range(1, 5), range(1, 4), ("", "p0", "p1x0"))
    )
    others = ("up1", "up2x1", "up3x1", "gap", "bn", "ln", "relu")
    assert sum(agrees(text, Plane(size, 1)) for text, size in product((*pools, *others), range(1, 9))) > 400


@settings(max_examples=500, deadline=None)
@given(stems(largest=9, depth=5))
def test_random_stems(stem):
    assert agrees(*stem)


@settings(max_examples=100, deadline=None)
@given(stems(kinds=("conv", "t", "up", "slice", "res", "res_pre", "add", "cat", "mul"), largest=9, depth=5))
def test_random_branches(stem):
    assert agrees(*stem)


def test_a_sum_of_branches_is_no_product():
    # The body reads the four diagonal neighbours, the shortcut the pixel between them.
    found = support(network("res(2x2@2)", Plane(9, 9)), (4, 4))
    assert found.pixels() == {(3, 3), (3, 5), (5, 3), (5, 5), (4, 4)}
    assert found.hull == (3, 5, 3, 5)


def test_branches_in_a_row_do_not_multiply():
    assert len(support(network("60xres(2x2@2)", Plane(200, 200)), (100, 100)).products) == 2


@pytest.mark.parametrize(("stem", "unit"), [("1x1p3", (0, 0)), ("t1x1/2", (1, 1)), ("t2x1/3", (2, 0))])
def test_a_unit_of_padding_or_gaps_is_dead(stem, unit):
    found = support(network(stem, Plane(5, 5)), unit)
    assert found.dead
    assert found.hull is None
    assert found.pixels() == set()


def test_a_kernel_far_larger_than_its_plane_costs_nothing():
    # Only the middle tap of each kernel falls on the plane.
    nodes = network("999999x999999@1000000 t999999x999999@1000000", Plane(3, 3))
    assert support(nodes, (1, 1)).pixels() == {(1, 1)}


@settings(max_examples=200, deadline=None)
@given(stems())
def test_the_support_lies_in_the_clipped_window_when_nothing_folds_or_pools_globally(stem):
    text, plane = stem
    if re.search(r"~(reflect|replicate|circular)|bilinear", text):
        return
    nodes = network(text, plane)
    made = nodes[-1].output
    unit = made.height // 2, made.width // 2
    hull, seen = support(nodes, unit).hull, window(nodes, unit)
    if hull is not None:
        assert seen.top <= hull[0] <= hull[1] <= seen.bottom
        assert seen.left <= hull[2] <= hull[3] <= seen.right


SETS = st.sets(st.integers(-70, 70), max_size=20)


def indices_of(numbers):
    least = min(numbers, default=0)
    return indices(least, sum(1 << number - least for number in numbers))


@given(SETS, SETS)
def test_indices_are_sets(one, other):
    a, b = indices_of(one), indices_of(other)
    assert set(a) == one
    assert len(a) == len(one)
    assert bool(a) == bool(one)
    assert set(a | b) == one | other
    assert set(a & b) == one & other
    assert set(a - b) == one - other
    assert (a == b) == (one == other)


def test_a_span_holds_both_its_ends():
    assert list(span(-2, 1)) == [-2, -1, 0, 1]
    assert span(5, 5).last == 5
    assert list(Indices()) == []
