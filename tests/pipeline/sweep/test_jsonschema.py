"""The JSON Schemas say yes to what is accepted and no to what a schema can refuse."""

import json
import re

import msgspec
import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from pipeline.config import encode
from pipeline.errors import InputError
from pipeline.stem import parse
from pipeline.sweep.build import build
from pipeline.sweep.grid import PATHS, STACK_AXES
from pipeline.sweep.jsonschema import config_schema, sweep_schema
from pipeline.sweep.sweep import preset_spec, sweep
from tests.strategies import stems

CONFIG, SWEEP = (Draft202012Validator(json.loads(json.dumps(schema()))) for schema in (config_schema, sweep_schema))


def test_schemas_are_json_of_the_current_dialect():
    for schema in (CONFIG.schema, SWEEP.schema):
        assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
        Draft202012Validator.check_schema(schema)
        references = re.findall(r'"\$ref": "([^"]*)"', json.dumps(schema))
        assert references
        assert {reference.removeprefix("#/$defs/") for reference in references} <= schema["$defs"].keys()


GOOD = [
    {"stem": "4x3x3"},
    {"stem": "4x3x3", "input": 21},
    {"stem": "4x3x3", "input": "224x320x3"},
    {"stem": "4x3x3", "input": {"height": 9, "width": 8}},
    {"stem": "4x3x3", "input": {"channels": 3}},
    {"stem": ["3x3", {"layer": "conv", "kernel": 3, "stride": [2, 1]}, {"layer": "gap"}]},
    {"stem": [{"layer": "res", "stem": [{"layer": "conv", "kernel": 3}], "activation": "gelu"}]},
    {"stem": [{"layer": "conv", "kernel": 3, "mark": "a"}, {"layer": "cat", "branches": [[], {"from": "a"}]}]},
    {"stem": [{"layer": "bn", "mark": "a"}, {"layer": "mul", "branches": [[{"layer": "gap"}], {"from": "a"}]}]},
    {"stem": [{"layer": "add", "branches": [[{"layer": "bn"}], []], "activation": "relu6"}]},
    {"stem": [{"layer": "conv", "kernel": 3, "padding": "same"}, {"layer": "max", "kernel": 2, "ceil": True}]},
    {"stem": [{"layer": "conv", "kernel": 3, "padding": [[1, 2], 0]}, {"layer": "crop", "margin": [1, [0, 1]]}]},
    {"stem": [{"layer": "conv", "kernel": 3, "activation": "hardtanh(0,6)"}, {"layer": "lrn", "channels": 5, "k": 2}]},
    {"stem": "3x3", "init": {"kind": "orthogonal", "seed": 7}, "probes": {"kind": "normal", "count": 3}},
    {"stem": "3x3", "readout": {"channel": "sum", "position": [1, 2], "gradient": "relu"}, "dtype": "float64"},
    {"stem": "3x3", "init": {"kind": "neural_api", "offset": 3}},
]
BAD = [
    {},
    {"input": 21},
    {"stem": 3},
    {"stem": []},
    {"stem": "3x3", "colour": 1},
    {"stem": [{"layer": "convolution", "kernel": 3}]},
    {"stem": [{"layer": "conv"}]},
    {"stem": [{"layer": "conv", "kernel": 3, "colour": 1}]},
    {"stem": [{"layer": "conv", "kernel": 3, "activation": "swish"}]},
    {"stem": [{"layer": "conv", "kernel": 3, "mark": "1"}]},
    {"stem": [{"layer": "conv", "kernel": 3, "padding": "valid"}]},
    {"stem": [{"layer": "conv", "kernel": 3, "padding": [1, 2, 3]}]},
    {"stem": [{"layer": "transposed", "kernel": 3, "padding": "same"}]},
    {"stem": [{"layer": "add", "branches": []}]},
    {"stem": [{"layer": "add", "branches": ["3x3"]}]},
    {"stem": [{"layer": "add", "branches": [{"stem": []}]}]},
    {"stem": [{"layer": "max", "kernel": 3, "ceil": 1}]},
    {"stem": "3x3", "input": 0},
    {"stem": "3x3", "input": "9x"},
    {"stem": "3x3", "input": {"height": 9, "width": 9, "depth": 1}},
    {"stem": "3x3", "input": {"height": 9, "width": None}},
    {"stem": "3x3", "init": {"kind": "xavier"}},
    {"stem": "3x3", "init": {"seed": -1}},
    {"stem": "3x3", "init": {"gain": 1}},
    {"stem": "3x3", "probes": {"count": 0}},
    {"stem": "3x3", "readout": {"channel": -1}},
    {"stem": "3x3", "readout": {"position": [1]}},
    {"stem": "3x3", "dtype": "float16"},
]


@pytest.mark.parametrize("fields", GOOD)
def test_a_config_that_is_accepted_is_valid(fields):
    build(fields)
    assert CONFIG.is_valid(fields)


@pytest.mark.parametrize("fields", BAD)
def test_a_config_that_is_invalid_is_refused(fields):
    assert not CONFIG.is_valid(fields)
    with pytest.raises(InputError):
        build(fields)


@settings(max_examples=100)
@given(stems())
def test_every_stem_is_valid_in_the_notation_in_the_list_form_and_in_canonical_json(found):
    stem, plane = found
    config = build({"stem": stem, "input": plane})
    for fields in (
        json.loads(encode(config)),
        {"stem": stem, "input": msgspec.to_builtins(plane)},
        {"stem": json.loads(msgspec.json.encode(parse(stem))), "input": str(plane)},
    ):
        assert CONFIG.is_valid(fields)
        assert build(fields) == config


SWEEPS = [
    preset_spec("luo2016"),
    {
        "name": "growth",
        "grid": {"kernel": [3, 5, 7, 9], "depth": "range(1, 21)", "seed": "range(0, 20)"},
        "stems": ["4x3x3", "7x7/2:64 max3x3/2", {"stem": "1x9x9", "init.seed": 7}],
        "input": 101,
    },
    {"name": "s", "grid": {"probes.count": 3, "init.kind": ["normal", "orthogonal"]}, "stems": [["3x3", "gap"]]},
    {"name": "s", "description": "words", "stems": [{"stem": "3x3", "seed": 3, "init": {"kind": "normal"}}]},
    {"name": "s", "grid": {"kernel": 3}, "probes.count": 5, "init": {"seed": 4}},
    {"name": "s", "stem": "3x3"},
    {"name": "s", "zip": {"kernel": [3, 5], "depth": [10, 5]}, "grid": {"seed": "range(0, 2)"}},
    {
        "name": "s",
        "zip": [{"kernel": [3, 5], "depth": "range(1, 3)"}, {"seed": [1, 2], "dtype": ["float32", "float64"]}],
    },
    {"stem": "3x3", "name": "s", "grid": {"input": [21, "9x9x3", {"height": 9, "width": 9}]}},
]
NO_SWEEPS = [
    {"name": "a b", "stems": ["3x3"]},
    {"name": "s", "grid": {"kernels": [3]}},
    {"name": "s", "grid": {"kernel": []}},
    {"name": "s", "grid": [3]},
    {"name": "s", "zip": {"kernel": [3]}},
    {"name": "s", "zip": 3},
    {"name": "s", "zip": [{"kernel": [3], "detph": [1]}]},
    {"name": "s", "stems": "3x3"},
    {"name": "s", "stems": [{"init.seed": 7}]},
    {"name": "s", "stems": [{"stem": "3x3", "colour": 1}]},
    {"name": "s", "stems": ["3x3"], "colour": 1},
]


@pytest.mark.parametrize("spec", SWEEPS)
def test_a_sweep_that_is_accepted_is_valid(spec):
    assert list(sweep(spec))
    assert SWEEP.is_valid(spec)


@pytest.mark.parametrize("spec", NO_SWEEPS)
def test_a_sweep_that_is_invalid_is_refused(spec):
    assert not SWEEP.is_valid(spec)
    with pytest.raises(InputError):
        list(sweep(spec))


def test_every_axis_is_in_the_schema():
    assert SWEEP.schema["properties"]["grid"]["properties"].keys() == {*STACK_AXES, "seed", *PATHS}
