"""Values are those that Typer would read, and what it would refuse is refused in its words."""

from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.core import TyperCommand

from cli.app import app
from cli.values import read_plainly
from tests.cli.command import erfsweep

COMMANDS = typer.main.get_command(app).commands
PARAMETERS = [
    (name, parameter)
    for name, command in COMMANDS.items()
    if isinstance(command, TyperCommand)
    for parameter in command.params
]
CHOICES = sorted({str(each) for _, parameter in PARAMETERS for each in parameter.type_descriptor.choices or ()})
WORDS = st.one_of(
    st.none(),
    st.text(st.characters()),  # halves of surrogate pairs among them: bytes of a line that are no UTF-8
    st.sampled_from(
        [*CHOICES, "CSV", "true", "-1", "+1", "1_000", "007", "1e3", "٣", " 5", "nan", "9" * 19, "9" * 5000]
    ),
    st.integers(-(2**70), 2**70).map(str),
    st.integers(0, 2000).map(str),
    st.floats().map(str),
)


def read(parameter: Any, context: typer.Context, value: Any) -> Any:
    """What a parameter makes of a value: the value and its type, or the sentence that refuses it."""
    try:
        found = parameter.process_value(context, value)
    except Exception as error:  # noqa: BLE001  # whatever Typer raises
        return str(error)
    return type(found), found


@given(st.sampled_from(PARAMETERS), WORDS, st.booleans())
def test_a_word_is_read_as_typer_reads_it(named: tuple[str, Any], word: str | None, is_given: bool) -> None:
    name, parameter = named
    value = [word] if parameter.multiple and word is not None else word if is_given else parameter.default
    with typer.Context(COMMANDS[name]) as context:
        vars(parameter).pop("process_value", None)
        by_typer = read(parameter, context, value)
        read_plainly([parameter])
        assert read(parameter, context, value) == by_typer


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("table", "--limit", "0"), "greater than or equal to 1, not '0'"),
        (("table", "--limit", "x"), "a valid integer, unable to parse string as an integer, not 'x'"),
        (("table", "--format", "xml"), "'xml' is not one of 'table', 'plain'"),
        (("show",), "missing argument 'CONFIG'"),
        (("tabel",), "no such command 'tabel'. Did you mean 'table'?"),
        (("db",), "'erfsweep db' needs a command: info, upgrade, backup"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_typer_refuses_is_refused_in_its_words(words: tuple[str, ...], told: str) -> None:
    ended = erfsweep(*words)
    assert (ended.code, ended.out) == (2, "")
    assert told in ended.err
