"""Moving a whole store: a copy between SQLite and PostgreSQL, a backup, and what a store is made of."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select, text

from pipeline.errors import InputError, StoreError, quote
from store.asking.heatmaps import BYTES_AT_ONCE
from store.asking.values import Reader, raw
from store.database.address import address
from store.database.connection import Store
from store.database.faults import told
from store.database.newfile import new_file
from store.database.rows import CHUNK, insert_rows
from store.database.schema import FREED, REVISION, TABLES, config, map_
from store.queue.states import counts, holders


class Info(msgspec.Struct, frozen=True):
    """What a store is: where, on what, of which revision, how large (bytes), and how many rows its tables hold."""

    url: str
    dialect: str
    server: str
    revision: str
    size: int
    journal: str | None
    tables: dict[str, int]
    states: dict[str, int]


def copy(source: Store, target: Store) -> dict[str, int]:
    """Copies everything into an empty store, in one transaction; the rows of each table.

    What was running in the source is queued in the target. Raises StoreError where the target holds something,
    InputError where both are one store.
    """
    if source is target or (source.address.url == target.address.url and not source.address.in_memory):
        raise InputError(f"{quote(source.address.shown)} cannot be copied onto itself")
    copied = {}
    with target.reshape() as there, source.read() as here:
        for table in TABLES:
            if there.execute(select(table).limit(1)).first() is not None:
                raise StoreError(f"the store {quote(target.address.shown)} is not empty; copy into a new one")
        for table in TABLES:
            # The columns by name: a store that was upgraded may have them in another order.
            columns = list(table.columns)
            at_once = _at_once(here) if table is map_ else CHUNK
            copied[table.name] = 0
            reader = Reader(columns)
            with here.execution_options(yield_per=at_once).execute(select(*map(raw, columns))) as rows:
                for chunk in rows.partitions():
                    insert_rows(there, table, [_sound(reader, row) for row in chunk])
                    copied[table.name] += len(chunk)
        running = config.update().where(config.c.state == "running")
        there.execute(running.values(FREED))
    return copied


def _at_once(connection: Connection) -> int:
    """How many rows of arrays are copied together: a row may hold a heatmap of megabytes."""
    size = func.coalesce(func.max(func.length(map_.c.heatmap) + func.length(map_.c.curves)), 0)
    largest: int = connection.execute(select(size)).scalar_one()
    return max(1, min(CHUNK, BYTES_AT_ONCE // max(1, largest)))


def _sound(reader: Reader, row: Sequence[Any]) -> tuple[Any, ...]:
    """The values of a row. Raises StoreError where one is damaged: a copy is whole or not at all."""
    values = reader.read(row)
    if values is None:
        first = next(reader.damages(row, row[0], None))
        raise StoreError(f"{first}; `erfsweep db check --mend` mends what can be, then copy again")
    return tuple(values)


def backup(store: Store, path: Path) -> Path:
    """Writes the whole store into a new SQLite file, while others go on working with it.

    Raises InputError where the file exists, StoreError where it cannot be written.
    """
    if os.path.lexists(path):
        raise InputError(f"{quote(path)} exists; name a new file for the backup")
    if not path.absolute().parent.is_dir():
        raise StoreError(f"there is no directory {quote(path.absolute().parent)} for the backup; make it first")
    from store.database.opening import open_store

    with told(address(f"sqlite:///{path}"), files=True):
        if store.address.path is not None:
            from store.database.upgrade import copy_file

            copy_file(store.address.path, path)
            return path
        with new_file(path) as partial:
            target = open_store(f"sqlite:///{partial}")
            try:
                copy(store, target)
            finally:
                target.close()
    return path


def info(store: Store) -> Info:
    """What the store is, in numbers."""

    def work(connection: Connection) -> Info:
        rows = func.count()
        # Not `map`: it has a row for each of `result`, and to count them is to walk through all heatmaps.
        listed = [table for table in TABLES if table is not map_]
        tables = {table.name: connection.execute(select(rows).select_from(table)).scalar_one() for table in listed}
        server, size, journal = _engine(connection)
        states = {state: count.configs for state, count in counts(connection, None, holders(connection, None)).items()}
        return Info(store.address.shown, store.dialect, server, REVISION, size, journal, tables, states)

    return store.reading(work)


def _engine(connection: Connection) -> tuple[str, int, str | None]:
    """Name and version of the database, its size in bytes, and how SQLite keeps its journal."""
    if connection.dialect.name == "sqlite":
        version = connection.execute(select(func.sqlite_version())).scalar_one()
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        size = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
        journal = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
        return f"SQLite {version}", pages * size, journal
    version = connection.execute(text("SHOW server_version")).scalar_one()
    return (
        f"PostgreSQL {version}",
        connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one(),
        None,
    )
