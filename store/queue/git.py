"""The commit that a folder is at, and whether its tracked files differ from it, running nothing that the folder names.

A repository may name programs in its configuration: `core.fsmonitor`, filters, hooks, those of its submodules. So the
commit is read from the files of the repository, and git compares with a configuration of our own.
"""

import os
import re
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

SECONDS = 5.0
"""How long git may take to compare the tracked files."""

_COMMIT = r"[0-9a-f]{40}|[0-9a-f]{64}"
_MOST_BYTES = 64 * 2**20
"""Of a file of references; larger ones are not read."""
_MOST_STEPS = 5
"""References that name references: git follows as many."""


def git_state(directory: Path) -> tuple[str | None, bool | None]:
    """(commit, whether tracked files differ from it) of the repository around a directory.

    Both are None outside a repository and before its first commit. The second is None too where git is not installed,
    does not answer in time, or cannot compare without the repository's own programs.
    """
    top = next((each for each in (directory, *directory.parents) if os.path.lexists(each / ".git")), None)
    found = None if top is None else _git_directory(top / ".git")
    commit = None if found is None else _commit(found, _shared(found))
    if top is None or found is None or commit is None:
        return None, None
    return commit, _differs(top, found, commit)


def _git_directory(entry: Path) -> Path | None:
    """`.git` itself, or what it names where it is a file: in worktrees and submodules."""
    if entry.is_dir():
        return entry
    prefix, _, place = (_text(entry) or "").strip().partition(": ")
    return entry.parent / place if prefix == "gitdir" else None


def _shared(git: Path) -> Path:
    """Where the references and objects are: those of a worktree are in the repository that it belongs to."""
    place = (_text(git / "commondir") or "").strip()
    return git / place if place else git


def _commit(git: Path, shared: Path) -> str | None:
    text = (_text(git / "HEAD") or "").strip()
    for _ in range(_MOST_STEPS):
        if re.fullmatch(_COMMIT, text):
            return text
        prefix, _, name = text.partition(": ")
        if prefix != "ref" or not name.startswith("refs/") or ".." in name or "\0" in name:
            return None
        text = (_text(git / name) or _text(shared / name) or _packed(shared, name)).strip()
    return None


def _packed(shared: Path, name: str) -> str:
    """What a reference stands for in the file that many of them are packed into, or nothing."""
    for line in (_text(shared / "packed-refs") or "").splitlines():
        commit, _, packed = line.partition(" ")
        if packed == name:
            return commit
    return ""


def _text(path: Path) -> str | None:
    """The text of a regular file; None for anything else, which might never end."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except (OSError, ValueError):
        return None
    with open(handle, "rb") as stream:  # noqa: PTH123  (of a handle)
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_size > _MOST_BYTES:
            return None
        return stream.read(_MOST_BYTES).decode(errors="replace")


def _differs(top: Path, git: Path, commit: str) -> bool | None:
    """Whether a tracked file differs from the commit, compared byte by byte: a filter of the repository is not run."""
    program = shutil.which("git")
    if program is None or not Path(program).is_absolute():  # a relative one may be the folder's own
        return None
    try:
        with tempfile.TemporaryDirectory(prefix="erfsweep-git-") as own:
            _fill(Path(own), commit)
            answer = subprocess.run(  # noqa: S603  (a fixed command)
                [program, "status", "--porcelain=v2", "--untracked-files=no", "--ignore-submodules=all"],
                cwd=top,
                env=_environment(own, top, git),
                capture_output=True,
                timeout=SECONDS,
                check=True,
            )
    except (OSError, subprocess.SubprocessError):
        return None
    return bool(answer.stdout.strip())


def _fill(own: Path, commit: str) -> None:
    """Makes a repository of nothing but a commit, so that git has a configuration to read."""
    is_short = len(commit) == 40
    version = f"[core]\n\trepositoryformatversion = {0 if is_short else 1}\n"
    (own / "refs").mkdir()
    (own / "HEAD").write_text(f"{commit}\n")
    (own / "config").write_text(version if is_short else f"{version}[extensions]\n\tobjectformat = sha256\n")


def _environment(own: str, top: Path, git: Path) -> dict[str, str]:
    """That of this process, but with the files and objects of the repository under a configuration of our own."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        "GIT_DIR": own,
        "GIT_WORK_TREE": str(top.absolute()),
        "GIT_INDEX_FILE": str((git / "index").absolute()),
        "GIT_OBJECT_DIRECTORY": str((_shared(git) / "objects").absolute()),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_OPTIONAL_LOCKS": "0",  # asking must not get in the way of a git that works
        "GIT_NO_LAZY_FETCH": "1",
    }
