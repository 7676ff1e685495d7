"""Names in the file of a store, read for a shell that completes a line: nothing is opened, upgraded or waited for."""

import sqlite3
from contextlib import closing

from pipeline.ids import ID_DIGITS, ID_LETTER
from store.database.fileurl import file_path

_MOST = 200
"""Names that are offered: more are no help to anyone."""
_WAIT = 0.2
"""Seconds that a file may be locked."""


def sweep_names(url: str, begin: str = "") -> list[str]:
    """The names of sweeps that begin so, in their order. Empty where the store is no file that can be read."""
    return _read(url, "SELECT name FROM sweep WHERE substr(name, 1, ?) = ? ORDER BY id", (len(begin), begin))


def config_ids(url: str, begin: str = "") -> list[str]:
    """The ids of configs that begin so, sorted. Empty as for `sweep_names`."""
    digits = begin.lower().removeprefix(ID_LETTER)
    query = "SELECT ? || substr(digest, 1, ?) FROM config WHERE digest >= ? AND digest < ? ORDER BY digest"
    return _read(url, query, (ID_LETTER, ID_DIGITS, digits, digits + ID_LETTER))


def positions(url: str, sweep: str, begin: str = "") -> list[str]:
    """The positions of a sweep that begin so, as digits in ascending order. Empty as for `sweep_names`."""
    query = """SELECT CAST(position AS TEXT) FROM sweep_config JOIN sweep ON sweep.id = sweep_config.sweep_id
        WHERE sweep.name = ? AND substr(position, 1, ?) = ? ORDER BY position"""
    return _read(url, query, (sweep, len(begin), begin))


def _read(url: str, query: str, values: tuple[object, ...]) -> list[str]:
    try:
        path = file_path(url)
        if path is None or not path.is_file():
            return []
        # Not mode=ro: the last to close a file in WAL mode takes the log away, which a read-only connection cannot.
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", timeout=_WAIT, uri=True)) as file:
            file.execute("PRAGMA query_only = 1")
            rows = file.execute(f"{query} LIMIT {_MOST}", values).fetchall()  # of our own
    except (sqlite3.Error, OSError, ValueError):
        return []  # a shell has no place for a sentence
    return [name for (name,) in rows if isinstance(name, str) and name.isprintable()]
