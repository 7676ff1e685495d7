"""What can go wrong with a database, told in one sentence that never shows a password."""

import errno
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from pipeline.errors import InputError, StoreError, quote
from store.database.address import Address
from store.database.secret import masked


class PassingError(StoreError):
    """A fault that may be over in a moment: the same work may be tried again."""


class MovedError(StoreError):
    """The file of a store is not where it was opened any more; open connections still have it."""


# SQLSTATE of what PostgreSQL says when it stops, starts, or had to choose between two transactions.
_PASSING = ("40001", "40P01", "57P01", "57P02", "57P03", "53300")
_REFUSED = (
    r'database "(?P<database>[^"]+)" does not exist|role "(?P<role>[^"]+)" does not exist'
    r'|password authentication failed for user "(?P<user>[^"]+)"'
)
RESTORE = "restore a backup with `erfsweep db restore FILE`"
_OUT_OF_RANGE = ("22003", "22008")


@contextmanager
def told(address: Address, *, files: bool = False) -> Iterator[None]:
    """Turns errors of SQLite, psycopg and SQLAlchemy into one StoreError; those of the system too if `files`.

    PassingError where trying again can help, InputError where a number of the user's is out of range on a server, or
    a text is none.
    """
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise describe(error, address) from error
    except UnicodeEncodeError as error:  # a word of the command line that is not UTF-8
        raise InputError(f"{quote(error.object)} is not text that a database can hold; write it in UTF-8") from error
    except OSError as error:
        if not files:
            raise
        raise describe(error, address) from error


def describe(error: Exception, address: Address) -> StoreError | InputError:
    """The fault behind an error, as a sentence; PassingError where trying again can help."""
    shown = quote(address.shown)
    origin = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(origin, sqlite3.Error):
        return _of_sqlite(origin, address)
    if isinstance(origin, OSError):
        return _of_system(origin, shown)
    if isinstance(error, DBAPIError):
        return _of_server(error, shown)
    return StoreError(f"the store {shown} cannot be used: {_first_line(error)}")


def _of_sqlite(error: sqlite3.Error, address: Address) -> StoreError:
    name = getattr(error, "sqlite_errorname", "")
    shown = quote(address.path or address.shown)
    if name.startswith("SQLITE_PROTOCOL"):
        return PassingError(f"the store {shown} is locked by other processes; try again")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StoreError(f"the store {shown} is locked by another process; end that one, or try again")
    if name.startswith("SQLITE_READONLY"):
        return StoreError(f"the store {shown} cannot be written; make it writable, or name another with --db")
    if name == "SQLITE_FULL":
        return StoreError(f"the disk under the store {shown} is full; make room and run again")
    if name.startswith("SQLITE_NOTADB"):
        return StoreError(f"{shown} is not an SQLite database; name another with --db")
    if name.startswith("SQLITE_CORRUPT"):
        return StoreError(f"the store {shown} is damaged; {RESTORE}, or name another with --db")
    if name.startswith("SQLITE_CANTOPEN"):
        return StoreError(f"the store {shown} cannot be opened: {_why_closed(address.path)}; name another with --db")
    if name.startswith("SQLITE_IOERR"):
        return StoreError(f"the disk under the store {shown} fails ({_first_line(error)}); see that it has room")
    return StoreError(f"the store {shown} cannot be used: {_first_line(error)}")


def _why_closed(path: Path | None) -> str:
    """SQLite only says that it could not open a file; the reasons a user can act on are these."""
    if path is None:
        return "out of memory"
    if path.is_dir():
        return "it is a directory"
    if not path.parent.is_dir():
        return f"there is no directory {quote(path.parent)}"
    target = path if path.exists() else path.parent
    if not os.access(target, os.R_OK) or not os.access(path.parent, os.W_OK):
        return f"{quote(target)} is not readable and writable for this user"
    for beside in (path.with_name(f"{path.name}{suffix}") for suffix in ("-wal", "-shm")):
        if beside.exists() and not os.access(beside, os.R_OK | os.W_OK):
            return f"{quote(beside)} is another user's, who must give it the group and the mode of the store"
    return "the system refuses it"


def _of_system(error: OSError, shown: str) -> StoreError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreError(f"the disk under the store {shown} is full; make room and run again")
    said = error.strerror or _first_line(error)
    return StoreError(f"the store {shown} cannot be used: {said}; name another with --db")


def _of_server(error: DBAPIError, shown: str) -> StoreError | InputError:
    state = getattr(error.orig, "sqlstate", None)
    said = _first_line(error.orig or error)
    if state in _OUT_OF_RANGE:
        return InputError(f"a number leaves the range of its type on the server ({said}); use smaller ones")
    if state == "53100":
        return StoreError(f"the disk of the server of {shown} is full; make room and run again")
    if state in ("42501", "25006"):
        return StoreError(f"the store {shown} cannot be written ({said}); ask for the right, or use another --db")
    if refused := re.search(_REFUSED, said):
        return StoreError(f"the server of {shown} {_refusal(refused)}")
    # No SQLSTATE: the connection was lost or never made, and the driver speaks for itself.
    if error.connection_invalidated or state in _PASSING or (state is None and _is_operational(error)):
        return PassingError(f"the server of {shown} cannot be reached ({said}); see that it runs and try again")
    return StoreError(f"the store {shown} cannot be used: {said}")


def _refusal(refused: re.Match[str]) -> str:
    """Why a server let nobody in, as it never will until something is changed."""
    from shlex import quote as quoted

    if database := refused["database"]:
        return (
            f"has no database {quote(database)}; make it with `createdb {quoted(database)}`, or name another with --db"
        )
    if role := refused["role"]:
        return f"knows no user {quote(role)}; make it with `createuser {quoted(role)}`, or name another in the URL"
    return f"does not let {quote(refused['user'])} in by this password; keep the right one in ~/.pgpass or PGPASSWORD"


def _is_operational(error: DBAPIError) -> bool:
    return any(kind.__name__ == "OperationalError" for kind in type(error.orig).__mro__)


def _first_line(error: BaseException) -> str:
    lines = [line for line in masked(str(error)).splitlines() if line.strip()]
    return lines[0].strip().rstrip(".") if lines else type(error).__name__
