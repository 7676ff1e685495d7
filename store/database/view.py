"""The view `results`: the wide table for other programs, made with the tables and anew by every upgrade."""

from sqlalchemy import Connection, CreateView, insert

from store.database.fields import FIELDS, wide
from store.database.schema import REVISION, VIEW, metadata, version

FIRST = (
    *("sweep", "position", "label", "config", "id", "state", "kernel", "depth", "seed", "theo_rf", "eff_rf", "ratio"),
    *("eff_square", "luo", "sigma_x", "dead", "n_zero"),
)
"""What other programs show without scrolling: where a result belongs, and the sizes that are asked for most."""
_LONG = ("stem", "error", "reasons", "digest", "spec")
"""Columns of long text, which make all others narrow."""
COLUMNS = (*FIRST, *(each.name for each in FIELDS if each.name not in (*FIRST, *_LONG)), *_LONG)
"""The columns of the view in their order: every field."""


def create(connection: Connection) -> None:
    """Makes every table, the view and the stamp of the revision, in the caller's transaction."""
    metadata.create_all(connection, checkfirst=False)
    create_view(connection)
    connection.execute(insert(version).values(version_num=REVISION))


def creation() -> CreateView:
    """The statement that makes the view."""
    return CreateView(wide(COLUMNS), VIEW)


def create_view(connection: Connection) -> None:
    """Makes the view. It follows from the fields, so a migration drops it and makes it anew."""
    connection.execute(creation())
