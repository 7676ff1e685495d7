"""Names of sweeps, labels and ids: what each may be, and what a program that reads tables makes of them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.ids import id_of
from pipeline.sweep.names import check_label, check_name, check_new_name
from pipeline.sweep.presets import preset_names
from pipeline.sweep.sweep import preset_spec

DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)


@given(st.one_of(DIGESTS, st.text("0123456789", min_size=64), st.from_regex(r"[0-9]{3}e[0-9]{60}", fullmatch=True)))
def test_an_id_is_no_number_and_no_formula(digest):
    found = id_of(digest)
    with pytest.raises(ValueError, match="could not convert"):
        float(found)
    assert not re.fullmatch(r"[\d.,eE+-]+", found)
    assert found[0].isalpha()
    assert found.isalnum()


@given(DIGESTS, DIGESTS)
def test_ids_differ_as_digests_do(one, other):
    assert (id_of(one) == id_of(other)) is (one[:12] == other[:12])


@pytest.mark.parametrize("name", ["growth", "a", "a" * 64, "2016-06", "1.5", "yes", "resnet_18.b", "3x3-sweep", "-x"])
def test_names(name):
    assert check_name(name) == name
    assert check_new_name(name, {}) == name


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a b", "'a b' is not a valid name for a sweep: use 1 to 64 letters, digits, '_', '.' or '-'"),
        ("", "'' is not a valid name"),
        ("a" * 65, "is not a valid name"),
        ("caf\u00e9", "is not a valid name"),
        ("a\n", "is not a valid name"),
        ("a/b", "is not a valid name"),
        (3, "a sweep's name is text, and '3' is not; put it in quotes, as in name: '3'"),
        (True, "and 'true' is not; put it in quotes, as in name: 'true'"),
        (1.5, "and '1.5' is not"),
        (None, "the sweep has no name"),
    ],
)
def test_what_is_no_name_is_one_sentence(name, said):
    for check in (check_name, lambda name: check_new_name(name, {})):
        with pytest.raises(InputError) as raised:
            check(name)
        assert said in str(raised.value)


@pytest.mark.parametrize("name", ["5x5", "4x3x3", "dw7x7", "max2x2", "up2", "gap", "relu", "3x3g2", "3x3p0"])
def test_a_new_sweep_hides_no_stem(name):
    assert check_name(name) == name  # an old store may have it
    with pytest.raises(InputError, match=f"the name '{name}' is a stem, which the sweep would hide; choose another"):
        check_new_name(name, {})


@pytest.mark.parametrize("name", preset_names())
def test_a_new_sweep_hides_no_preset(name):
    spec = preset_spec(name)
    assert check_new_name(name, spec) == name
    assert check_new_name(name, {**spec, "grid": {"seed": [1]}}) == name
    for other in ({}, {"stems": ["3x3"]}, {**spec, "input": 41}, {"name": name}):
        with pytest.raises(InputError, match=f"the name '{name}' is a preset's; choose another with --name or `name:`"):
            check_new_name(name, other)


@pytest.mark.parametrize("label", ["ResNet-18", "3x3", "a" * 64, "\u00dcbung 1", "stage 1 (a|b)", "18", "[red]x"])
def test_labels(label):
    assert check_label(label, "3x3") == label


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("", "'' is not a valid label"),
        ("a" * 65, "is not a valid label: use 1 to 64 printable characters"),
        (" a", "is not a valid label"),
        ("a ", "is not a valid label"),
        ("a\tb", "is not a valid label"),
        ("\x1b[31m", "is not a valid label"),
        ("a\u202eb", "is not a valid label"),  # text that runs backwards
        ("a\u200bb", "is not a valid label"),  # nothing to be seen
        ("=1+1", "a spreadsheet would run the label '=1+1'"),
        ("@x", "a spreadsheet would run"),
        ("-x", "a spreadsheet would run"),
        (18, "a label is text, and '18' is not; put it in quotes, as in label: '18'"),
        (None, "a label is text"),
        ("5x5", "the label '5x5' is another stem than '3x3'"),
        ("gap", "another stem"),
    ],
)
def test_what_is_no_label_is_one_sentence(label, said):
    with pytest.raises(InputError) as raised:
        check_label(label, "3x3")
    assert said in str(raised.value)
