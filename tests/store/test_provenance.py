"""Provenance: what a sweep was submitted with."""

import platform
import subprocess
from pathlib import Path

import numpy
import pytest

from store.provenance import origin


def git(directory: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    command = ["git", *identity, *arguments]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, check=True).stdout.strip()


def test_tells_versions_and_hides_passwords(tmp_path: Path) -> None:
    found = origin(["erfsweep", "run", "--db", "postgresql://me:secret@host/db"], tmp_path)
    assert found.argv == ("erfsweep", "run", "--db", "postgresql://me:***@host/db")
    assert found.versions["python"] == platform.python_version()
    assert found.versions["numpy"] == numpy.__version__
    assert found.host == platform.node()


def test_there_is_no_commit_outside_a_repository(tmp_path: Path) -> None:
    found = origin([], tmp_path)
    assert (found.git_commit, found.git_dirty) == (None, None)


def test_the_commit_is_dirty_once_a_tracked_file_differs(tmp_path: Path) -> None:
    try:
        git(tmp_path, "init")
    except FileNotFoundError:
        pytest.skip("git is not installed")
    assert origin([], tmp_path).git_commit is None  # no commit yet
    (tmp_path / "sweep.yaml").write_text("stems: [3x3]\n")
    git(tmp_path, "add", "sweep.yaml")
    git(tmp_path, "commit", "-m", "a sweep")
    below = tmp_path / "below"
    below.mkdir()
    (below / "untracked").touch()
    assert origin([], below).git_commit == git(tmp_path, "rev-parse", "HEAD")
    assert origin([], below).git_dirty is False
    (tmp_path / "sweep.yaml").write_text("stems: [5x5]\n")
    assert origin([], below).git_dirty is True
