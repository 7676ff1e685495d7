"""The axes of a grid: their names, and how their values are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.sweep.grid import axis_path, axis_values, parse_setting, stack_stem


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("kernel", "kernel"),
        ("depth", "depth"),
        ("seed", "init.seed"),
        ("init.seed", "init.seed"),
        ("init.kind", "init.kind"),
        ("probes.count", "probes.count"),
        ("readout.gradient", "readout.gradient"),
        ("input", "input"),
        ("input.height", "input.height"),
        ("dtype", "dtype"),
    ],
)
def test_an_axis_is_a_field_of_a_stack_or_a_dotted_path_of_a_config(name, path):
    assert axis_path(name) == path


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("kernels", "kernel"),
        ("detph", "depth"),
        ("init.sead", "init.seed"),
        ("foo.bar", "the axes are kernel, depth"),
        ("", ""),
        (3, ""),
        (None, ""),
        ("k" * 100_000, ""),
    ],
)
def test_an_unknown_axis_is_answered_with_the_nearest(name, near):
    with pytest.raises(InputError, match=f"there is no axis .*{near}"):
        axis_path(name)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("readout", "set one of readout.channel, readout.position, readout.gradient or readout.layer"),
        ("stem", "'stem' is not an axis; name several stems with commas between them, as in '4x3x3, 5x5'"),
        ("stems", "list them under `stems:`"),
    ],
)
def test_what_has_axes_or_is_none_is_told(name, said):
    with pytest.raises(InputError) as raised:
        axis_path(name)
    assert said in str(raised.value)


@given(st.integers(-50, 50), st.integers(-50, 50), st.one_of(st.none(), st.integers(-9, 9)))
def test_ranges_count_as_python_does(start, stop, step):
    text = f"range({start},{stop})" if step is None else f"range( {start}, {stop} , {step} )"
    try:
        expected = list(range(start, stop)) if step is None else list(range(start, stop, step))
    except ValueError:
        expected = []
    if expected:
        assert list(axis_values("depth", text)) == expected
    else:
        with pytest.raises(InputError):
            axis_values("depth", text)


def test_a_range_of_billions_takes_no_memory():
    values = axis_values("depth", "range(0, 999999999999999)")
    assert isinstance(values, range)
    assert len(values) == 999_999_999_999_999


@pytest.mark.parametrize(
    "written",
    [
        *("range(3)", "range(1, 2, 3, 4)", "range(1,9", "range(a, b)", "range(1.0, 2)", "range(1, 9**9)", "range()"),
        *("range(0, 1" + "0" * 30 + ")", "range(\u0661, \u0669)", "range(0,9)x", [], "range(5, 5)"),
    ],
)
def test_what_is_no_range_is_an_input_error(written):
    with pytest.raises(InputError, match="axis depth"):
        axis_values("depth", written)


def test_one_value_is_an_axis_too():
    assert list(axis_values("kernel", 3)) == [3]
    assert list(axis_values("init.kind", "normal")) == ["normal"]
    assert list(axis_values("kernel", [3, [3, 5]])) == [3, [3, 5]]


@pytest.mark.parametrize(
    "written", [[3, 5, 3], [[3, 5], [3, 5]], ["a", "b", "a"], [{"height": 9}, {"height": 9}], [1, 1.0]]
)
def test_a_value_given_twice_is_an_input_error(written):
    with pytest.raises(InputError, match="twice"):
        axis_values("kernel", written)


def test_a_hundred_thousand_values_are_held_against_each_other():
    values = list(range(100_000))
    assert axis_values("seed", values) == values
    with pytest.raises(InputError, match="'7' twice"):
        axis_values("seed", [*values, 7])


@pytest.mark.parametrize(
    ("text", "name", "values"),
    [
        ("kernel=3,5", "kernel", [3, 5]),
        ("kernel=3", "kernel", [3]),
        ("depth=range(1,41)", "depth", "range(1,41)"),
        (" depth = range(1, 41) ", "depth", "range(1, 41)"),
        ("init.kind=he_normal,orthogonal", "init.kind", ["he_normal", "orthogonal"]),
        ("kernel=[3,5],7", "kernel", [[3, 5], 7]),
        ("kernel=3x5,7", "kernel", ["3x5", 7]),
        ("input=21,224x320", "input", [21, "224x320"]),
    ],
)
def test_settings_of_the_command_line(text, name, values):
    assert parse_setting(text) == (name, values)


@pytest.mark.parametrize(
    "text",
    [
        *("", "kernel", "=3", "kernel=", "kernel= ", "kernel=3]", "kernel=[3", "kernel=*a", "kernel={a", "a=\x00"),
        *("kernel=" + "[" * 100, "kernel='=cmd'", "kernel='@x'", "kernel=!!python/name:os.system"),
    ],
)
def test_what_is_no_setting_is_an_input_error(text):
    with pytest.raises(InputError):
        axis_values("kernel", parse_setting(text)[1])


@pytest.mark.parametrize(
    ("fields", "stem"),
    [
        ({"kernel": 3}, "3x3"),
        ({"kernel": 3, "depth": 4}, "4x3x3"),
        ({"kernel": [3, 5], "depth": 2}, "2x3x5"),
        ({"kernel": "3x5"}, "3x5"),
        (
            {"kernel": 7, "depth": 2, "features": 64, "dilation": 3, "stride": 2, "activation": "gelu"},
            "2x7x7/2@3:64=gelu",
        ),
        ({"kernel": 3, "features": 4, "dilation": 1, "stride": 1, "activation": "relu"}, "3x3"),
        ({"kernel": 3, "depth": 10_000}, "10000x3x3"),
    ],
)
def test_a_plain_stack(fields, stem):
    assert stack_stem(**fields) == stem


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"kernel": 0}, "kernel must be between"),
        ({"kernel": -3}, "kernel must be between"),
        ({"kernel": 3, "depth": 0}, "depth must be between 1 and 10000, not '0'"),
        ({"kernel": 3, "depth": -1}, "depth must be between"),
        ({"kernel": 3, "depth": 10_001}, "depth must be between"),
        ({"kernel": 3, "depth": 2.5}, "depth must be between"),
        ({"kernel": 3, "depth": True}, "depth must be between"),
        ({"kernel": 3, "depth": "2"}, "depth must be between"),
        ({"depth": 3}, "kernel"),
        ({"kernel": "x"}, "kernel"),
        ({"kernel": [3]}, "kernel"),
        ({"kernel": [[3]]}, "kernel"),
        ({"kernel": {"height": 3}}, "kernel"),
        ({"kernel": None}, "kernel"),
        ({"kernel": 3, "stride": 0}, "stride must be between"),
        ({"kernel": 3, "features": "many"}, "features"),
        ({"kernel": 3, "activation": "swish"}, "activation"),
    ],
)
def test_what_is_no_plain_stack_is_one_sentence(fields, says):
    stack_stem(kernel=3, depth=1)  # what is in a cache must not stand in for its equals
    with pytest.raises(InputError, match=says) as raised:
        stack_stem(**fields)
    assert "\n" not in str(raised.value)
