"""Where the store is, as the line and the environment say it."""

import os

DEFAULT_URL = "sqlite:///erfsweep.db"

_given: dict[str, str | None] = {"db": None}


def remember_db(url: str | None) -> None:
    """Keeps the `--db` that stood before the command."""
    _given["db"] = url


def store_url(url: str | None) -> str:
    """The URL of the store: `--db` after the command, before it, ERFSWEEP_DB, or a file in the working directory."""
    return url or _given["db"] or os.environ.get("ERFSWEEP_DB") or DEFAULT_URL
