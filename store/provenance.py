"""Where a sweep comes from: the command, the versions, the commit and the host it was submitted with."""

import os
import platform
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from store.address import shown_word

PACKAGES = ("erfsweep", "numpy", "scipy", "dask", "distributed", "sqlalchemy", "msgspec")
GIT_SECONDS = 5.0


class Origin(msgspec.Struct, frozen=True):
    """Provenance of a sweep. `git_commit` and `git_dirty` are None outside a repository; times are epoch seconds."""

    argv: tuple[str, ...]
    versions: dict[str, str]
    git_commit: str | None
    git_dirty: bool | None
    host: str
    created_at: float


def origin(argv: Sequence[str] | None = None, directory: Path | None = None) -> Origin:
    """The provenance of what this process submits now, from a directory (the working one).

    Passwords in URLs are masked. The commit is None where git is missing or does not answer in time.
    """
    words = sys.argv if argv is None else argv
    commit, dirty = _git(directory or Path.cwd())
    versions = {"python": platform.python_version(), **_versions()}
    return Origin(tuple(map(shown_word, words)), versions, commit, dirty, socket.gethostname(), time.time())


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _git(directory: Path) -> tuple[str | None, bool | None]:
    """Commit, and whether tracked files differ from it. Nothing is run where no parent holds `.git`."""
    if not any((parent / ".git").exists() for parent in (directory, *directory.parents)):
        return None, None
    command = ["git", "status", "--porcelain=v2", "--branch", "--untracked-files=no"]
    # Without optional locks: asking must not get in the way of a git that works.
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        answer = subprocess.run(  # noqa: S603  (a fixed command)
            command, cwd=directory, env=environment, capture_output=True, text=True, timeout=GIT_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None, None
    lines = answer.stdout.splitlines()
    commits = [line.split()[2] for line in lines if line.startswith("# branch.oid ")]
    if not commits or commits[0] == "(initial)":
        return None, None
    return commits[0], any(not line.startswith("#") for line in lines)
