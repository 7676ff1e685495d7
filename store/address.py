"""Where a store is: a database URL, checked, and shown without its password."""

import re
from pathlib import Path

import msgspec
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from pipeline.errors import InputError, quote

_USERINFO = re.compile(r"(\b[\w+.-]+://[^:/@\s]*):.*@", re.DOTALL)
_OPTION = re.compile(r"(\bpassword\s*=\s*)('[^']*'|[^&\s]*)", re.IGNORECASE)
_SQLITE = ("sqlite", "sqlite+pysqlite")
_POSTGRES = ("postgresql", "postgresql+psycopg", "postgres")


def masked(text: str) -> str:
    """The text with the passwords of URLs as ***; it may be any text, also a URL that cannot be parsed.

    >>> masked("--db=postgresql://me:secret@host/db")
    '--db=postgresql://me:***@host/db'
    """
    return _OPTION.sub(r"\1***", _USERINFO.sub(r"\1:***@", text))


class Address(msgspec.Struct, frozen=True):
    """A checked database URL: what to connect to, the file of an SQLite store, and how messages call it."""

    url: URL
    path: Path | None
    shown: str

    @property
    def is_sqlite(self) -> bool:
        """Whether the store is SQLite, in a file or in memory."""
        return self.url.drivername == "sqlite"

    @property
    def in_memory(self) -> bool:
        """Whether the store lives as long as this process only."""
        return self.is_sqlite and self.path is None


def address(text: str) -> Address:
    """The address that a URL stands for: `sqlite:///file.db`, `sqlite://` or `postgresql://user@host/name`.

    Raises InputError for a text that is no URL, a dialect that is neither, or options that SQLite does not take.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise InputError(
            f"{quote(masked(text))} is not a database URL; write sqlite:///file.db or postgresql://user@host/name"
        ) from None
    shown = masked(text)
    if url.drivername in _POSTGRES:
        return Address(url.set(drivername="postgresql+psycopg"), None, shown)
    if url.drivername not in _SQLITE:
        raise InputError(f"{quote(url.drivername)} in {quote(shown)} is not a known dialect; use sqlite or postgresql")
    if url.host or url.query:
        raise InputError(f"{quote(shown)}: an SQLite URL is sqlite:///relative.db or sqlite:////absolute.db, no more")
    path = None if url.database in (None, "", ":memory:") else Path(str(url.database))
    return Address(url.set(drivername="sqlite"), path, shown)
