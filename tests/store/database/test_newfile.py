"""Files that are put in place whole: nobody reads more than before, and no link is followed."""

import os
import stat
from pathlib import Path

import pytest

from pipeline.errors import StoreError
from store.database.connection import Store
from store.database.newfile import copy_mode, new_file
from store.database.opening import open_store
from store.database.upgrade import copy_file
from store.upkeep.transfer import backup
from tests.store.fakes import queue


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def store_file(store: Store) -> Path:
    assert store.address.path is not None
    return store.address.path


@pytest.mark.parametrize("rights", [0o600, 0o640, 0o644, 0o660])
def test_a_copy_of_a_store_has_its_mode(rights: int, file_store: Store, tmp_path: Path) -> None:
    queue(file_store)
    store_file(file_store).chmod(rights)
    for number, mask in enumerate((0o000, 0o022, 0o077)):
        before = os.umask(mask)
        try:
            copy_file(store_file(file_store), tmp_path / f"copy{number}.db")
            backup(file_store, tmp_path / f"backup{number}.db")
        finally:
            os.umask(before)
        assert mode(tmp_path / f"copy{number}.db") == mode(tmp_path / f"backup{number}.db") == rights


def test_a_backup_of_a_server_is_for_this_user_alone(postgres_url: str, tmp_path: Path) -> None:
    store = open_store(postgres_url)
    queue(store)
    backup(store, tmp_path / "backup.db")
    assert mode(tmp_path / "backup.db") == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["backup.db"]
    store.close()


def test_a_group_that_is_another_reads_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.touch()
    target.touch()
    source.chmod(0o664)

    def refused(path: Path, user: int, group: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "chown", refused)
    copy_mode(source, target)
    assert mode(target) == 0o664  # of the same group all the same
    if os.geteuid():
        pytest.skip("only root gives a file to any group")
    monkeypatch.undo()
    os.chown(source, -1, 12345)
    monkeypatch.setattr(os, "chown", refused)
    copy_mode(source, target)
    assert mode(target) == 0o604


def test_the_name_of_the_unfinished_file_cannot_be_foreseen(tmp_path: Path) -> None:
    names = set()
    for _ in range(3):
        with new_file(tmp_path / "made") as partial:
            assert mode(partial) == 0o600
            assert partial.parent == tmp_path
            names.add(partial.name)
    assert len(names) == 3


def test_a_link_in_the_place_of_a_backup_is_not_followed(file_store: Store, tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "victim")
    with pytest.raises(FileExistsError):
        copy_file(store_file(file_store), tmp_path / "link.db")
    with new_file(tmp_path / "link.db") as partial:
        partial.write_text("whole")
    assert not (tmp_path / "victim").exists()
    assert not (tmp_path / "link.db").is_symlink()


def test_what_fails_leaves_nothing_and_keeps_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "made").write_text("before")

    def interrupted() -> None:
        with new_file(tmp_path / "made") as partial:
            partial.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [path.name for path in tmp_path.iterdir()] == ["made"]
    assert (tmp_path / "made").read_text() == "before"
    with pytest.raises(StoreError, match=r"cannot write '.*/nowhere/made': No such file or directory; name another"):
        new_file(tmp_path / "nowhere" / "made").__enter__()
