"""Axes that run in step: pairs of values instead of every combination."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.sweep.dimension import Dimension, in_step, product, zipped
from pipeline.sweep.grid import parse_setting
from pipeline.sweep.sweep import stem_sweep, sweep

PAIRS = {"name": "s", "zip": {"kernel": [3, 5], "depth": [10, 5]}}


def stems(found):
    return [config.stem for config in found]


def test_pairs_are_as_many_configs_as_there_are_pairs():
    found = sweep(PAIRS)
    assert found.size == 2
    assert stems(found) == ["10x3x3", "5x5x5"]


def test_pairs_are_crossed_with_the_other_axes_which_run_faster():
    found = sweep({**PAIRS, "grid": {"seed": [1, 2], "features": [4, 8]}})
    assert found.size == 8
    assert [(config.stem, config.init.seed) for config in found][:3] == [("10x3x3", 1), ("10x3x3:8", 1), ("10x3x3", 2)]


def test_several_groups_of_axes_are_crossed_with_each_other():
    both = [{"kernel": [3, 5], "depth": [2, 1]}, {"init.kind": ["normal", "he_normal"], "seed": [1, 2]}]
    found = list(sweep({"name": "s", "zip": both}))
    assert [(each.stem, each.init.kind, each.init.seed) for each in found] == [
        (stem, kind, seed) for stem in ("2x3x3", "5x5") for kind, seed in (("normal", 1), ("he_normal", 2))
    ]


def test_ranges_run_in_step_and_a_value_may_come_again_beside_another():
    found = sweep({"name": "s", "zip": {"kernel": [3, 3, 5], "depth": "range(1, 4)"}})
    assert stems(found) == ["3x3", "2x3x3", "3x5x5"]


def test_explicit_stems_run_through_what_describes_no_stack():
    found = sweep({"name": "s", "stems": ["3x3"], "zip": {"input": [21, 41], "seed": [1, 2]}})
    assert [(each.input.height, each.init.seed) for each in found] == [(21, 1), (41, 2)]
    own = sweep({"name": "s", "stems": [{"stem": "3x3", "seed": 7}], "zip": {"input": [21, 41], "seed": [1, 2]}})
    assert [(each.input.height, each.init.seed) for each in own] == [(21, 7), (41, 7)]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("kernel,depth=3:10,5:5", ("kernel,depth", [[3, 10], [5, 5]])),
        ("kernel, depth = 3x5:10", ("kernel, depth", [["3x5", 10]])),
        ("init.kind,seed,dtype=normal:1:float32", ("init.kind,seed,dtype", [["normal", 1, "float32"]])),
    ],
)
def test_a_setting_of_several_axes_has_colons_between_their_values(text, rows):
    assert parse_setting(text) == rows


def test_set_axes_leave_the_grid_and_replace_those_that_ran_in_step():
    setting = dict([parse_setting("kernel,depth=3:10,5:5")])
    assert stems(sweep({"name": "s", "grid": {"kernel": [7, 9]}}, setting)) == ["10x3x3", "5x5x5"]
    assert stems(sweep({"name": "s", "zip": {"kernel": [7], "depth": [1]}}, setting)) == ["10x3x3", "5x5x5"]
    seeds = dict([parse_setting("input,seed=21:1,41:2")])
    assert [each.init.seed for each in stem_sweep("3x3", seeds, {})] == [1, 2]


def test_what_is_kept_of_a_sweep_makes_it_again():
    found = sweep({"name": "s", "grid": {"kernel": [7, 9]}}, {"kernel,depth": [[3, 10], [5, 5]]})
    assert stems(sweep(found.spec)) == ["10x3x3", "5x5x5"]


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"zip": {"kernel": [3, 5], "depth": [1, 2, 3]}}, "kernel has 2 values and depth has 3 values"),
        ({"zip": {"kernel": [3, 5]}}, "two or more axes in step"),
        ({"zip": [3]}, "zip is a mapping of axes that run in step"),
        ({"zip": "kernel"}, "zip is a mapping of axes that run in step"),
        ({"zip": {"kernel": [3, 3], "depth": [1, 1]}}, "zip lists kernel=3, depth=1 twice"),
        ({"zip": {"kernels": [3], "depth": [1]}}, "there is no axis 'kernels'; did you mean kernel"),
        ({"zip": {"kernel": [], "depth": []}}, "axis kernel has no values"),
        ({"zip": {"kernel": [3], "depth": [1]}, "grid": {"depth": [2]}}, "depth stands twice"),
        ({"zip": [{"kernel": [3], "depth": [1]}, {"depth": [1], "seed": [1]}]}, "depth stands twice"),
        ({"zip": {"depth": [1], "seed": [1]}}, "depth but no kernel"),
    ],
)
def test_axes_that_cannot_run_in_step_are_one_sentence(spec, says):
    with pytest.raises(InputError, match=says) as raised:
        sweep({"name": "s", **spec})
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        ({"kernel,depth": [[3, 10], [5]]}, r"'\[5\]' is not one value for each of them; .* as in kernel,depth=3:4"),
        ({"kernel,depth": [3, 5]}, "'3' is not one value for each"),
        ({"kernel,kernel": [[3, 5]]}, "names an axis twice"),
        ({"kernel,depth": 3}, "takes a list with one value for each axis in every row"),
        ({"kernel": [7]}, "kernel runs in step with others; set them together, as in -s kernel,depth="),
    ],
)
def test_settings_that_cannot_run_in_step_are_one_sentence(overrides, says):
    with pytest.raises(InputError, match=says):
        sweep(PAIRS, overrides)


sizes = st.lists(st.integers(1, 4), max_size=4)


@given(sizes)
def test_a_product_has_every_combination_once_the_last_dimension_fastest(counts):
    dimensions = [Dimension({f"axis{n}": range(count)}) for n, count in enumerate(counts)]
    found = [tuple(values.values()) for values in product(dimensions)]
    assert found == sorted(set(found))
    expected = 1
    for count in counts:
        expected *= count
    assert len(found) == expected


def test_rows_and_columns_are_the_same_axes():
    assert in_step("kernel,depth", [[3, 10], [5, 5]]) == {"kernel": [3, 5], "depth": [10, 5]}
    assert zipped({"kernel": [3, 5], "depth": [10, 5]}).at(1) == {"kernel": 5, "depth": 5}
