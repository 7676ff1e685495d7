"""Faults in the middle of work: one sentence, nothing half-written, everything finished saved."""

import re
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from sqlalchemy import Connection, NullPool, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

from pipeline.errors import GivenUpError, StoreError
from store.asking.heatmaps import arrays
from store.asking.query import status
from store.database.address import address
from store.database.connection import Store
from store.database.faults import PassingError, describe
from store.database.opening import open_store
from store.queue.claims import claim
from store.queue.owner import this_owner
from store.queue.saving import save
from tests.clock import ends_within
from tests.store.fakes import done, queue

ROOT = Path(__file__).parents[3]
ME = this_owner()


def run_in_mounts(setup: str, directory: Path, code: str) -> str:
    """What a Python program prints in a namespace of mounts of its own, after `setup` mounted something on $DIR."""
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    if shutil.which("unshare") is None or subprocess.run([*command, "true"], capture_output=True).returncode:
        pytest.skip("this system lets no user make a namespace of mounts")
    script = f'set -e; DIR={directory}; {setup}; exec {sys.executable} -c "$CODE" "sqlite:///$DIR/sweeps.db"'
    program = textwrap.dedent(code)
    ran = subprocess.run(
        [*command, script], cwd=ROOT, env={"CODE": program, "PATH": "/usr/bin:/bin"}, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_a_locked_file_is_waited_for_and_then_told(file_url: str, tmp_path: Path) -> None:
    open_store(file_url).close()
    other = sqlite3.connect(tmp_path / "sweeps.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    store = open_store(file_url, patience=0.2)  # readers are not kept out
    with pytest.raises(StoreError, match=r"the store '.*sweeps.db' is locked by another process"):
        queue(store)
    other.execute("ROLLBACK")
    other.close()
    assert queue(store).new == 5
    store.close()


def test_a_full_disk_leaves_everything_finished_and_nothing_half(file_store: Store) -> None:
    queue(file_store, count=40)
    first, second = claim(file_store, ME, limit=20), claim(file_store, ME, limit=20)
    assert len(save(file_store, ME, [done(each.digest) for each in first])) == 20
    large = [done(each.digest, heatmap=bytes(100_000)) for each in second]
    with file_store.write() as connection:  # the pool hands out this very connection again
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 100}")
    with pytest.raises(StoreError, match=r"the disk under the store '.*' is full; make room and run again"):
        save(file_store, ME, large)
    states = status(file_store).states
    assert (states["done"].configs, states["running"].configs) == (20, 20)
    with file_store.write() as connection:
        assert connection.execute(text("SELECT count(*) FROM attempt")).scalar() == 20
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    assert len(save(file_store, ME, large)) == 20


def test_a_disk_that_is_really_full_is_told_and_what_was_saved_can_be_read(tmp_path: Path) -> None:
    said = run_in_mounts(
        "mount -t tmpfs -o size=1500k none $DIR",
        tmp_path,
        """
        import os, sys
        from pipeline.errors import StoreError
        from store.database.opening import open_store
        from store.queue.owner import this_owner
        from store.asking.query import status
        from store.queue.claims import claim
        from store.asking.heatmaps import arrays
        from store.queue.saving import save
        from tests.store.fakes import done, queue
        store, me = open_store(sys.argv[1]), this_owner()
        queue(store, count=40)
        saved = []
        try:
            while held := claim(store, me, limit=2):
                save(store, me, [done(each.digest, heatmap=os.urandom(50_000)) for each in held])
                saved += held
        except StoreError as error:
            print(error)
        states = status(store).states
        assert 0 < len(saved) == states["done"].configs < 40, states
        assert all(len(arrays(store, each.digest).heatmap) == 50_000 for each in saved)
        store.close()
        store = open_store(sys.argv[1])
        assert status(store).states["done"].configs == len(saved)
        """,
    )
    assert "is full; make room and run again" in said


def test_a_read_only_disk_is_told_by_those_who_write_and_read_by_those_who_read(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/sweeps.db")
    queue(store)
    store.close()
    said = run_in_mounts(
        "mount --bind $DIR $DIR; mount -o remount,ro,bind $DIR $DIR",
        tmp_path,
        """
        import sys
        from pipeline.errors import StoreError
        from store.database.opening import open_store
        from store.asking.query import status
        from tests.store.fakes import queue
        print(status(open_store(sys.argv[1], create=False)).configs)
        for name in ("sweeps", "new"):
            try:
                queue(open_store(sys.argv[1].replace("sweeps", name)), "more", count=9)
            except StoreError as error:
                print(error)
        """,
    )
    assert said.splitlines()[0] == "5"
    assert "cannot be written" in said.splitlines()[1] or "cannot be opened" in said.splitlines()[1]
    assert "new.db' cannot be opened: '" in said.splitlines()[2]
    assert "not readable and writable" in said.splitlines()[2]


def test_an_error_in_the_middle_rolls_back(store: Store) -> None:
    def half(connection: Connection) -> None:
        connection.execute(text("DELETE FROM config"))
        raise KeyboardInterrupt

    queue(store)
    with pytest.raises(KeyboardInterrupt):
        store.writing(half)
    assert status(store).configs == 5


def test_sql_that_fails_is_one_sentence(store: Store) -> None:
    with pytest.raises(StoreError, match="cannot be used") as caught, store.read() as connection:
        connection.execute(text("SELECT 1 FROM nowhere"))
    assert "\n" not in str(caught.value)


def test_work_goes_on_after_the_server_broke_the_connections(postgres_url: str) -> None:
    store = open_store(named(postgres_url))
    queue(store, count=3)
    break_connections(postgres_url)
    held = claim(store, ME)
    assert len(held) == 3
    tries = []

    def interrupted(connection: Connection) -> int:
        tries.append(1)
        connection.execute(text("UPDATE config SET cost = cost + 1"))
        if len(tries) == 1:
            break_connections(postgres_url)
        return connection.execute(text("SELECT count(*) FROM config")).scalar_one()

    assert store.writing(interrupted) == 3
    assert len(tries) == 2
    assert status(store).states["running"].cost == 3 * 1.5  # once, not twice
    save(store, ME, [done(each.digest) for each in held])
    assert arrays(store, held[0].digest).heatmap == b"heat"
    store.close()


def test_patience_with_a_server_has_an_end(postgres_url: str) -> None:
    store = open_store(named(postgres_url), patience=0.3)

    def always(connection: Connection) -> None:
        break_connections(postgres_url)
        connection.execute(text("SELECT 1"))

    with pytest.raises(GivenUpError, match="cannot be reached") as caught:
        store.reading(always)
    assert type(caught.value) is GivenUpError
    store.close()


def named(url: str) -> str:
    """The URL with the sessions named after the schema."""
    return f"{url}&application_name={url.rpartition('%3D')[2]}"


def break_connections(url: str) -> None:
    """Ends the sessions of one store, known by the name of its schema, as a restarting server does."""
    engine = create_engine(address(url).url, poolclass=NullPool, connect_args={"application_name": "breaker"})
    with engine.connect() as connection:
        schema = url.rpartition("%3D")[2]
        ended = text("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = :name")
        connection.execute(ended, {"name": schema})
    engine.dispose()


def test_who_is_not_let_in_by_a_server_is_told_at_once(postgres_url: str) -> None:
    where = make_url(postgres_url)
    cases = {
        "has no database 'no_such'; make it with `createdb no_such`": where.set(database="no_such"),
        "has no database 'no$such'; make it with `createdb 'no$such'`": where.set(database="no$such"),
        "knows no user 'no_such'; make it with `createuser no_such`": where.set(username="no_such"),
    }
    for said, url in cases.items():
        with ends_within(25), pytest.raises(StoreError, match=re.escape(said)):  # what is tried again takes 28 s
            open_store(url.render_as_string(hide_password=False))


def test_a_wrong_password_is_told_from_a_server_that_is_away() -> None:
    said = 'connection failed: FATAL:  password authentication failed for user "me"'
    fault = describe(_refused_by_a_server(said), address("postgresql://me@host/name"))
    assert type(fault) is StoreError
    assert "does not let 'me' in by this password; keep the right one in ~/.pgpass or PGPASSWORD" in str(fault)
    assert (
        type(describe(_refused_by_a_server("connection refused"), address("postgresql://me@host/name"))) is PassingError
    )


def _refused_by_a_server(said: str) -> DBAPIError:
    origin = type("OperationalError", (Exception,), {})(said)
    return DBAPIError("connect", None, origin)
