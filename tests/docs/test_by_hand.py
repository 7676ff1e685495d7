"""The script that tries a cluster on one machine prints what `run` prints; if it cannot start, it shows Dask's log."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


def by_hand(*words: str) -> "subprocess.CompletedProcess[str]":
    line = ["sh", "examples/clusters/by_hand.sh", *words]
    return subprocess.run(line, capture_output=True, text=True, timeout=300, check=False)


def test_nothing_of_dask_stands_beside_the_table() -> None:
    ended = by_hand("1x1:1=linear", "--name", "one")
    assert ended.returncode == 0, ended.stderr
    assert "1x1:1=linear" in ended.stdout
    assert "distributed" not in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_scheduler_that_ends_at_once_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dask").write_text("#!/bin/sh\necho no scheduler here >&2\nexit 1\n")
    (tmp_path / "dask").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    ended = by_hand("1x1")
    assert ended.returncode == 4
    assert "no scheduler here" in ended.stderr
