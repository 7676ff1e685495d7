"""Where a sweep comes from: the command, the versions, the commit and the host it was submitted with."""

import platform
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from store.database.address import shown_word
from store.queue.git import git_state

PACKAGES = ("erfsweep", "numpy", "scipy", "dask", "distributed", "sqlalchemy", "msgspec")


class Origin(msgspec.Struct, frozen=True):
    """Provenance of a sweep, with `created_at` in seconds since the epoch.

    `git_commit` is None outside a repository, `git_dirty` also where git cannot say it in time.
    """

    argv: tuple[str, ...]
    versions: dict[str, str]
    git_commit: str | None
    git_dirty: bool | None
    host: str
    created_at: float


def origin(argv: Sequence[str] | None = None, directory: Path | None = None) -> Origin:
    """The provenance of what this process submits now, from a directory (the working one).

    Passwords in URLs are masked.
    """
    words = sys.argv if argv is None else argv
    commit, dirty = git_state(directory or Path.cwd())
    used = {"python": platform.python_version(), **versions(PACKAGES)}
    return Origin(
        tuple(_legible(shown_word(word)) for word in words), used, commit, dirty, socket.gethostname(), time.time()
    )


def _legible(word: str) -> str:
    """A word whose bytes need not be UTF-8, as a file's need not, as text."""
    return word.encode("utf-8", "backslashreplace").decode()


def versions(packages: Sequence[str]) -> dict[str, str]:
    """The versions of those packages that are installed."""
    from importlib.metadata import PackageNotFoundError, version  # which parses e-mail, for a new sweep alone

    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
