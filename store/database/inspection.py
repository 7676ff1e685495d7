"""What a database holds before anything relies on it: nothing, another program's tables, or a store."""

from typing import Literal, TypeAlias

from sqlalchemy import Connection, select, text

from store.database import schema
from store.database.strangers import refuse_strangers

Found: TypeAlias = Literal["empty", "foreign"] | str
"""What a database holds: nothing, another program's tables, or a store of the revision that this names."""


def inspect(connection: Connection) -> Found:
    """What the database behind a connection holds. Raises StoreError where that is a store with somebody else's SQL."""
    names = _names(connection)
    if schema.version.name in names:
        refuse_strangers(connection)
        return connection.execute(select(schema.version.c.version_num)).scalar() or "foreign"
    if connection.dialect.name == "sqlite":
        return "foreign" if names else "empty"
    return "foreign" if names & {schema.VIEW, *schema.metadata.tables} else "empty"


def _names(connection: Connection) -> set[str]:
    if connection.dialect.name == "sqlite":
        return set(connection.execute(text("SELECT name FROM sqlite_master")).scalars())
    listed = text("SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace")
    return set(connection.execute(listed).scalars())
