"""No password on stdout, on stderr, in a traceback or in a store, however the command is called."""

import sqlite3

import pytest

from tests.cli.command import erfsweep, good

SECRET = "S3cr3tW0rd"
MALFORMED = [
    f"postgresql:/me:{SECRET}@h",
    f"postgresql:me:{SECRET}@h/db",
    f"me:a@{SECRET}@h",
    f"me:{SECRET}@h/db",
    f"//me:{SECRET}@h/db",
    f" postgresql://me:{SECRET}@h/db",
    f"postgresql://me:a@{SECRET}@h/db",
    f"postgresql://me/x:{SECRET}@h/db",
    f"postgresql://me:{SECRET}",
    f"postgresql://h/db;password={SECRET}",
    f"postgresql://h/db password={SECRET}",
    f"postgresql://user=me password={SECRET}@h/db",
    f"postgresql://h:5432/db&password={SECRET}",
    f"jdbc:postgresql://h/db?password={SECRET}",
    f"host=h password={SECRET}",
    f"mysql://me:{SECRET}@h/db",
    f"sqlite://me:{SECRET}@h/x.db",
    f"sqlite:///x.db?password={SECRET}",
]


@pytest.mark.parametrize("url", MALFORMED)
@pytest.mark.parametrize("command", [("ls",), ("run", "3x3"), ("db", "info")], ids=" ".join)
def test_a_url_that_cannot_be_read_is_not_shown(command: tuple[str, ...], url: str) -> None:
    ended = erfsweep(*command, "--db", url, "--debug")
    assert ended.code == 2
    assert SECRET not in ended.out + ended.err
    assert "sqlite" in ended.err.splitlines()[-1]


def test_nor_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for url in MALFORMED:
        monkeypatch.setenv("ERFSWEEP_DB", url)
        ended = erfsweep("ls", "--debug")
        assert (ended.code, SECRET in ended.out + ended.err) == (2, False)


@pytest.mark.parametrize(
    "arguments",
    [
        ("rm", "growth", f"postgresql://me:{SECRET}@h/db"),
        ("run", f"postgresql://me:{SECRET}@h/db"),
        ("run", f"postgresql://me:{SECRET * 12}@h/db"),
        ("show", f"postgresql://me@corp:{SECRET}@h/db"),
        ("table", "--columns", f"postgresql://me:{SECRET}@h/db"),
        ("--bd", f"postgresql://me:{SECRET}@h/db", "ls"),
        (f"postgresql://me:{SECRET}@h/db",),
    ],
    ids=lambda arguments: arguments[0][:8],
)
def test_a_url_in_the_wrong_place_is_shown_without_its_password(arguments: tuple[str, ...]) -> None:
    ended = erfsweep(*arguments, "--debug")
    assert ended.code in (2, 3)
    assert SECRET not in ended.out + ended.err


def test_a_word_of_the_command_line_is_stored_without_its_password() -> None:
    good("submit", "3x3", "--name", "mine", "--db", "sqlite:///x.db")
    with sqlite3.connect("x.db") as database:
        (argv,) = database.execute("SELECT argv FROM sweep").fetchone()
    assert "sqlite:///x.db" in argv
