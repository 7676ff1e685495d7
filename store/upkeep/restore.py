"""Taking a store from a file and keeping one in a file: `db restore`, and what is saved of a store that was removed."""

import os
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

import msgspec
from sqlalchemy import URL

from pipeline.errors import InputError, StoreError, quote
from pipeline.result import Outcome
from store.database.address import Address, address
from store.database.connection import Store
from store.database.faults import told
from store.database.inspection import inspect
from store.database.newfile import copy_mode, new_file
from store.queue.claims import release
from store.queue.owner import Owner
from store.queue.saving import save

_BESIDE = ("-wal", "-shm", "-journal")
"""The files that SQLite keeps beside a store; a log left beside another store than its own damages that one."""


class Restored(msgspec.Struct, frozen=True):
    """The path of a store that was restored, and where what had lain there is kept, if anything had."""

    path: Path
    before: Path | None


def restore(file: Path, url: str) -> Restored:
    """Puts a copy of a backup, which may have a log of its own, in the place of an SQLite store, log and all.

    What lay there is renamed, not removed. Raises InputError where the URL names no file or the same file, StoreError
    where the backup is none or is damaged, and leaves everything as it was.
    """
    where = address(url)
    if where.path is None:
        raise InputError(
            f"only an SQLite file is restored, not {quote(where.shown)}; fill an empty database with "
            f"`erfsweep db copy sqlite:///{file} URL`"
        )
    backup = address(f"sqlite:///{file}")
    with told(backup, files=True):
        if not file.exists():
            raise InputError(f"there is no backup {quote(file)}; check the path")
        if where.path.exists() and where.path.samefile(file):
            raise InputError(f"{quote(file)} is the store itself; name a backup of it")
        with new_file(where.path) as partial:
            with (
                closing(sqlite3.connect(file.absolute().as_uri() + "?mode=ro", uri=True)) as old,
                closing(sqlite3.connect(partial)) as new,
            ):
                old.backup(new)
            _check(partial, backup)
            copy_mode(where.path if where.path.exists() else file, partial)
            return Restored(where.path, _moved_aside(where.path))


def rescue(store: Store, owner: Owner, outcomes: Sequence[Outcome]) -> Path:
    """Keeps a store whose file was removed, renamed or replaced: what an open connection still has of it, and these
    outcomes, in a new file, which `restore` takes; the path of that file.

    The file lies beside the place of the store, or in the directory for temporary files where that folder is gone too.
    Raises StoreError where no connection is open any more, or the file cannot be written.
    """
    path = store.address.path
    assert path is not None  # noqa: S101  (for the type checker: only a file is removed)
    name = f"{path.name}.{_stamp()}.{os.getpid()}.kept"
    folder = path.absolute().parent
    if not folder.is_dir():
        folder = Path(tempfile.gettempdir())
    target = folder / name
    with told(store.address, files=True), new_file(target) as partial:
        with store.engine.connect() as connection, closing(sqlite3.connect(partial)) as new:
            raw = connection.connection.driver_connection
            assert isinstance(raw, sqlite3.Connection)  # noqa: S101  (for the type checker: SQLite has no other)
            raw.backup(new)
        with closing(Store(_address(partial))) as kept:
            save(kept, owner, outcomes)
            release(kept, owner)
    assert store.file is not None  # noqa: S101  (for the type checker, as above)
    store.file.drop_log()
    return target


def _moved_aside(path: Path) -> Path | None:
    """Renames a store and what SQLite keeps beside it; where to, None where there is no store."""
    aside = path.with_name(f"{path.name}.{_stamp()}.before")
    found = path.exists()
    if found:
        path.rename(aside)
    for suffix in _BESIDE:
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    return aside if found else None


def _check(partial: Path, backup: Address) -> None:
    """Raises StoreError for a file that is damaged, or holds no store that this erfsweep knows."""
    with closing(Store(_address(partial))) as copy, copy.read() as connection:
        found = inspect(connection)
        problem = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    if found in ("empty", "foreign"):
        raise StoreError(f"{quote(backup.path)} holds no store of erfsweep; name a backup of one")
    if problem != "ok":
        raise StoreError(f"the backup {quote(backup.path)} is damaged; name another one")
    from store.database.upgrade import refuse_newer  # Alembic, for this one command

    refuse_newer(found, quote(backup.path))


def _address(path: Path) -> Address:
    return Address(URL.create("sqlite", database=str(path)), path, str(path))


def _stamp() -> str:
    return time.strftime("%Y%m%dT%H%M%S")
