"""The commit of a folder: what git says, without running what the folder names."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from store.queue.git import git_state

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(directory: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    command = ["git", *identity, "-c", "protocol.file.allow=always", *arguments]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of one commit."""
    made = tmp_path / "repository"
    made.mkdir()
    git(made, "init", "-b", "main")
    (made / "sweep.yaml").write_text("stems: [3x3]\n")
    git(made, "add", ".")
    git(made, "commit", "-m", "a sweep")
    return made


def head(directory: Path) -> str:
    return git(directory, "rev-parse", "HEAD")


def test_no_commit_outside_a_repository_nor_before_the_first(tmp_path: Path) -> None:
    assert git_state(tmp_path) == (None, None)
    git(tmp_path, "init")
    assert git_state(tmp_path) == (None, None)


def test_it_is_dirty_while_a_tracked_file_differs(repository: Path) -> None:
    (repository / "below").mkdir()
    (repository / "untracked").touch()
    assert git_state(repository / "below") == (head(repository), False)
    sweep = repository / "sweep.yaml"
    sweep.write_text("stems: [5x5]\n")
    assert git_state(repository) == (head(repository), True)
    git(repository, "add", ".")
    assert git_state(repository) == (head(repository), True)  # in the index too
    git(repository, "commit", "-m", "another")
    assert git_state(repository) == (head(repository), False)
    sweep.touch()  # a new time, the same content
    assert git_state(repository) == (head(repository), False)
    sweep.unlink()
    assert git_state(repository) == (head(repository), True)


@pytest.mark.parametrize(
    "commands",
    [
        (("pack-refs", "--all"),),
        (("gc",),),
        (("checkout", "--detach"),),
        (("checkout", "-b", "deep/branch/name"),),
        (
            ("checkout", "-b", "other"),
            ("pack-refs", "--all"),
            ("symbolic-ref", "refs/heads/alias", "refs/heads/other"),
            ("symbolic-ref", "HEAD", "refs/heads/alias"),
        ),
        (("tag", "-a", "v1", "-m", "v1"), ("pack-refs", "--all"), ("checkout", "v1")),
    ],
)
def test_every_kind_of_head_is_followed(repository: Path, commands: tuple[tuple[str, ...], ...]) -> None:
    for command in commands:
        git(repository, *command)
    assert git_state(repository) == (head(repository), False)


def test_a_worktree_and_a_submodule_have_their_own(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "-b", "side", str(tmp_path / "side"))
    (tmp_path / "side" / "sweep.yaml").write_text("stems: [7x7]\n")
    assert git_state(tmp_path / "side") == (head(tmp_path / "side"), True)
    git(tmp_path / "side", "commit", "-am", "seven")
    assert git_state(tmp_path / "side") == (head(tmp_path / "side"), False)
    assert head(tmp_path / "side") != head(repository)
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init")
    git(outer, "submodule", "add", str(repository), "inner")
    git(outer, "commit", "-m", "with a submodule")
    assert git_state(outer) == (head(outer), False)
    assert git_state(outer / "inner") == (head(outer / "inner"), False)


def test_a_repository_of_sha256_is_read(tmp_path: Path) -> None:
    git(tmp_path, "init", "--object-format=sha256")
    git(tmp_path, "commit", "--allow-empty", "-m", "empty")
    assert len(head(tmp_path)) == 64
    assert git_state(tmp_path) == (head(tmp_path), False)


def test_nothing_that_the_folder_names_is_run(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = tmp_path / "trap.sh"
    trap.write_text(f'#!/bin/sh\necho "$0 $*" >> {tmp_path}/sprung\ncat\n')
    trap.chmod(0o755)
    inner = repository / "inner"
    git(repository, "submodule", "add", str(repository), "inner")
    (repository / ".gitattributes").write_text("*.yaml filter=trap diff=trap\n")
    git(repository, "add", ".")
    git(repository, "commit", "-m", "traps")
    for place in (repository, inner):
        for name in ("core.fsmonitor", "filter.trap.clean", "filter.trap.smudge", "filter.trap.process"):
            git(place, "config", name, str(trap))
        for name in ("diff.external", "diff.trap.textconv", "diff.trap.command", "core.pager", "core.sshCommand"):
            git(place, "config", name, str(trap))
        git(place, "config", "core.hooksPath", str(tmp_path))
        git(place, "config", "include.path", str(tmp_path / "more"))
        git(place, "config", "status.submoduleSummary", "true")
    for hook in ("post-index-change", "fsmonitor-watchman", "pre-commit"):
        shutil.copy(trap, tmp_path / hook)
    (tmp_path / "more").write_text(f"[core]\n\tfsmonitor = {trap}\n[alias]\n\tstatus = !{trap}\n")
    own = repository / "git"
    shutil.copy(trap, own)
    for change in ("stems: [5x5]\n", "stems: [9x9, 3x3]\n"):
        (repository / "sweep.yaml").write_text(change)
        (inner / "sweep.yaml").write_text(change)
        (tmp_path / "sprung").unlink(missing_ok=True)  # what git itself ran in making this repository
        commit, dirty = git_state(repository)
        assert (len(commit or ""), dirty) == (40, True)
        assert git_state(inner)[1] is True
        assert not (tmp_path / "sprung").exists()
    monkeypatch.chdir(repository)
    for path in (".", "", f".:{os.environ['PATH']}"):
        monkeypatch.setenv("PATH", path)
        git_state(repository)
        assert not (tmp_path / "sprung").exists()


def test_the_trap_is_a_trap(repository: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    git(repository, "config", "core.fsmonitor", str(trap))
    git(repository, "status")
    assert (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"ref: ", b"ref: refs/heads/../../../../etc/passwd", b"ref: refs/heads/none", b"\xff\xfe", b"ref: x"],
)
def test_a_damaged_head_is_no_commit(repository: Path, content: bytes) -> None:
    (repository / ".git" / "HEAD").write_bytes(content)
    assert git_state(repository) == (None, None)


def test_what_never_ends_is_not_read(repository: Path) -> None:
    (repository / ".git" / "HEAD").unlink()
    os.mkfifo(repository / ".git" / "HEAD")
    assert git_state(repository) == (None, None)
    (repository / ".git" / "HEAD").unlink()
    (repository / ".git" / "HEAD").symlink_to("/dev/zero")
    assert git_state(repository) == (None, None)


def test_without_git_the_commit_is_known_all_the_same(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = head(repository)
    monkeypatch.setenv("PATH", "/nonexistent")
    assert git_state(repository) == (expected, None)
