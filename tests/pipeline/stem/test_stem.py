"""Stems as structs: pairs, bounds, and what a plain stack is."""

import msgspec
import pytest

from pipeline.stem import (
    MAX_INTEGER,
    Conv,
    Depthwise,
    GlobalAvgPool,
    Layer,
    MaxPool,
    Plane,
    Transposed,
    Upsample,
    network,
    parse,
    uniform_layer,
)
from pipeline.stem.layers import count_layers


def test_an_integer_stands_for_a_square_pair():
    assert Conv(3, stride=2, dilation=3, padding=1) == Conv((3, 3), stride=(2, 2), dilation=(3, 3), padding=(1, 1))
    assert Upsample(2).factor == (2, 2)
    assert msgspec.convert({"layer": "conv", "kernel": 3}, Layer) == Conv((3, 3))
    assert msgspec.convert({"layer": "max", "kernel": [2, 3], "stride": 2}, Layer) == MaxPool((2, 3), (2, 2))
    assert Conv(3).padding is None


def test_defaults_are_those_of_the_notation():
    layer = Conv((3, 3))
    assert (layer.features, layer.stride, layer.dilation, layer.groups) == (4, (1, 1), (1, 1), 1)
    assert layer.padding_mode == "zeros"
    assert layer.activation is None  # not written: a ReLU, but for the last convolution of a residual body
    assert network("3x3", Plane(9, 9))[0].activation == "relu"
    assert Depthwise((3, 3)).features is None


def test_layers_are_frozen_and_hashable():
    with pytest.raises(AttributeError):
        Conv((3, 3)).features = 8
    assert len({Conv(3), Conv((3, 3)), Conv(3, 8)}) == 2


@pytest.mark.parametrize(
    "make",
    [
        lambda: Conv(0),
        lambda: Conv((3, -1)),
        lambda: Conv(3, stride=0),
        lambda: Conv(3, dilation=(1, 0)),
        lambda: Conv(3, padding=-1),
        lambda: Conv(3, 0),
        lambda: Conv(3, groups=0),
        lambda: Conv(MAX_INTEGER + 1),
        lambda: Depthwise(3, 0),
        lambda: Transposed(3, stride=MAX_INTEGER + 1),
        lambda: Upsample(0),
        lambda: MaxPool(3, padding=(0, -2)),
    ],
)
def test_numbers_out_of_bounds_are_refused(make):
    with pytest.raises(ValueError, match="must be between"):
        make()


@pytest.mark.parametrize("field", ["kernel", "stride", "features", "groups"])
@pytest.mark.parametrize("value", [0, -1, True, "3", 1.5, [3], [3, 3, 3], {}, None, 10**30])
def test_data_of_a_wrong_type_or_size_are_refused(field, value):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"layer": "conv", "kernel": 3} | {field: value}, Layer)


def test_zero_padding_is_not_the_same_as_padding_left_out():
    assert Conv(3, padding=0) != Conv(3)
    assert MaxPool(3, padding=(0, 0)) != MaxPool(3)


@pytest.mark.parametrize(
    ("stem", "count"), [("3x3", 1), ("4x3x3", 4), ("res(2x3x3)", 3), ("2xres(res_pre(3x3) gap)", 8), ("gap bn", 2)]
)
def test_groups_are_layers_and_so_is_what_is_inside(stem, count):
    assert count_layers(parse(stem)) == count


@pytest.mark.parametrize(
    ("stem", "layer"),
    [
        ("3x3", Conv(3)),
        ("4x3x5/2:8=gelu", Conv((3, 5), 8, 2, activation="gelu")),
        ("3x3 3x3:4", Conv(3)),
        ("3x3 5x5", None),
        ("3x3 3x3:8", None),
        ("2xgap", None),
        ("2xdw3x3", None),
        ("res(3x3)", None),
    ],
)
def test_a_plain_stack_repeats_one_convolution(stem, layer):
    assert uniform_layer(parse(stem)) == layer
    assert uniform_layer((GlobalAvgPool(),)) is None
