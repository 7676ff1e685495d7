"""The id of a sweep in the store, by its name."""

from difflib import get_close_matches

from sqlalchemy import Connection, select

from pipeline.errors import InputError, quote
from store.database.schema import sweep


def sweep_id(connection: Connection, name: str) -> int:
    """The id of a sweep by its name. Raises InputError that names those with similar names."""
    key: int | None = connection.execute(select(sweep.c.id).where(sweep.c.name == name)).scalar()
    if key is None:
        from pipeline.sweep.names import unstored  # the notation, which most reading does without
        from pipeline.sweep.paths import missing_file

        if missing := missing_file(name):
            raise InputError(f"there is no sweep {quote(name)} in the store, and {missing}")
        if what := unstored(name):
            raise InputError(
                f"{quote(name)} is {what}, not a sweep in the store; queue it first with `erfsweep submit`"
            )
        near = get_close_matches(name, connection.execute(select(sweep.c.name)).scalars().all())
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise InputError(f"there is no sweep {quote(name)} in the store{hint} (`erfsweep ls` lists them)")
    return key
