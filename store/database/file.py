"""The file of an SQLite store: how a connection to it is made, and whether it is still the file that was opened."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeAlias

from pipeline.errors import StoreError, quote
from store.database.address import Address
from store.database.faults import MovedError, PassingError, told


def file_exists(address: Address) -> bool:
    """Whether there is anything at the path of an address. Raises StoreError where the system does not tell."""
    with told(address, files=True):
        return address.path is not None and address.path.exists()


_Identity: TypeAlias = tuple[int, int]
"""Device and inode: which file it is, wherever it is moved to."""


class StoreFile:
    """The file at the path of an address. All of its connections are to one file: one that takes its place is refused.

    SQLite reads a write-ahead log with two files beside the store, `-wal` and `-shm`. They are made by who comes first,
    and removed by who goes last if that one may write the store. So that nobody is locked out by those of another user,
    they get the group of the store, and who may only read makes none: such a connection takes the file as it stands
    while it has no log, and `watched` tells whether it was written meanwhile.
    """

    def __init__(self, address: Address, path: Path, *, patience: float, foreign_keys: bool = True) -> None:
        self.path = path
        self._address = address
        self._patience = patience
        self._foreign_keys = foreign_keys
        self._first: _Identity | None = None
        self._log: _Identity | None = None
        self._as_read: tuple[int, int] | None = None

    @property
    def is_read_only(self) -> bool:
        """Whether this user may only read it."""
        return self.path.exists() and not os.access(self.path, os.W_OK)

    def connect(self) -> sqlite3.Connection:
        """A new connection, with the settings of the store."""
        self._check_place()
        with told(self._address, files=True):
            raw = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?{self._mode()}",
                uri=True,
                isolation_level=None,
                check_same_thread=False,
                timeout=self._patience,
            )
            for setting in (
                f"busy_timeout = {int(1000 * self._patience)}",  # first: what follows may have to wait
                f"foreign_keys = {'ON' if self._foreign_keys else 'OFF'}",
                "synchronous = NORMAL",  # with WAL, safe against everything but a power cut's last writes
                "wal_autocheckpoint = 8000",  # pages: a batch of results alone fills the default of 1000
            ):
                raw.execute(f"PRAGMA {setting}")
            self._first = self._first or _identity(self.path)
            group = self.path.stat().st_gid
            if group != os.getegid():
                self._share_log(raw, group)
        return raw

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Guards a transaction: MovedError if the file is not there any more, PassingError if what was read changed."""
        self._check_place()
        try:
            yield
        except StoreError:
            self._check_place()  # which explains the fault better
            self._check_content()
            raise
        self._check_place()
        self._check_content()
        self._log = _identity(self._beside("-wal"))

    def drop_log(self) -> None:
        """Removes the log of a store in whose place another one lies now, as SQLite would take it for that one's.

        Whoever calls this has kept what is in the log.
        """
        is_replaced = _identity(self.path) not in (None, self._first)
        if is_replaced and self._log is not None and _identity(self._beside("-wal")) == self._log:
            self._beside("-shm").unlink(missing_ok=True)
            self._beside("-wal").unlink()

    def _mode(self) -> str:
        self._as_read = None
        if not self.is_read_only:
            return "mode=rwc" if self._first is None else "mode=rw"
        log, index = self._beside("-wal"), self._beside("-shm")
        if not log.exists() or log.stat().st_size == 0:
            self._as_read = self._content()
            return "mode=ro&immutable=1"
        if not index.exists():
            raise StoreError(
                f"the store {quote(self.path)} has a log that only who may write it can take in; "
                "have its owner type `erfsweep db info`"
            )
        return "mode=ro"

    def _share_log(self, raw: sqlite3.Connection, group: int) -> None:
        """Gives the files beside the store, if they are this user's, to the group of the store."""
        raw.execute("SELECT 1 FROM sqlite_master").fetchone()  # makes them
        for side in (self._beside("-wal"), self._beside("-shm")):
            with suppress(OSError):  # another user's, or gone, or of a group that this user is not in
                if side.stat().st_gid != group:
                    os.chown(side, -1, group)

    def _beside(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name + suffix)

    def _content(self) -> tuple[int, int]:
        there = self.path.stat()
        return there.st_size, there.st_mtime_ns

    def _check_place(self) -> None:
        if self._first is not None and _identity(self.path) != self._first:
            raise MovedError(
                f"the store {quote(self.path)} was removed, renamed or replaced while it was used; "
                "put it back, or try again with what is there now"
            )

    def _check_content(self) -> None:
        if self._as_read is not None and self._content() != self._as_read:
            raise PassingError(f"the store {quote(self.path)} was written while it was read; try again")


def _identity(path: Path) -> _Identity | None:
    """Which file lies at a path, None where there is none."""
    try:
        there = path.stat()
    except OSError:
        return None
    return there.st_dev, there.st_ino
