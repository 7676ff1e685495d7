"""Configs that belong to no sweep any more: counted, and removed with the space that they take."""

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, exists, func, select

from store.database.connection import Store
from store.database.faults import told
from store.database.schema import TABLES, config, sweep_config
from store.queue.states import holders


class Pruned(msgspec.Struct, frozen=True):
    """What `prune` removed: configs, and the bytes by which the store is smaller now."""

    configs: int
    bytes: int


def orphans(connection: Connection) -> int:
    """How many configs belong to no sweep."""
    return connection.execute(select(func.count()).select_from(config).where(_orphaned())).scalar_one()


def prune(store: Store) -> Pruned:
    """Removes configs, with their results and attempts, that belong to no sweep, and gives their space back.

    What a process is measuring stays until the next time. The space is given back by rewriting the tables, for which
    the database needs as much room as they take; who works with the store meanwhile waits.
    """

    def work(connection: Connection) -> int:
        gone = [str(holder.owner) for holder in holders(connection, None) if holder.is_gone]
        idle = (config.c.state != "running") | config.c.owner.in_(gone)
        return connection.execute(delete(config).where(_orphaned(), idle)).rowcount

    before = _size(store)
    removed = store.reshaping(work)
    _vacuum(store)
    return Pruned(removed, max(before - _size(store), 0))


def _orphaned() -> ColumnElement[bool]:
    return ~exists().where(sweep_config.c.config_id == config.c.id)


def _size(store: Store) -> int:
    """The bytes that the store takes, its log left out."""

    def work(connection: Connection) -> int:
        if store.dialect == "sqlite":
            pages: int = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            size: int = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
            return pages * size
        sizes = select(*(func.pg_total_relation_size(func.to_regclass(f'"{table.name}"')) for table in TABLES))
        return sum(connection.execute(sizes).one())

    return store.reading(work)


def _vacuum(store: Store) -> None:
    """Rewrites the tables without what was removed; no transaction may be open for it."""
    with told(store.address), store.engine.connect() as connection:
        if store.dialect == "postgresql":
            free = connection.execution_options(isolation_level="AUTOCOMMIT")
            for table in TABLES:
                free.exec_driver_sql(f'VACUUM FULL "{table.name}"')
            return
        raw = connection.connection.driver_connection
        assert raw is not None  # noqa: S101  (for the type checker: the pool has just given it)
        raw.execute("VACUUM")
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
