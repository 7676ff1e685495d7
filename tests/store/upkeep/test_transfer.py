"""Moving a store: a copy holds what its source holds, in either direction."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from pipeline.errors import InputError, StoreError
from store.asking.heatmaps import arrays
from store.asking.query import rows, status
from store.asking.records import find
from store.database.connection import Store
from store.database.opening import open_store
from store.database.schema import REVISION, TABLES
from store.queue.claims import claim
from store.queue.owner import this_owner
from store.queue.saving import save
from store.upkeep.transfer import backup, copy, info
from tests.store.fakes import STRANGER, configs, done, failed, measure_all, queue


def contents(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    with store.read() as connection:
        found = {}
        for table in TABLES:
            ordered = select(table).order_by(*table.primary_key.columns)
            found[table.name] = [tuple(row) for row in connection.execute(ordered)]
        return found


def fill(store: Store) -> None:
    queue(store, "a", count=6)
    queue(store, "b", count=4, first=4)
    me = this_owner()
    held = claim(store, me, "a", limit=4)
    save(store, me, [done(held[0].digest, heatmap=bytes(range(256))), failed(held[1].digest)])
    save(store, me, [done(held[2].digest, dead=True), done(held[3].digest, eff_rf=None)])


@pytest.mark.parametrize("there", ["file", "postgres"])
def test_a_copy_holds_what_its_source_holds(
    store: Store, there: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/copy.db"
    if there == "postgres":
        if store.dialect == "postgresql":
            pytest.skip("one schema a test; the other pairs cover both directions")
        url = request.getfixturevalue("postgres_url")
    fill(store)
    target = open_store(url)
    counted = copy(store, target)
    assert counted == {"sweep": 2, "config": 8, "sweep_config": 10, "attempt": 4, "result": 3, "map": 3}
    assert contents(target) == contents(store)
    assert rows(target, "b").rows == rows(store, "b").rows
    digest = find(target, "a:0").digest
    assert arrays(target, digest) == arrays(store, digest)
    assert len(measure_all(target, "b")) == 4  # and it can be worked on
    assert queue(target, "c", count=3, first=20).new == 3
    target.close()


def test_what_was_running_is_queued_in_the_copy(store: Store, tmp_path: Path) -> None:
    queue(store, count=3)
    claim(store, STRANGER, limit=2)
    target = open_store(f"sqlite:///{tmp_path}/copy.db")
    copy(store, target)
    assert status(target).states["queued"].configs == 3
    assert status(store).states["running"].configs == 2
    assert len(claim(target, this_owner())) == 3
    target.close()


def test_a_copy_into_a_store_that_holds_something_is_refused(store: Store, tmp_path: Path) -> None:
    fill(store)
    target = open_store(f"sqlite:///{tmp_path}/copy.db")
    queue(target, count=1)
    with pytest.raises(StoreError, match=r"copy.db' is not empty; copy into a new one"):
        copy(store, target)
    assert info(target).tables["config"] == 1
    target.close()


def test_a_store_is_not_copied_onto_itself(store: Store) -> None:
    with pytest.raises(InputError, match="onto itself"):
        copy(store, store)


def test_a_backup_is_a_store_that_can_be_opened(store: Store, tmp_path: Path) -> None:
    fill(store)
    path = backup(store, tmp_path / "backup.db")
    kept = open_store(f"sqlite:///{path}", create=False)
    assert contents(kept) == contents(store)
    kept.close()
    with pytest.raises(InputError, match=r"backup.db' exists; name a new file"):
        backup(store, path)


def test_a_backup_that_cannot_be_written_leaves_nothing(file_store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        backup(file_store, tmp_path / "nowhere" / "backup.db")
    assert not (tmp_path / "nowhere").exists()


def test_info_says_what_a_store_is(store: Store) -> None:
    queue(store, count=5)
    found = info(store)
    assert found.revision == REVISION
    assert found.dialect == store.dialect
    assert found.server.startswith("SQLite 3" if store.dialect == "sqlite" else "PostgreSQL 1")
    assert found.size > 4096
    assert found.tables == {"sweep": 1, "config": 5, "sweep_config": 5, "attempt": 0, "result": 0}
    assert found.states == {"queued": 5, "running": 0, "done": 0, "failed": 0, "killed": 0}
    assert [config.digest for config in configs(5)] == [row[0] for row in rows(store, columns=["digest"]).rows]
