"""The view `results`: the wide table for other programs, made with the tables and anew by every upgrade."""

from sqlalchemy import Connection, CreateView, insert

from store.database.fields import wide
from store.database.schema import REVISION, VIEW, metadata, version


def create(connection: Connection) -> None:
    """Makes every table, the view and the stamp of the revision, in the caller's transaction."""
    metadata.create_all(connection, checkfirst=False)
    create_view(connection)
    connection.execute(insert(version).values(version_num=REVISION))


def create_view(connection: Connection) -> None:
    """Makes the view. It follows from the fields, so a migration drops it and makes it anew."""
    connection.execute(CreateView(wide(), VIEW))
