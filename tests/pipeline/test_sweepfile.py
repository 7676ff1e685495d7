"""Sweep files: three languages that say the same, and hostile files refused before they cost anything."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.sweepfile import MAX_BYTES, parse_sweep_file, read_sweep_file

YAML = """
name: growth
grid:
  kernel: [3, 5]
  depth: range(1, 21)
stems: [4x3x3, "7x7/2:64 max3x3/2", {stem: 1x9x9, init.seed: 7}]
input: 101
"""
TOML = """
name = "growth"
stems = ["4x3x3", "7x7/2:64 max3x3/2", {stem = "1x9x9", "init.seed" = 7}]
input = 101
[grid]
kernel = [3, 5]
depth = "range(1, 21)"
"""
SPEC = {
    "name": "growth",
    "grid": {"kernel": [3, 5], "depth": "range(1, 21)"},
    "stems": ["4x3x3", "7x7/2:64 max3x3/2", {"stem": "1x9x9", "init.seed": 7}],
    "input": 101,
}


@pytest.mark.parametrize(
    ("name", "text"),
    [("s.yaml", YAML), ("s.yml", YAML), ("S.YAML", YAML), ("s.toml", TOML), ("s.json", json.dumps(SPEC))],
)
def test_yaml_toml_and_json_say_the_same(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    assert read_sweep_file(path) == SPEC
    path.write_text("\ufeff" + text, encoding="utf-8")  # as editors on Windows begin a file
    assert read_sweep_file(path) == SPEC


def refused(text, suffix, says):
    with pytest.raises(InputError, match=says) as raised:
        parse_sweep_file(text, suffix, "'s'")
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 500


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: &x [1]\nb: *x", "alias"),
        ("a: &x {b: *x}", "alias"),
        ("<<: {a: 1}", "YAML"),
        ("a: 1\na: 2", "'a' twice"),
        ("a: {b: 1, b: 2}", "'b' twice"),
        ("a: [1", "no YAML in line 1"),
        ("a: 1\n\tb: 2", "no YAML in line 2"),
        ("a: !!python/object/apply:os.system [ls]", "no YAML in line 1"),
        ("a: !!python/name:os.system", "no YAML"),
        ("? [a, b]\n: 1", "cannot be read"),
        ("? {a: b}\n: 1", "cannot be read"),
        ("a: 2016-99-99", "cannot be read"),
        ("a: !!int ''", "cannot be read"),
        ("a: !!bool maybe", "cannot be read"),
        ("a: !!timestamp never", "cannot be read"),
        ("a: !!float ''", "cannot be read"),
        ("a: " + "9" * 5000, "integer"),
        ("a: 0x" + "f" * 5000, "integer"),
        ("a: " + "1:" * 100_000 + "1", "integer"),
        ("a: 0x" + "f" * 30, "integer of 120 bits"),
        ("a: " + "[" * 60 + "]" * 60, "nests deeper than 50"),
        ("a: " + "[" * 400_000, "nests deeper than 50"),
        ("{a: " * 60 + "1" + "}" * 60, "nests deeper than 50"),
        ("\n".join(" " * depth + "a:" for depth in range(60)), "nests deeper than 50"),
        ("a: !!pairs [b: '=1+1']", "spreadsheet"),
        ("a: !!set {'=1+1'}", "spreadsheet"),
        ("- 3x3", "no mapping"),
        ("", "no mapping"),
        ("3x3", "no mapping"),
        ("a: 1\n---\nb: 2", "no YAML"),
        ("a: \x07", "YAML"),
        ('a: "\\x07"', "control character"),
        ('a: "\\e[31m"', "control character"),
    ],
)
def test_hostile_yaml_is_refused(text, says):
    refused(text, ".yaml", says)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a = 1\na = 2", "no TOML"),
        ("a = [1", "no TOML"),
        ("a = 0x" + "f" * 5000, "integer"),
        ("a = " + "9" * 5000, "no TOML"),
        ("a = " + "[" * 400_000, "no TOML"),
        ("a = " + "[" * 60 + "]" * 60, "nests deeper than 50"),
        (".".join("a" * 60) + " = 1", "nests deeper than 50"),
        (".".join("a" * 400_000) + " = 1", "dots"),
        ("[" + ".".join("a" * 400_000) + "]", "dots"),
        ('a = "\\u0007"', "control character"),
        ('a = "=1+1"', "spreadsheet"),
    ],
)
def test_hostile_toml_is_refused(text, says):
    refused(text, ".toml", says)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"a": 1, "a": 2}', "'a' twice"),
        ('{"a": {"b": 1, "b": 2}}', "'b' twice"),
        ('{"a": NaN}', "NaN"),
        ('{"a": -Infinity}', "Infinity"),
        ('{"a": ' + "9" * 5000 + "}", "no JSON"),
        ('{"a": ' + "9" * 40 + "}", "integer of 133 bits"),
        ('{"a": ' + "[" * 400_000, "no JSON"),
        ('{"a": ' + "[" * 60 + "]" * 60 + "}", "nests deeper than 50"),
        ('{"a": 1', "no JSON"),
        ("[1]", "no mapping"),
        ('{"a": "\\u0007"}', "control character"),
        ('{"=a": 1}', "spreadsheet"),
    ],
)
def test_hostile_json_is_refused(text, says):
    refused(text, ".json", says)


@pytest.mark.parametrize("sign", ["=", "+", "-", "@"])
def test_text_that_a_spreadsheet_would_run_is_refused_anywhere(sign):
    text = json.dumps({"name": "a", "stems": [{"stem": "3x3", "init": {"path": f"{sign}cmd|' /C calc'!A0"}}]})
    refused(text, ".json", "spreadsheet")
    assert parse_sweep_file('{"a": -1}', ".json", "s") == {"a": -1}


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x7f", "\x85", "\x9b", "\r"])
def test_control_characters_are_refused_in_keys_and_values(character):
    refused(json.dumps({"name": f"a{character}"}), ".json", "control character")
    refused(json.dumps({f"a{character}": 1}), ".json", "control character")


def test_wide_files_are_read_in_linear_time():
    keys = "\n".join(f"a{number}: 1" for number in range(10_000))
    assert len(parse_sweep_file(keys, ".yaml", "s")) == 10_000


def test_files_that_cannot_be_read_are_refused(tmp_path):
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(InputError, match=f"more than {MAX_BYTES} bytes"):
        read_sweep_file(large)
    large.write_bytes(b"a: 1\n" + b"#" * (MAX_BYTES - 5))
    assert read_sweep_file(large) == {"a": 1}
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"name: caf\xe9")
    with pytest.raises(InputError, match="not UTF-8"):
        read_sweep_file(latin)
    with pytest.raises(InputError, match="cannot read"):
        read_sweep_file(tmp_path / "missing.yaml")
    with pytest.raises(InputError, match="cannot read"):
        read_sweep_file(tmp_path)
    with pytest.raises(InputError, match=r"ends in '\.txt'"):
        parse_sweep_file("a: 1", ".txt", "s")


def test_a_device_without_end_is_refused(tmp_path):
    endless = tmp_path / "zero.yaml"
    endless.symlink_to("/dev/zero")
    with pytest.raises(InputError, match="more than"):
        read_sweep_file(endless)


@settings(max_examples=400)
@given(st.text(max_size=60), st.sampled_from((".yaml", ".toml", ".json")))
def test_any_text_is_a_mapping_or_an_input_error(text, suffix):
    held_to_input_errors(text, suffix)


SIGNS = ["a", "b:", ": ", "- ", "[", "]", "{", "}", "&x ", "*x", "? ", "|\n", ">", "'", '"', "\n", "  ", ",", "."]
VALUES = ["1", "0x", "1:1", "2016-01-01", "~", "<<", "=", "#", "%", "@", "1e9", ".inf", "\\u0000"]
TAGS = ["!!omap ", "!!int ", "!!set ", "!!binary ", "!!timestamp ", "!!merge "]
pieces = st.sampled_from(SIGNS + VALUES + TAGS)


@settings(max_examples=600)
@given(st.lists(pieces, max_size=25).map("".join), st.sampled_from((".yaml", ".toml", ".json")))
def test_any_pieces_are_a_mapping_or_an_input_error(text, suffix):
    held_to_input_errors("a: " + text if suffix == ".yaml" else text, suffix)


def held_to_input_errors(text, suffix):
    try:
        spec = parse_sweep_file(text, suffix, "s")
    except InputError:
        return
    assert isinstance(spec, dict)
