"""URLs: what they stand for, and that no password of one is ever shown."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import URL

from store.address import address, masked


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://me:secret@host/db", "postgresql://me:***@host/db"),
        ("--db=postgresql+psycopg://me:secret@host:5432/db", "--db=postgresql+psycopg://me:***@host:5432/db"),
        ("postgresql://me:a@b:c/d@host/db", "postgresql://me:***@host/db"),
        ("postgresql://me:a b@host/db", "postgresql://me:***@host/db"),
        ("postgresql://:secret@host/db", "postgresql://:***@host/db"),
        ("postgresql:///db?user=me&password=secret&host=h", "postgresql:///db?user=me&password=***&host=h"),
        ("host=h password='a b' user=me", "host=h password=*** user=me"),
        ("postgresql://me@host/db", "postgresql://me@host/db"),
        ("sqlite:///erfsweep.db", "sqlite:///erfsweep.db"),
        ("depth=range(1,21)", "depth=range(1,21)"),
    ],
)
def test_passwords_become_stars(text: str, expected: str) -> None:
    assert masked(text) == expected


@given(st.text(min_size=1))
def test_no_password_survives_in_a_url(password: str) -> None:
    url = URL.create("postgresql+psycopg", "me", password, "host", 5432, "db")
    assert masked(url.render_as_string(hide_password=False)) == "postgresql+psycopg://me:***@host:5432/db"


@pytest.mark.parametrize(
    ("text", "driver", "path"),
    [
        ("sqlite:///erfsweep.db", "sqlite", Path("erfsweep.db")),
        ("sqlite+pysqlite:////data/a b.db", "sqlite", Path("/data/a b.db")),
        ("sqlite://", "sqlite", None),
        ("sqlite:///:memory:", "sqlite", None),
        ("postgresql://host/db", "postgresql+psycopg", None),
        ("postgres://host/db", "postgresql+psycopg", None),
        ("postgresql+psycopg://host/db", "postgresql+psycopg", None),
    ],
)
def test_a_url_stands_for_a_file_or_a_server(text: str, driver: str, path: Path | None) -> None:
    found = address(text)
    assert (found.url.drivername, found.path) == (driver, path)
    assert found.in_memory is (driver == "sqlite" and path is None)
