"""Where a store is: a database URL, checked, and shown without what may be a secret of it."""

import re
from pathlib import Path
from urllib.parse import parse_qsl, unquote

import msgspec
from sqlalchemy import URL

from pipeline.errors import InputError, quote
from store.database.fileurl import SQLITE_URL, file_path
from store.database.secret import HIDDEN, masked, remember

_SQLITE = ("sqlite", "sqlite+pysqlite")
_POSTGRES = ("postgresql", "postgresql+psycopg", "postgres")

_SERVER = r"""(?xs)
        (?P<dialect>[\w+]+)://
        (?:(?P<user>[^:/?=&;\s]*)(?::(?P<password>[^@?&;\s]+))?@)?
        (?:\[(?P<ipv6>[\w:.%]+)\]|(?P<host>[\w.,%-]*))
        (?::(?P<port>\d{1,5}))?
        (?:/(?P<database>[^?@:=&;\s]*))?
        (?:\?(?P<query>.*))?"""
"""A URL whose parts cannot be taken for one another: SQLAlchemy's own pattern finds users and hosts in passwords."""
_HARMLESS = r"[\w./~ -]*"
"""A text that holds no password, as it has none of the signs that stand before one."""
_FILES = (".db", ".sqlite", ".sqlite3", ".db3")
"""Suffixes of SQLite files."""
_SHOWN = frozenset(
    (
        *("host", "hostaddr", "port", "dbname", "user", "sslmode"),
        *("sslcert", "sslkey", "sslrootcert", "sslcrl", "sslnegotiation", "options"),
        *(
            "connect_timeout",
            "application_name",
            "client_encoding",
            "keepalives",
            "keepalives_idle",
            "keepalives_interval",
        ),
        *(
            "keepalives_count",
            "tcp_user_timeout",
            "target_session_attrs",
            "load_balance_hosts",
            "passfile",
            "require_auth",
        ),
        *("channel_binding", "gssencmode", "krbsrvname", "service"),
    )
)
"""Parameters of libpq that are no secrets."""
_NAMED = _SHOWN | {"password", "sslpassword"}
_PLAIN = r"[\w./,+ =-]*"


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

    Its secrets are remembered, so that `store.database.secret.masked` hides them from now on.
    Raises InputError for a text that is no URL, a dialect that is neither, or options that SQLite does not take. What
    cannot be read part by part is not shown, as any part of it may be a password.
    """
    if found := SQLITE_URL.fullmatch(text):
        if found["path"] == "":
            raise InputError(
                f"{quote(text)} names no file; write sqlite:///file.db, or sqlite:///:memory: to keep nothing"
            )
        path = file_path(text)
        return Address(URL.create("sqlite", database=None if path is None else str(path)), path, text)
    url = _server(text)
    if url is None:
        raise InputError(_unreadable(text))
    shown = _shown(url)
    if url.drivername in _POSTGRES:
        return Address(url.set(drivername="postgresql+psycopg"), None, shown)
    if url.drivername in _SQLITE:
        raise InputError(f"{quote(shown)}: an SQLite URL is sqlite:///relative.db or sqlite:////absolute.db, no more")
    raise InputError(f"{quote(url.drivername)} in {quote(shown)} is not a known dialect; use sqlite or postgresql")


def _server(text: str) -> URL | None:
    found = re.fullmatch(_SERVER, text)
    if found is None or (found["user"] is not None and "@" in (found["query"] or "")):
        return None
    query: dict[str, list[str]] = {}
    try:
        listed = parse_qsl(found["query"], strict_parsing=True) if found["query"] else []
    except ValueError:  # a parameter without a value may be the end of a password with & in it
        return None
    for name, value in listed:
        query.setdefault(name, []).append(value)
    if not all(map(_is_host, (found["host"] or "", *query.get("host", ())))):
        return None
    user, password, database = (part and unquote(part) for part in found.group("user", "password", "database"))
    return URL.create(
        found["dialect"],
        user or None,
        password or None,
        found["ipv6"] or found["host"] or None,
        int(found["port"]) if found["port"] else None,
        database or None,
        {name: values[0] if len(values) == 1 else values for name, values in query.items()},
    )


def _is_host(text: str) -> bool:
    """Whether a resolver takes it: no part between dots is empty, or longer than 63 bytes. A path is a socket's."""
    try:
        return text.startswith("/") or all(host.encode("idna") is not None for host in text.split(","))
    except UnicodeError:
        return False


def shown_word(word: str) -> str:
    """A word of a command line as it may be stored: a URL, or an option with one, without its secrets."""
    option, equals, text = word.partition("=") if word.startswith("-") else ("", "", word)
    try:
        return f"{option}{equals}{address(text).shown}"
    except InputError:
        return masked(word)


def _unreadable(text: str) -> str:
    ways = "write sqlite:///file.db or postgresql://user@host/name"
    if re.fullmatch(_HARMLESS, text):
        file = (
            f"; for a store in that file, {quote(f'sqlite:///{text}')}" if Path(text).suffix.lower() in _FILES else ""
        )
        return f"{quote(text)} is not a database URL; {ways}{file}"
    dialect = next((name for name in (*_SQLITE, *_POSTGRES) if text.startswith(f"{name}:")), None)
    what = f"the database URL that begins with {dialect}:" if dialect else "the database URL"
    return f"{what} cannot be read, nor shown, as it may hold a password; {ways}, with %40 for @ in a name or password"


def _shown(url: URL) -> str:
    remember(url.password and str(url.password))
    listed = []
    for name, values in url.query.items():
        for value in (values,) if isinstance(values, str) else values:
            is_plain = name in _SHOWN and re.fullmatch(_PLAIN, value) is not None
            if not is_plain:
                remember(value)
            listed.append(f"{name if name in _NAMED else HIDDEN}={value if is_plain else HIDDEN}")
    bare = url.set(query={}).render_as_string(hide_password=True)
    return f"{bare}?{'&'.join(listed)}" if listed else bare
