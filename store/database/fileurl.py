"""URLs of SQLite stores, read without SQLAlchemy: a shell that completes a line waits for what is loaded."""

import re
from pathlib import Path
from urllib.parse import unquote

SQLITE_URL = re.compile(r"(?P<dialect>sqlite|sqlite\+pysqlite)://(?:/(?P<path>[^?]*))?")


def file_path(url: str) -> Path | None:
    """The file that a URL names; None for a store in memory, for a server, and for what is no URL."""
    found = SQLITE_URL.fullmatch(url)
    return Path(unquote(found["path"])) if found and found["path"] not in (None, "", ":memory:") else None
