"""On a terminal: tables that fit, and text that is never taken for markup."""

import fcntl
import json
import os
import pty
import re
import struct
import termios
from contextlib import suppress

import pytest

from cli.render.tables import Table
from cli.render.terminal import print_pretty
from tests.cli.command import environment, good, spawn


def on_terminal(columns: int, *arguments: str, keep: bool = False, env: dict[str, str] | None = None) -> str:
    """What a command prints on a terminal so wide and 24 rows high, without its colours unless they are to `keep`."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = spawn(*arguments, stdout=theirs, env=env or environment())
    os.close(theirs)
    parts = []
    with suppress(OSError):  # the end, on Linux
        while data := os.read(ours, 65536):
            parts.append(data)
    os.close(ours)
    process.communicate()
    assert process.returncode == 0
    text = b"".join(parts).decode().replace("\r", "")
    return text if keep else re.sub(r"\x1b\[[0-9;]*m", "", text)


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_no_line_is_longer_than_the_terminal_and_no_number_is_cut(
    columns: int, luo2016: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS")
    out = on_terminal(columns, "table", "luo2016", "--db", luo2016)
    assert max(map(len, out.splitlines())) <= columns
    listed = json.loads(good("table", "luo2016", "--db", luo2016, "--format", "json").out)
    assert len(listed) == 5
    for text in (*(row["id"] for row in listed), "16.22"):
        assert text in out
    for text in ("0.778", "3.479", "eff_square"):  # of columns that a narrow terminal goes without
        assert (text in out) == (columns > 40)
    chosen = on_terminal(columns, "table", "luo2016", "-c", "id,config,theo_rf,eff_square,luo", "--db", luo2016)
    assert ("eff_square  15" in chosen) == (columns == 40)  # a field in a line, where columns do not fit


def test_long_text_is_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS")
    out = on_terminal(60, "fields")
    assert max(map(len, out.splitlines())) <= 60
    assert "sha256" in out


def test_data_is_never_taken_for_markup(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table(("[bold]name[/bold]", "value", "more"), [("[red]x[/red]", "[link=x]", ":smile:")])
    for columns in ("100", "40"):  # as a table, and field by field
        monkeypatch.setenv("COLUMNS", columns)
        print_pretty(table)
        out = capsys.readouterr().out
        for text in ("[bold]name[/bold]", "[red]x[/red]", "[link=x]", ":smile:"):
            assert text in out


UP = re.compile(r"\x1b\[(\d+)A\x1b\[J")


def test_a_status_that_is_watched_stays_in_its_place_on_a_terminal_and_is_appended_in_a_pipe() -> None:
    good("submit", "6x9x9:16", "-s", "seed=range(0,100)", "-s", "input=61", "--name", "slow")
    work = spawn("work", "slow", "--engine", "sync")
    piped = spawn("status", "slow", "--watch")
    first, *again = UP.split(on_terminal(80, "status", "slow", "--watch"))
    out, _ = piped.communicate()
    work.communicate()
    assert again
    for lines, frame in zip(again[::2], [first, *again[1::2]][:-1], strict=True):
        assert frame.count("\n") == int(lines)
    assert "\x1b" not in out
    assert out.count("configs ") > 1
