"""Stores that a benchmark has for itself: a file, or a database of a server that is dropped at the end."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import NullPool, create_engine, make_url, text


@contextmanager
def fresh_store(server: str | None, folder: str) -> Iterator[str]:
    """A URL of a store of its own, a file in `folder` or a database of `server` that is dropped at the end."""
    name = f"bench_{uuid.uuid4().hex[:12]}"
    if server is None:
        yield f"sqlite:///{folder}/{name}.db"
        return
    where = make_url(server)
    engine = create_engine(where.set(drivername="postgresql+psycopg"), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield where.set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
