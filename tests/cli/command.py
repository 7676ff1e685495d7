"""The command as the tests use it: in this process, or as a process of its own."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from cli.main import execute

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "tests" / "reference"


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, str]]:
        """What `--format csv` printed."""
        return list(csv.DictReader(io.StringIO(self.out)))

    @property
    def json(self) -> Any:
        """What `--format json` printed."""
        return json.loads(self.out)


def erfsweep(*arguments: str) -> Ended:
    """Runs `erfsweep` in this process; the store is that of the working directory unless the arguments name one."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), patch.object(sys, "argv", ["erfsweep", *arguments]):
        code = execute(arguments)
    return Ended(code, out.getvalue(), err.getvalue())


def good(*arguments: str) -> Ended:
    """The same, where all must be well."""
    ended = erfsweep(*arguments)
    assert ended.code == 0, ended
    return ended


def environment(**more: str) -> dict[str, str]:
    """The environment of a process of its own."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


def spawn(*arguments: str, **options: Any) -> "subprocess.Popen[str]":
    """Starts `erfsweep` as a process, as the installed command starts it."""
    return subprocess.Popen(
        [sys.executable, "-c", "from cli.main import main; main()", *arguments],
        text=True,
        **{
            "env": environment(),
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "preexec_fn": hear_ctrl_c,
            **options,
        },
    )


def hear_ctrl_c() -> None:
    """In a new process: it is ended by Ctrl-C, as it is in a terminal."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # tests that a shell started in the background ignore it


def finished(process: "subprocess.Popen[str]") -> Ended:
    """Waits for a process."""
    out, err = process.communicate(timeout=300)
    return Ended(process.returncode, out or "", err or "")
