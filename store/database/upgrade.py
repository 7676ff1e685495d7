"""Upgrades of the schema by Alembic, which only this module imports, and only where there is something to do.

A revision runs on an engine of its own whose `foreign_keys` are off: on SQLite, altering a table means to copy and drop
it, and with them on the drop deletes every row that points to it.
"""

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import msgspec
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text

from pipeline.errors import StoreError, quote
from store.database import schema
from store.database.address import Address, address
from store.database.connection import Store, lock_shape, make_engine
from store.database.faults import told
from store.database.file import StoreFile, file_exists
from store.database.inspection import inspect
from store.database.newfile import copy_mode, new_file
from store.database.view import create_view

LOCATION = Path(__file__).parents[1] / "migrations"


class Upgrade(msgspec.Struct, frozen=True):
    """From which revision to which, and the copy that was made before, where one was."""

    before: str
    after: str
    backup: Path | None


def upgrade(url: str) -> Upgrade:
    """Brings the store at a URL to the revision of the code: `erfsweep db upgrade`.

    Raises StoreError where there is no store, or its revision is newer than the code.
    """
    where = address(url)
    if where.path is not None and not file_exists(where):
        raise StoreError(f"there is no store at {quote(where.path)}; make one with `erfsweep run`, or set --db")
    store = Store(where)
    with closing(store):
        found = store.reading(inspect)
        if found in ("empty", "foreign"):
            raise StoreError(f"there is no store of erfsweep at {quote(where.path or where.shown)}; see --db")
        refuse_newer(found, quote(where.path or where.shown))
        return upgrade_store(store)


def refuse_newer(revision: str, shown: str) -> None:
    """Raises StoreError for a revision that the code has not: it comes from a newer one."""
    try:
        _scripts().get_revision(revision)
    except CommandError:
        raise StoreError(
            f"the store {shown} has revision {quote(revision)}, newer than this erfsweep; upgrade erfsweep"
        ) from None


def upgrade_store(store: Store) -> Upgrade:
    """Runs the revisions that an open store lacks, all or none, after a copy of an SQLite file was made beside it.

    Raises StoreError where rows would point to nothing afterwards, and leaves the store as it was.
    """
    where = store.address
    file = (
        None
        if where.path is None
        else StoreFile(where, where.path, patience=store.patience.seconds, foreign_keys=False)
    )
    engine = make_engine(where, file, store.patience)
    store.close()  # not to hold the file that is about to change
    try:
        with told(where, files=True), engine.connect() as connection:
            connection.execution_options(immediate=True)
            with connection.begin():
                lock_shape(connection)
                before = connection.execute(schema.version.select()).scalar_one()
                after = _scripts().get_current_head() or before
                if after == before:  # another process was faster
                    return Upgrade(before, before, None)
                backup = _copy(where, before) if where.path is not None else None
                migrate(connection)
                _check(connection, where)
                return Upgrade(before, after, backup)
    finally:
        engine.dispose()


def migrate(connection: Connection) -> None:
    """Runs the revisions that a store lacks, in the caller's transaction; the view gives way to them and comes back."""
    connection.execute(text(f"DROP VIEW IF EXISTS {schema.VIEW}"))
    run_revisions(connection, "head")
    create_view(connection)


def run_revisions(connection: Connection, last: str) -> None:
    """Brings the tables to the revision `last`, and stamps it, in the caller's transaction."""
    config = _config()
    config.attributes |= {"connection": connection, "version_table": schema.version.name}
    command.upgrade(config, last)


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(LOCATION).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _copy(where: Address, revision: str) -> Path:
    """Copies an SQLite store beside itself, log and all, while a lock keeps it as it is."""
    assert where.path is not None  # noqa: S101  (for the type checker: the caller has asked)
    stamp = time.strftime("%Y%m%dT%H%M%S")
    target = where.path.with_name(f"{where.path.name}.{revision}.{stamp}.backup")
    copy_file(where.path, target)
    return target


def copy_file(source: Path, target: Path) -> None:
    """Copies an SQLite file through SQLite, so that nothing in its log is missed; whole or not at all.

    The copy can be read by those who can read the source. Raises FileExistsError where the target exists, StoreError
    where its folder cannot be written.
    """
    if os.path.lexists(target):
        raise FileExistsError(f"{target} exists")
    with (
        new_file(target) as partial,
        closing(sqlite3.connect(source.absolute().as_uri() + "?mode=ro", uri=True)) as old,
        closing(sqlite3.connect(partial)) as new,
    ):
        old.backup(new)
        copy_mode(source, partial)


def _check(connection: Connection, where: Address) -> None:
    if where.is_sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
        raise StoreError(f"the upgrade of {quote(where.shown)} would leave rows that point to nothing; it was undone")
