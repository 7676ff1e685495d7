"""Many rows at once, as plain tuples: what a batch costs is what the database costs."""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Dialect, Table, insert

T = TypeVar("T")

CHUNK = 500
"""Rows that are looked up or written together; well under the parameters that SQLite takes."""


def insert_rows(connection: Connection, table: Table, rows: list[tuple[Any, ...]]) -> None:
    """Inserts rows that hold every column of the table in its order, in the types of the driver.

    The statement is made once: SQLAlchemy's way through dictionaries takes 40 us for a row of 60 columns.
    """
    if rows:
        connection.exec_driver_sql(_insertion(table, connection.dialect), rows)


@lru_cache(maxsize=64)
def _insertion(table: Table, dialect: Dialect) -> str:
    return str(insert(table).compile(dialect=dialect))


def chunks(items: Iterable[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """The items in lists of at most `size`, read as they are needed."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
