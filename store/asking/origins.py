"""Where sweeps come from: what was written, and the command, versions, commit and host that each was submitted with."""

from typing import Any

import msgspec
from sqlalchemy import Connection, select

from store.asking.values import raw, sound
from store.database.connection import Store
from store.database.schema import sweep
from store.queue.provenance import Origin
from store.queue.sweep_ids import sweep_id


class Submitted(msgspec.Struct, frozen=True):
    """A sweep with its origin; `specs` is as written, one for each submission."""

    sweep: str
    specs: tuple[Any, ...]
    origin: Origin


def origins(store: Store, name: str | None = None, limit: int | None = None) -> list[Submitted]:
    """The sweep of a name, or the last `limit` of all, the oldest first.

    Raises InputError where there is no sweep of that name, StoreError where a value of one is damaged.
    """

    def work(connection: Connection) -> list[Submitted]:
        columns = [*sweep.c]
        found = select(*map(raw, columns)).order_by(sweep.c.id.desc()).limit(limit)
        if name is not None:
            found = found.where(sweep.c.id == sweep_id(connection, name))
        return [_submitted(sound(columns, row)) for row in reversed(connection.execute(found).all())]

    return store.reading(work)


def _submitted(row: dict[str, Any]) -> Submitted:
    read = {
        **row,
        "argv": msgspec.json.decode(row["argv"], type=tuple[str, ...]),
        "versions": msgspec.json.decode(row["versions"]),
    }
    origin = Origin(**{name: read[name] for name in Origin.__struct_fields__})
    return Submitted(row["name"], tuple(msgspec.json.decode(row["spec"])), origin)
