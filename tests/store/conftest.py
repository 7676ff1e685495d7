"""Stores to test on: an SQLite file, SQLite in memory, and PostgreSQL where ERFSWEEP_TEST_POSTGRES names one."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from store.database.connection import Store
from store.database.opening import open_store
from tests.postgres import schema


@pytest.fixture
def postgres_url() -> Iterator[str]:
    with schema() as url:
        yield url


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def lasting_store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """One store for all tests of a module, for those that only read."""
    with nullcontext("sqlite://") if request.param == "sqlite" else schema() as url:
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
