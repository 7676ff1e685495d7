"""`readout.layer`: a config of a layer is that of the stem that ends there."""

import numpy as np
import pytest

from pipeline.config import axes
from pipeline.errors import InputError
from pipeline.gradient import plan_of
from pipeline.gradient.erf import measure_heatmap
from pipeline.sweep.build import build
from pipeline.theory import window_of

STEM = "3x3:6#one res(3x3:6 3x3:6)#two max3x3/2 cat(1x1:4|5x5:4)#three 3x3:8"


def config(stem, layer=None, **fields):
    return build({"stem": stem, "input": "23x23x3", "readout": {"channel": "sum", "layer": layer}, **fields})


@pytest.mark.parametrize(
    ("layer", "ends"),
    [
        ("one", "3x3:6"),
        ("#one", "3x3:6"),
        (0, "3x3:6"),
        ("two", "3x3:6 res(3x3:6 3x3:6)"),
        ("three", "3x3:6 res(3x3:6 3x3:6) max3x3/2 cat(1x1:4|5x5:4)"),
    ],
)
def test_a_layer_is_the_stem_that_ends_there(layer, ends):
    whole, alone = config(STEM, layer), config(ends)
    assert whole.network[-1].output == alone.network[-1].output
    assert whole.unit == alone.unit
    assert window_of(whole) == window_of(alone)
    expected = measure_heatmap(alone, plan_of(alone)).values
    np.testing.assert_array_equal(measure_heatmap(whole, plan_of(whole)).values, expected)


def test_a_mark_and_its_index_are_one_config_and_so_are_the_last_and_none():
    two = config(STEM, "two")
    assert two.digest == config(STEM, two.network[-1].index).digest
    assert axes(two).mark == "two"
    last = config(STEM).network[-1].index
    assert config(STEM, last).digest == config(STEM).digest


def test_the_last_mark_of_a_name_counts():
    made = config("3x3:3#a 3x3:3#a 1x1", "a")
    assert made.network[-1].index == 1


@pytest.mark.parametrize(
    ("layer", "said"),
    [("four", "is not a mark of the stem; its marks are one, two or three"), (99, "is outside the 9 layers")],
)
def test_a_layer_that_is_not_there_is_told(layer, said):
    with pytest.raises(InputError, match=said):
        config(STEM, layer)


def test_a_stem_without_marks_says_so():
    with pytest.raises(InputError, match="it has no marks"):
        config("3x3", "one")
