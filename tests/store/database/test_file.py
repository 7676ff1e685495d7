"""The files of an SQLite store: shared by a group, and removed, renamed or replaced while it is open."""

import os
import shutil
import sqlite3
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.errors import InputError, StoreError
from store.asking.query import status
from store.database.connection import Store
from store.database.faults import MovedError
from store.database.opening import open_store
from store.queue.claims import claim
from store.queue.owner import this_owner
from store.queue.saving import save
from store.upkeep.restore import rescue, restore
from store.upkeep.transfer import backup
from tests.store.fakes import done, queue

ME = this_owner()
OWNER, READER, GROUP = 54321, 54322, 54323


def as_user(user: int, own_group: int, work: Callable[[], object]) -> None:
    """Runs `work` in a process of a user who is in a group of their own and in GROUP; fails if it raises."""
    if os.geteuid():
        pytest.skip("only root becomes another user")
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([GROUP])
            os.setgid(own_group)
            os.setuid(user)
            os.umask(0o022)
            work()
            code = 0
        except BaseException:  # noqa: BLE001  # the parent only sees the code
            traceback.print_exc()
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Path]:
    """A folder that two users may write in, being in one group."""
    if os.geteuid():
        pytest.skip("only root becomes another user")
    with closing(open_store(f"sqlite:///{tmp_path}/first.db")) as store:  # imports what other users may not read
        queue(store)
        save(store, ME, [done(each.digest) for each in claim(store, ME, limit=1)])
        status(store)
    with tempfile.TemporaryDirectory() as name:  # not in that of pytest, which is root's alone
        os.chown(name, OWNER, GROUP)
        Path(name).chmod(0o770)
        yield Path(name)


def states(path: Path) -> dict[str, int]:
    with closing(open_store(f"sqlite:///{path}", create=False)) as store:
        return {state: count.configs for state, count in status(store).states.items() if count.configs}


def made(path: Path, rights: int) -> None:
    with closing(open_store(f"sqlite:///{path}")) as store:
        queue(store)
    os.chown(path, -1, GROUP)
    path.chmod(rights)


@pytest.mark.parametrize("rights", [0o640, 0o644, 0o660])
def test_a_reader_of_the_group_leaves_nothing_that_locks_the_owner_out(rights: int, shared: Path) -> None:
    path = shared / "sweeps.db"

    def reads() -> None:
        assert states(path) == {"queued": 5}
        assert [each.name for each in shared.iterdir()] == ["sweeps.db"]

    def reads_and_dies() -> None:
        store = open_store(f"sqlite:///{path}", create=False)
        status(store)
        os._exit(0)

    def works() -> None:
        with closing(open_store(f"sqlite:///{path}")) as store:
            held = claim(store, ME, limit=1)
            save(store, ME, [done(each.digest) for each in held])

    as_user(OWNER, OWNER, lambda: made(path, rights))
    as_user(READER, READER, reads)
    as_user(READER, READER, reads_and_dies)
    as_user(OWNER, OWNER, works)
    as_user(OWNER, OWNER, lambda: states(path))


def test_a_reader_sees_what_the_owner_writes_meanwhile(shared: Path) -> None:
    path = shared / "sweeps.db"
    as_user(OWNER, OWNER, lambda: made(path, 0o640))

    def reads() -> None:
        reader = open_store(f"sqlite:///{path}", create=False)
        assert status(reader).states["done"].configs == 0
        (shared / "go").touch()
        while not (shared / "went").exists():
            time.sleep(0.01)
        assert path.with_name("sweeps.db-wal").exists()
        assert status(reader).states["done"].configs == 2

    owner = os.fork()
    if owner == 0:
        os.setgroups([GROUP])
        os.setgid(OWNER)
        os.setuid(OWNER)
        while not (shared / "go").exists():
            time.sleep(0.01)
        store = open_store(f"sqlite:///{path}")
        save(store, ME, [done(each.digest) for each in claim(store, ME, limit=2)])
        (shared / "went").touch()
        os._exit(0)  # with its log beside it
    as_user(READER, READER, reads)
    os.waitpid(owner, 0)


@pytest.mark.parametrize("how", ["remove", "rename", "replace", "folder"])
def test_a_store_that_is_taken_away_is_noticed_and_kept_and_taken_back(how: str, tmp_path: Path) -> None:
    path = tmp_path / "folder" / "sweeps.db"
    path.parent.mkdir()
    store = open_store(f"sqlite:///{path}")
    queue(store)
    first, second, _ = claim(store, ME, limit=3)
    save(store, ME, [done(first.digest)])
    if how == "remove":
        for each in path.parent.iterdir():
            each.unlink()
    elif how == "rename":
        path.rename(path.with_name("other.db"))
    elif how == "replace":
        made_elsewhere = open_store(f"sqlite:///{tmp_path}/new.db")
        queue(made_elsewhere, count=2)
        made_elsewhere.close()
        (tmp_path / "new.db").rename(path)
    else:
        shutil.rmtree(path.parent)
    for use in (lambda: status(store), lambda: save(store, ME, [done(second.digest)])):
        with pytest.raises(MovedError, match=r"sweeps.db' was removed, renamed or replaced while it was used"):
            use()
    assert path.exists() == (how == "replace")  # noticing makes no new one
    kept = rescue(store, ME, [done(second.digest)])
    store.close()
    path.parent.mkdir(exist_ok=True)
    before = restore(kept, f"sqlite:///{path}").before
    kept.unlink()
    assert states(path) == {"done": 2, "queued": 3}
    assert (before is not None) == (how == "replace")
    if before is not None:
        assert states(before) == {"queued": 2}


def test_a_backup_is_restored_beside_an_old_log(file_store: Store, tmp_path: Path) -> None:
    """The log of the store that was there belongs to that one: it goes with it."""
    queue(file_store)
    path = file_store.address.path
    assert path is not None
    kept = backup(file_store, tmp_path / "kept.db")
    held = claim(file_store, ME, limit=4)
    save(file_store, ME, [done(each.digest) for each in held])
    for suffix in ("", "-wal", "-shm"):  # as kill -9 leaves it
        shutil.copyfile(f"{path}{suffix}", tmp_path / f"crashed.db{suffix}")
    crashed = tmp_path / "crashed.db"
    crashed.chmod(0o600)
    found = restore(kept, f"sqlite:///{crashed}")
    assert found.before is not None
    assert states(crashed) == {"queued": 5}
    assert states(found.before) == {"queued": 1, "done": 4}  # with what was in its log only
    assert crashed.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(crashed)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_damaged_store_is_restored(file_store: Store, tmp_path: Path) -> None:
    queue(file_store)
    kept = backup(file_store, tmp_path / "kept.db")
    for number, damage in enumerate((b"not a database", b"", bytes(8192))):
        place = tmp_path / f"damaged{number}.db"
        place.write_bytes(damage)
        found = restore(kept, f"sqlite:///{place}")
        assert states(place) == {"queued": 5}
        assert found.before is not None
        assert found.before.read_bytes() == damage


def test_what_is_no_backup_leaves_the_store_as_it_was(file_store: Store, tmp_path: Path) -> None:
    queue(file_store)
    path = file_store.address.path
    assert path is not None
    url = f"sqlite:///{path}"
    (tmp_path / "junk.db").write_bytes(b"junk" * 1000)
    (tmp_path / "empty.db").touch()
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE mine (a)")
    kept = backup(file_store, tmp_path / "kept.db").read_bytes()
    (tmp_path / "kept.db").unlink()
    (tmp_path / "torn.db").write_bytes(kept[:4096] + bytes(8192) + kept[12288:])
    cases: dict[str, tuple[type[Exception], str]] = {
        "junk.db": (StoreError, "is not an SQLite database"),
        "empty.db": (StoreError, "holds no store of erfsweep"),
        "other.db": (StoreError, "holds no store of erfsweep"),
        "torn.db": (StoreError, "damaged"),
        "nowhere.db": (InputError, "there is no backup"),
        str(path): (InputError, "is the store itself"),
    }
    for name, (kind, said) in cases.items():
        with pytest.raises(kind, match=said):
            restore(tmp_path / name, url)
    assert status(file_store).configs == 5
    assert not [each.name for each in tmp_path.iterdir() if "before" in each.name or each.name.startswith(".erfsweep")]
    with pytest.raises(InputError, match="only an SQLite file is restored"):
        restore(tmp_path / "junk.db", "postgresql://host/name")
