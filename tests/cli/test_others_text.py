"""A store that somebody else made: whatever its texts hold, no command lets it reach the terminal as it is."""

import sqlite3
from pathlib import Path

import pytest

from store.queue.owner import Owner
from tests.cli.command import erfsweep, good

EVIL = "\x1b]0;x\x07\x1b[2J\x9b31m\u202e\u2066\u200bz\r\x00\x7f"
FORMATS = ("table", "plain", "csv", "json", "markdown", "latex")
COMMANDS = [
    *(
        (*command, "-f", format_)
        for format_ in FORMATS
        for command in (("table",), ("ls",), ("status",), ("show", "s:0"))
    ),
    *(("show", f"s:{place}", "-f", format_) for format_ in FORMATS for place in (1, 2)),
    *(("table", "s", "-c", "id,config,error,spec,numpy_version", "-f", format_) for format_ in FORMATS),
    ("table", "-f", "classic"),
    ("table", "s", "--over", "seed"),
    ("growth", "s"),
    ("db", "info"),
    ("requeue",),
    ("run", "s", "--dry-run", "-v"),
    ("export", "s", "--to", "out"),
    ("rm", "s"),
    ("table", "--where", EVIL.replace("\x00", "")),
    ("show", EVIL.replace("\x00", "")),
    ("table", EVIL.replace("\x00", "")),
    ("run", EVIL.replace("\x00", "")),
]


@pytest.fixture
def _hostile() -> None:
    good("run", "4x3x3", "-s", "seed=1,2,3", "--name", "s")
    with sqlite3.connect("erfsweep.db") as database:
        change = database.execute
        tables = {name: [row[1] for row in change(f"PRAGMA table_info({name})")] for name in ("config", "sweep_config")}
        for table, columns in tables.items():
            if "label" in columns:
                change(f"UPDATE {table} SET label = ?", [EVIL])
        change("UPDATE sweep SET argv = json_array(?), host = ?, git_commit = ?", [EVIL, EVIL, EVIL])
        change("UPDATE sweep SET versions = json_object(?, ?)", [EVIL, EVIL])
        change("UPDATE attempt SET worker = ?", [EVIL])
        change("UPDATE result SET numpy_version = ?, blas = ?", [EVIL, EVIL])
        failed = "outcome = 'failed', error_type = ?, message = ?, traceback = ?"
        change(f"UPDATE attempt SET {failed} WHERE config_id = 2", [EVIL, EVIL, f"{EVIL}\n  {EVIL}\n"])
        change("UPDATE config SET state = 'failed' WHERE id = 2")
        change(
            "UPDATE config SET state = 'running', owner = ?, lease_until = 9e9 WHERE id = 3",
            [str(Owner(EVIL, EVIL, 1, EVIL))],
        )
        change(
            "INSERT INTO sweep SELECT 99, ?, spec, argv, versions, git_commit, git_dirty, host, 0 FROM sweep", [EVIL]
        )
    database.close()


@pytest.mark.usefixtures("_hostile")
@pytest.mark.parametrize(
    "command", COMMANDS, ids=lambda command: " ".join(command)[:40].encode("unicode_escape").decode()
)
def test_nothing_of_it_reaches_the_terminal(command: tuple[str, ...]) -> None:
    ended = erfsweep(*command)
    assert ended.code in (0, 1, 2, 3)
    for text in (ended.out, ended.err):
        assert {each for each in text if not each.isprintable()} <= {"\n", "\t"}
    for path in Path().glob("out/*.csv"):
        assert {each for each in path.read_text() if not each.isprintable()} <= {"\n", "\t"}


@pytest.mark.usefixtures("_hostile")
def test_a_traceback_is_escaped_too() -> None:
    ended = erfsweep("table", EVIL.replace("\x00", ""), "--debug")
    assert "Traceback" in ended.err
    assert {each for each in ended.err if not each.isprintable()} <= {"\n", "\t"}
