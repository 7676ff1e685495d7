"""Stores to test on: an SQLite file, SQLite in memory, and PostgreSQL where ERFSWEEP_TEST_POSTGRES names one."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, text

from store.database.address import address
from store.database.connection import Store
from store.database.opening import open_store


@contextmanager
def _schema() -> Iterator[str]:
    """A URL of a schema of its own on the server that ERFSWEEP_TEST_POSTGRES names."""
    server = os.environ.get("ERFSWEEP_TEST_POSTGRES")
    if not server:
        pytest.skip("ERFSWEEP_TEST_POSTGRES names no PostgreSQL server")
    schema = f"erfsweep_{uuid.uuid4().hex[:12]}"
    engine = create_engine(address(server).url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    sign = "&" if "?" in server else "?"
    yield f"{server}{sign}options=-csearch_path%3D{schema}"
    with engine.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))


@pytest.fixture
def postgres_url() -> Iterator[str]:
    with _schema() as url:
        yield url


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def lasting_store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """One store for all tests of a module, for those that only read."""
    with nullcontext("sqlite://") if request.param == "sqlite" else _schema() as url:
        opened = open_store(url)
        yield opened
        opened.close()


@pytest.fixture
def file_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/sweeps.db"


@pytest.fixture(params=["file", "memory", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    if request.param == "memory":
        return "sqlite://"
    found: str = request.getfixturevalue(f"{request.param}_url")
    return found


@pytest.fixture(params=["file", "postgres"])
def shared_url(request: pytest.FixtureRequest) -> str:
    """A store that several processes can open."""
    found: str = request.getfixturevalue(f"{request.param}_url")
    return found


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = open_store(url)
    yield opened
    opened.close()


@pytest.fixture
def file_store(file_url: str) -> Iterator[Store]:
    opened = open_store(file_url)
    yield opened
    opened.close()
