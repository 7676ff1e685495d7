"""Opening a store: what is there is recognised, made or upgraded, before anything relies on it."""

import sqlite3
import time
from collections.abc import Callable

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from pipeline.errors import StoreError, quote
from store.database import schema
from store.database.address import address
from store.database.connection import PATIENCE, Store
from store.database.faults import describe
from store.database.file import file_exists
from store.database.inspection import Found, inspect


def open_store(
    url: str, *, create: bool = True, patience: float = PATIENCE, say: Callable[[str], None] | None = None
) -> Store:
    """The store at a URL, made if nothing is there, upgraded if it is a local file of an older revision.

    With `create` false nothing is made: what only reads leaves no file behind. `patience` is for how many seconds a
    locked file or a restarting server is waited for; `say` hears that it is.
    Raises InputError for a URL that cannot be used as written, StoreError for a database that cannot.
    """
    where = address(url)
    if where.path is not None and not file_exists(where) and not create:
        raise StoreError(f"there is no store at {quote(where.path)}; make one with `erfsweep run`, or set --db")
    store = Store(where, patience=patience)
    store.say = say or store.say
    try:
        found = store.reading(inspect)
        if found == "empty":
            if not create and not where.in_memory:
                raise StoreError(f"the store {quote(where.path or where.shown)} is empty; fill it with `erfsweep run`")
            found = _make(store)
        _accept(store, found)
    except BaseException:
        store.close()
        raise
    return store


def _make(store: Store) -> Found:
    """Makes the tables, unless another process has meanwhile; the revision that is there then."""
    if store.address.path is not None:
        _keep_log(store)
    from store.database.view import create

    def work(connection: Connection) -> Found:
        found = inspect(connection)
        if found == "empty":
            create(connection)
            found = schema.REVISION
        return found

    return store.reshaping(work)


def _keep_log(store: Store) -> None:
    """Sets the write-ahead log, which the file remembers, so that readers and a writer do not wait for each other.

    SQLite answers "locked" to several processes that do so at once, without waiting as it does elsewhere.
    """
    deadline = time.monotonic() + store.patience.seconds
    while True:
        try:
            with store.engine.connect() as connection:
                raw = connection.connection.driver_connection
                assert isinstance(raw, sqlite3.Connection)  # noqa: S101  (for the type checker: SQLite has no other)
                raw.execute("PRAGMA journal_mode = WAL")
            return
        except (sqlite3.OperationalError, DBAPIError) as error:
            origin = error.orig if isinstance(error, DBAPIError) else error
            name = getattr(origin, "sqlite_errorname", "")
            if not name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL")) or time.monotonic() > deadline:
                raise describe(error, store.address) from error
        time.sleep(0.02)


def _accept(store: Store, found: Found) -> None:
    """Holds what was found against the code; a local file of an older revision is upgraded on the spot."""
    if found == schema.REVISION:
        return
    shown = quote(store.address.path or store.address.shown)
    if found == "foreign":
        raise StoreError(f"{shown} holds tables of another program; name another database with --db")
    from store.database.upgrade import (  # Alembic takes half as long to import as all the rest
        refuse_newer,
        upgrade_store,
    )

    refuse_newer(found, shown)
    if not store.address.is_sqlite:
        raise StoreError(f"the store {shown} has the older revision {quote(found)}; run `erfsweep db upgrade`")
    upgrade_store(store)
