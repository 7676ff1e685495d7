"""The hidden folder of an export, and what exports of dead processes have left."""

import subprocess
import sys
from pathlib import Path

import pytest

from store.asking.export.staging import staged
from store.queue.owner import this_owner
from tests.cli.command import ROOT, environment

_DIES_WHILE_WRITING = """
import os
from pathlib import Path
from store.asking.export.staging import staged
with staged(Path()) as files:
    (files / "table.csv").write_text("half of")
    os.kill(os.getpid(), 9)
"""


def left_by(owner: str, place: Path) -> Path:
    """A hidden folder as an export of this owner leaves it."""
    (place / "files").mkdir(parents=True)
    (place / "files" / "table.csv").write_text("half of")
    (place / "owner").write_text(owner)
    return place


@pytest.fixture
def dead() -> str:
    """The owner that a process was which is gone."""
    told = "from store.queue.owner import this_owner; print(this_owner())"
    ran = subprocess.run([sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=True)
    return ran.stdout.strip()


def test_what_a_killed_export_left_is_removed_by_the_next(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", _DIES_WHILE_WRITING], cwd=tmp_path, env=environment(), check=False)
    assert ended.returncode == -9
    assert len([*tmp_path.rglob("table.csv")]) == 1
    with staged(tmp_path) as files:
        assert [*tmp_path.rglob("table.csv"), *files.iterdir()] == []
    assert [*tmp_path.iterdir()] == []


def test_the_folder_of_an_export_that_runs_stays(tmp_path: Path) -> None:
    with staged(tmp_path) as one:
        (one / "table.csv").write_text("half of")
        with staged(tmp_path):
            pass
        assert (one / "table.csv").read_text() == "half of"


@pytest.mark.parametrize("name", ["a-file-of-somebody", "owner2"])
def test_a_folder_that_holds_anything_else_stays(tmp_path: Path, dead: str, name: str) -> None:
    place = left_by(dead, tmp_path / ".export-1")
    (place / name).write_text("mine")
    with staged(tmp_path):
        pass
    assert (place / name).read_text() == "mine"


@pytest.mark.parametrize("owner", ["", "{}", '["elsewhere","1 pid:[4026531836]",1,"1"]', "\udcff"])
def test_a_folder_whose_owner_is_unknown_or_elsewhere_stays(tmp_path: Path, owner: str) -> None:
    place = left_by("", tmp_path / ".export-1")
    (place / "owner").write_bytes(owner.encode(errors="surrogateescape"))
    with staged(tmp_path):
        pass
    assert (place / "files" / "table.csv").exists()


def test_no_link_is_followed(tmp_path: Path, dead: str) -> None:
    elsewhere = left_by(dead, tmp_path / "elsewhere")
    (tmp_path / ".export-1").symlink_to(elsewhere)
    with staged(tmp_path):
        pass
    assert (elsewhere / "files" / "table.csv").exists()


def test_another_name_is_nobodys(tmp_path: Path, dead: str) -> None:
    place = left_by(dead, tmp_path / "export-1")
    with staged(tmp_path):
        pass
    assert place.exists()
    assert str(this_owner()) != dead
