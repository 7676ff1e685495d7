"""Opening a store: what is made, what is recognised, and what is refused in one sentence."""

import os
import sqlite3
import stat
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from pipeline.errors import InputError, StoreError
from store.asking.query import rows, status
from store.database.opening import open_store
from store.database.schema import REVISION
from tests.store.fakes import measure_all, queue


def test_a_new_file_has_the_log_the_view_and_the_stamp(tmp_path: Path) -> None:
    open_store(f"sqlite:///{tmp_path}/new.db").close()
    raw = sqlite3.connect(tmp_path / "new.db")
    assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert raw.execute("SELECT version_num FROM erfsweep_version").fetchall() == [(REVISION,)]
    assert raw.execute("SELECT count(*) FROM results").fetchone() == (0,)
    raw.close()


def test_connections_wait_check_and_keep(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/new.db", patience=12)
    with store.read() as connection:
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("busy_timeout", "foreign_keys")]
    store.close()
    assert found == [12_000, 1]


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    (tmp_path / "new.db").touch()
    store = open_store(f"sqlite:///{tmp_path}/new.db")
    assert queue(store).configs == 5
    store.close()


def test_a_relative_path_is_in_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    open_store("sqlite:///erfsweep.db").close()
    assert (tmp_path / "erfsweep.db").exists()


def test_what_only_reads_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no store at '.*none.db'; make one with `erfsweep run`, or set --db"):
        open_store(f"sqlite:///{tmp_path}/none.db", create=False)
    assert list(tmp_path.iterdir()) == []


def test_what_only_reads_fills_no_empty_file(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    with pytest.raises(StoreError, match="is empty"):
        open_store(f"sqlite:///{tmp_path}/empty.db", create=False)
    assert (tmp_path / "empty.db").stat().st_size == 0


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("results.db", "'results.db' is not a database URL; write sqlite:///file.db or postgresql://"),
        ("results.db", "; for a store in that file, 'sqlite:///results.db'"),
        ("/tmp/my sweeps.sqlite3", "; for a store in that file, 'sqlite:////tmp/my sweeps.sqlite3'"),
        ("", "is not a database URL"),
        ("mysql://me:secret@host/db", "'mysql' in 'mysql://me:[*]{3}@host/db' is not a known dialect; use sqlite or"),
        ("postgresql+asyncpg://me:secret@host/db", "not a known dialect"),
        ("postgresql://me:secret@host:port/db", "the database URL that begins with postgresql: cannot be read"),
        ("postgresql://me:se@cr:et@host:port/db", "write .*postgresql://user@host/name, with %40 for @"),
        ("sqlite://host/file.db", "an SQLite URL is"),
        ("sqlite:///file.db?mode=memory", "an SQLite URL is"),
    ],
)
def test_a_url_that_cannot_be_used_is_the_users_input(url: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        open_store(url)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but long enough to have a header of its own\n" * 20)
    before = path.read_bytes()
    for create in (True, False):
        with pytest.raises(StoreError, match=r"'.*notes.txt' is not an SQLite database; name another with --db"):
            open_store(f"sqlite:///{path}", create=create)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "places.db"
    raw = sqlite3.connect(path)
    raw.execute("CREATE TABLE bookmark (url TEXT)")
    raw.commit()
    raw.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="holds tables of another program; name another database with --db"):
        open_store(f"sqlite:///{path}")
    assert path.read_bytes() == before


def test_a_directory_and_a_missing_directory_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened: it is a directory"):
        open_store(f"sqlite:///{tmp_path}")
    with pytest.raises(StoreError, match=r"cannot be opened: there is no directory '.*nowhere'"):
        open_store(f"sqlite:///{tmp_path}/nowhere/new.db")
    assert list(tmp_path.iterdir()) == []


def test_a_newer_schema_is_refused(shared_url: str) -> None:
    store = open_store(shared_url)
    with store.write() as connection:
        connection.execute(text("UPDATE erfsweep_version SET version_num = '9999'"))
    store.close()
    for create in (True, False):
        with pytest.raises(StoreError, match="has revision '9999', newer than this erfsweep; upgrade erfsweep"):
            open_store(shared_url, create=create)


def test_tables_of_another_program_on_a_server_are_left_alone(postgres_url: str) -> None:
    store = open_store(postgres_url)
    with store.write() as connection:
        connection.execute(text("DROP TABLE erfsweep_version"))
    store.close()
    with pytest.raises(StoreError, match="holds tables of another program"):
        open_store(postgres_url)


def test_a_missing_driver_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    said = r"of 'postgresql://host/db' is not installed; .*pip install 'erfsweep\[postgres\]'"
    with pytest.raises(StoreError, match=said):
        open_store("postgresql://host/db")


def test_a_server_that_is_not_there_is_told_without_the_password() -> None:
    pytest.importorskip("psycopg", reason="the driver of PostgreSQL is not installed")
    with pytest.raises(StoreError, match=r"the server of 'postgresql://me:\*\*\*@127.0.0.1:1/db' cannot be") as caught:
        open_store("postgresql://me:secret@127.0.0.1:1/db", patience=0)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere; test_faults mounts read-only instead")
def test_a_read_only_file_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "kept.db"
    store = open_store(f"sqlite:///{path}")
    queue(store)
    measure_all(store)
    store.close()
    path.chmod(stat.S_IRUSR)
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        store = open_store(f"sqlite:///{path}", create=False)
        assert status(store).states["done"].configs == 5
        assert len(rows(store).rows) == 5
        with pytest.raises(StoreError, match="cannot be written"):
            queue(store, "more", count=9)
        store.close()
    finally:
        tmp_path.chmod(stat.S_IRWXU)
