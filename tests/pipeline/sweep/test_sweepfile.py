"""Sweep files: three languages that say the same, and hostile files refused before they cost anything."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.limits import MAX_SWEEP_FILE
from pipeline.sweep.sweepfile import parse_sweep_file, read_sweep_file

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
        ("a: 1\na: 2", "'a' twice"),
        ("a: {b: 1, b: 2}", "'b' twice"),
        ("a: [1", "not YAML in line 1"),
        ("a: 1\n\tb: 2", "not YAML in line 2"),
        ("a: !!python/object/apply:os.system [ls]", "not YAML in line 1"),
        ("a: !!python/name:os.system", "not YAML"),
        ("? [a, b]\n: 1", "cannot be read"),
        ("? {a: b}\n: 1", "cannot be read"),
        ("a: !!int ''", "cannot be read"),
        ("a: !!bool maybe", "cannot be read"),
        ("a: !!timestamp never", "cannot be read"),
        ("a: !!float ''", "cannot be read"),
        ("a: " + "9" * 5000, "integer"),
        ("a: 0x" + "f" * 5000, "integer"),
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
        ("a: 1\n---\nb: 2", "not YAML"),
        ("a: \x07", "YAML"),
        ('a: "\\x07"', "control character"),
        ('a: "\\e[31m"', "control character"),
    ],
)
def test_hostile_yaml_is_refused(text, says):
    refused(text, ".yaml", says)


INFINITE = float("inf")
# YAML 1.2.2, sections 10.2.1 and 10.3.2, with the examples that these give.
CORE = [
    ("010", 10), ("0010", 10), ("08", 8), ("0o10", 8), ("0o17", 15), ("0x1F", 31), ("0xff", 255), ("-010", -10),
    ("+12", 12), ("0", 0), ("-19", -19), ("685230", 685230), ("0o7", 7), ("0x3A", 58),
    ("1e3", 1000), ("1E3", 1000), ("12e03", 12000), ("-2E+05", -200000), ("0e0", 0), ("2e-1", 0.2), ("1.5e3", 1500.0),
    ("0.", 0.0), ("-0.0", 0.0), (".5", 0.5), ("5.", 5.0), ("+.5", 0.5), (".inf", INFINITE), ("-.Inf", -INFINITE),
    ("true", True), ("True", True), ("FALSE", False), ("null", None), ("Null", None), ("~", None), ("", None),
    *((text, text) for text in ("yes", "Yes", "no", "on", "off", "y", "n", "tRUE", "nULL", "truely")),
    *((text, text) for text in ("1:30", "1:30:45.5", "190:20:30", "1_000", "0b11", "0o8", "0xG", "0O7")),
    *((text, text) for text in ("2016-06-09", "2001-12-14t21:59:43.10-05:00", "1e", "1e3x", "e3", ".")),
    *((text, text) for text in (".e3", "1.2.3", "12e3.5", "3x3", "inf", "nan", "1 2", "<<")),
]  # fmt: skip


@pytest.mark.parametrize(("written", "value"), CORE)
def test_yaml_is_read_by_the_core_schema_of_version_1_2(written, value):
    for text in (f"a: {written}", f"{{a: {written}}}", f"a:\n - {written}\n"):
        found = parse_sweep_file(text, ".yaml", "s")["a"]
        (found,) = found if isinstance(found, list) else (found,)
        assert (found, type(found)) == (value, type(value))


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 12))
def test_leading_zeros_do_not_change_an_integer(number, zeros):
    sign, digits = ("-" if number < 0 else "", str(abs(number)))
    assert parse_sweep_file(f"a: {sign}{'0' * zeros}{digits}", ".yaml", "s") == {"a": number}


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_fraction_is_the_number_that_python_reads(number):
    found = parse_sweep_file(f"a: {number!r}", ".yaml", "s")["a"]
    assert found == number


@pytest.mark.parametrize(
    ("suffix", "text"),
    [(".yaml", "a: {}"), (".toml", "a = {}"), (".json", '{{"a": {}}}')],
    ids=["yaml", "toml", "json"],
)
@pytest.mark.parametrize(
    ("written", "value"), [("1e3", 1000), ("25e2", 2500), ("1e+2", 100), ("1.0", 1.0), ("1e-2", 0.01), ("1.5e1", 15.0)]
)
def test_a_power_of_ten_is_whole_in_every_language(suffix, text, written, value):
    found = parse_sweep_file(text.format(written), suffix, "s")["a"]
    assert (found, type(found)) == (value, type(value))


def test_keys_of_yaml_are_text_too():
    assert parse_sweep_file("{yes: 1, on: 2, n: 3, <<: {a: 1}, 1:30: 4}", ".yaml", "s") == {
        "yes": 1, "on": 2, "n": 3, "<<": {"a": 1}, "1:30": 4,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a = 1\na = 2", "not TOML"),
        ("a = [1", "not TOML"),
        ("a = 0x" + "f" * 5000, "integer"),
        ("a = " + "9" * 5000, "not TOML"),
        ("a = " + "[" * 400_000, "not TOML"),
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
        ('{"a": ' + "9" * 5000 + "}", "not JSON"),
        ('{"a": ' + "9" * 40 + "}", "integer of 133 bits"),
        ('{"a": ' + "[" * 400_000, "not JSON"),
        ('{"a": ' + "[" * 60 + "]" * 60 + "}", "nests deeper than 50"),
        ('{"a": 1', "not JSON"),
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
    large.write_bytes(b"#" * (MAX_SWEEP_FILE + 1))
    with pytest.raises(InputError, match="more than 1 MB"):
        read_sweep_file(large)
    large.write_bytes(b"a: 1\n" + b"#" * (MAX_SWEEP_FILE - 5))
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
