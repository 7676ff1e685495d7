"""URLs: what they stand for, and that no password of one is ever shown."""

import os
import traceback
from pathlib import Path
from unittest.mock import patch
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import URL

from pipeline.errors import ErfsweepError, InputError
from store.database import secret
from store.database.address import address
from store.database.fileurl import file_path
from store.database.opening import open_store
from store.database.secret import masked
from store.queue.provenance import origin
from tests.clock import costs_at_most


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
        ("host=h password = secret user=me", "host=h password = *** user=me"),
        ("postgresql://me@corp:secret@host/db", "postgresql://me@corp:***@host/db"),
        ("postgresql:/me:secret@host/db", "postgresql:/me:***@host/db"),
        ("postgresql:me:secret@host/db", "postgresql:me:***@host/db"),
        ("postgresql://me/x:secret@host/db", "postgresql://***@host/db"),
        ("postgresql://me:secret", "postgresql://me:***"),
        ("'postgresql://me:secr...and-on' is no stem", "'postgresql://me:***' is no stem"),
        ("postgresql:///db?sslpassword=secret&sslmode=require", "postgresql:///db?sslpassword=***&sslmode=require"),
        ("postgresql:///db?pass%77ord=secret", "postgresql:///db?pass%77ord=***"),
        ("postgresql:///db?passfile=/home/me/.pgpass", "postgresql:///db?passfile=/home/me/.pgpass"),
        ("tls://127.0.0.1:8786 and tcp://host:8787", "tls://127.0.0.1:8786 and tcp://host:8787"),
        ("tcp://[::1]:8786", "tcp://[::1]:8786"),
        ("sqlite:////home/me@corp/a:b.db", "sqlite:////home/me@corp/a:b.db"),
        ("7x7/2:64@2 max3x3/2", "7x7/2:64@2 max3x3/2"),
        ("postgresql://me@host/db", "postgresql://me@host/db"),
        ("sqlite:///erfsweep.db", "sqlite:///erfsweep.db"),
        ("depth=range(1,21)", "depth=range(1,21)"),
    ],
)
def test_passwords_become_stars(text: str, expected: str) -> None:
    assert masked(text) == expected


@pytest.mark.parametrize(
    "piece",
    ["pass", "a://", "a://x:", "postgresql:", "?a=", "?pass=", "&password", "a.", "password ", "://:", "@", "x:@"],
)
def test_a_long_word_is_masked_in_no_time(piece: str) -> None:
    with costs_at_most(20):  # in the square it takes minutes
        masked(piece * (100_000 // len(piece)))


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
    assert (found.url.drivername, found.path, file_path(text)) == (driver, path, path)
    assert found.in_memory is (driver == "sqlite" and path is None)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://me@corp:secret@host/db", "postgresql://me%40corp:***@host/db"),
        ("postgresql://host:5432/db?password=p@rt", "postgresql://host:5432/db?password=***"),
        ("postgresql://host/db?sslmode=require&sslpassword=x", "postgresql://host/db?sslmode=require&sslpassword=***"),
        ("postgresql://host/db?nonsense=secret", "postgresql://host/db?***=***"),
        ("postgresql://host/db?sslmode=require;password=secret", "postgresql://host/db?sslmode=***"),
        ("postgresql://host/db?options=-csearch_path%3Dmine", "postgresql://host/db?options=-csearch_path=mine"),
        ("postgresql://[::1]:5432/db", "postgresql://[::1]:5432/db"),
        ("sqlite:////home/me@corp/a:b.db", "sqlite:////home/me@corp/a:b.db"),
    ],
)
def test_only_what_is_known_to_be_harmless_is_shown(text: str, shown: str) -> None:
    assert address(text).shown == shown


def test_parts_of_a_url_are_decoded() -> None:
    url = address("postgresql://m%40e:p%2Fa%3Aw%40@h1.example.org:5433/d%3Ab?sslmode=require&host=a&host=b").url
    assert (url.username, url.password, url.host, url.port) == ("m@e", "p/a:w@", "h1.example.org", 5433)
    assert (url.database, dict(url.query)) == ("d:b", {"sslmode": "require", "host": ("a", "b")})


@pytest.mark.parametrize("host", ["." * 3, "a..b", "h" * 64, "a,b..c"])
def test_a_host_that_no_resolver_takes_is_refused(host: str) -> None:
    for text in (f"postgresql://me@{host}/db", f"postgresql:///db?host={host}"):
        with pytest.raises(InputError, match="cannot be read"):
            address(text)


SECRET = "S3cr3tW0rd"
_SIGNS = st.text("@:/?#&=;% '\"+.é", max_size=3)
_PASSWORDS = st.tuples(_SIGNS, _SIGNS).map(lambda around: f"{around[0]}{SECRET}{around[1]}")
_USERS = st.sampled_from(["me", "", "me@corp", "me%40corp", "me/x", "me:x", "user=me", "me corp"])
_HEADS = st.sampled_from(
    [
        *("postgresql://", "postgres://", "postgresql+psycopg://", "postgresql:/", "postgresql:", "postgresql:///"),
        *("sqlite://", "mysql://", "//", "", " postgresql://", "POSTGRESQL://", "jdbc:postgresql://"),
    ]
)
_HOSTS = st.sampled_from(["127.0.0.1:1", "127.0.0.1:1/db", "127.0.0.1:1/d@b", "[::1]:1/db", "", "127.0.0.1:port/db"])
_NAMES = st.sampled_from(
    [
        *(
            "password",
            "sslpassword",
            "pass%77ord",
            "%70assword",
            "PASSWORD",
            "pwd",
            "sslmode=disable;password",
            "passwd",
        ),
        *("user=me&password", "nonsense", "options=-c&sslpassword", "%2570assword", "x&password"),
    ]
)


@st.composite
def secret_urls(draw: st.DrawFn) -> str:
    """URLs of servers, well formed and not, with a password somewhere, encoded as it should be or not."""
    encode = draw(st.sampled_from([str, quote_plus, lambda text: quote(text, safe="")]))
    password = encode(draw(_PASSWORDS))
    head, user, host = draw(_HEADS), draw(_USERS), draw(_HOSTS)
    return draw(
        st.sampled_from(
            [
                f"{head}{user}:{password}@{host}",
                f"{head}{user}:a@{password}@{host}",
                f"{head}{user}:{password.replace('@', '')}",  # what follows an @ is a host, for everyone
                f"{head}{user}@{host}?{draw(_NAMES)}={password}",
                f"{head}{host}?{draw(_NAMES)}={password}",
                f"{head}{user}:{password}@{host}?{draw(_NAMES)}={password}",
                f"{head}{host};password={password}",
                f"{head}{host} password={password}",
                f"host=h user=me password={password}",
            ]
        )
    )


@given(secret_urls())
@example(f"postgresql://127.0.0.1:1 password=x@{SECRET}")
@example(f"postgresql://me:a@{SECRET}?=@127.0.0.1:1/db")
@example(f"postgresql://me@corp:{SECRET}@127.0.0.1:1/db")
@example(f"postgresql:/me:{SECRET}@127.0.0.1:1")
@example(f"me:a@{SECRET}@h")
@example(f"postgresql://127.0.0.1:1/db?password=p@{SECRET}")
@settings(max_examples=300, deadline=None)
def test_no_form_of_a_url_shows_its_password_nor_stores_it(url: str) -> None:
    secret.known.clear()  # of other examples
    shown = []
    try:
        shown.append(address(url).shown)
        shown += origin(["erfsweep", "run", "--db", url, f"--db={url}"], Path("/")).argv
        with patch.dict(os.environ, {"PGHOST": "127.0.0.1", "PGPORT": "1"}):  # where no server is
            open_store(url, patience=0).close()
    except ErfsweepError as error:
        shown.append(str(error))
        shown += map(masked, "".join(traceback.format_exception(error)).splitlines())
    assert shown
    for text in shown:
        assert SECRET not in text
