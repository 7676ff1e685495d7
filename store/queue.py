"""The queue: processes claim configs, hold them by a lease, and give them back.

States: queued -> running -> done, failed or killed.

Nothing is measured twice: a claim takes the lock of the whole file on SQLite, and that of each row on PostgreSQL.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, select, update

from pipeline.job import Job
from store.engine import Store, now
from store.owner import LEASE, Owner, owner_of
from store.rows import chunks
from store.schema import config, sweep_config
from store.sweeps import sweep_id

_FREED = {"state": "queued", "owner": None, "lease_until": None}


def claim(
    store: Store, owner: Owner, sweep: str | None = None, *, limit: int = 1000, seconds: float | None = None
) -> list[Job]:
    """Takes queued configs, in the order of the sweep (of all of them: of submission), and holds them for 60 s.

    At most `limit`, and as many as make up `seconds` of expected work, at least one. What dead processes and lapsed
    leases held is queued again first. An empty list says that nothing is free now; others may still give back.
    """

    def work(connection: Connection) -> list[Job]:
        reclaim(connection)
        key = None if sweep is None else sweep_id(connection, sweep)
        found = _take(store, connection, key, limit, seconds)
        if found:
            _hold(connection, owner, [taken_id for taken_id, _ in found])
        return [claimed for _, claimed in found]

    return store.writing(work)


def renew(store: Store, owner: Owner) -> int:
    """Makes everything that the owner holds last 60 s from now; how many configs that is. Due every 15 s."""

    def work(connection: Connection) -> int:
        held = update(config).where(config.c.state == "running", config.c.owner == str(owner))
        return connection.execute(held.values(lease_until=now(connection) + LEASE)).rowcount

    return store.writing(work)


def release(store: Store, owner: Owner) -> int:
    """Queues everything again that the owner holds; how many configs that is."""
    held = update(config).where(config.c.state == "running", config.c.owner == str(owner)).values(**_FREED)

    def work(connection: Connection) -> int:
        return connection.execute(held).rowcount

    freed = store.writing(work)
    store.first_queued.clear()
    return freed


def requeue(store: Store, sweep: str | None = None, *, failed: bool = False, killed: bool = False) -> int:
    """Queues configs again that failed or were killed, of one sweep or of all; how many that is."""
    states = [state for state, wanted in (("failed", failed), ("killed", killed)) if wanted]

    def work(connection: Connection) -> int:
        again = update(config).where(config.c.state.in_(states)).values(**_FREED)
        if sweep is not None:
            mine = select(sweep_config.c.config_id).where(sweep_config.c.sweep_id == sweep_id(connection, sweep))
            again = again.where(config.c.id.in_(mine))
        return connection.execute(again).rowcount

    queued = store.writing(work)
    store.first_queued.clear()
    return queued


def reclaim(connection: Connection) -> int:
    """Queues what nobody will finish: the configs of dead processes here, and of others whose lease is over."""
    running = config.c.state == "running"
    lapsed = config.c.lease_until < now(connection)
    freed = 0
    for (text,) in connection.execute(select(config.c.owner).where(running).distinct()).all():
        held = update(config).where(running, config.c.owner == text).values(**_FREED)
        owner = owner_of(text)
        if owner.is_dead:
            freed += connection.execute(held).rowcount
        elif not owner.is_here:
            freed += connection.execute(held.where(lapsed)).rowcount
    return freed


def _take(
    store: Store, connection: Connection, key: int | None, limit: int, seconds: float | None
) -> list[tuple[int, Job]]:
    """Ids and configs that are free, locked against other claims.

    A long sweep that is nearly done has its queued configs at its end: the place where the last claim found its first
    is remembered, and only when nothing is left behind it the search begins at the front again.
    """
    columns = select(config.c.id, config.c.digest, config.c.json, config.c.cost)
    free = columns.where(config.c.state == "queued").limit(limit).with_for_update(of=config, skip_locked=True)
    if key is None:
        return _afford(connection.execute(free.order_by(config.c.id)).all(), seconds)
    listed = free.add_columns(sweep_config.c.position).order_by(sweep_config.c.position)
    listed = listed.where(sweep_config.c.config_id == config.c.id, sweep_config.c.sweep_id == key)
    first = store.first_queued.get(key, 0)
    found = connection.execute(listed.where(sweep_config.c.position >= first)).all()
    if not found and first and connection.execute(select(config.c.id).where(config.c.state == "queued").limit(1)).all():
        found = connection.execute(listed).all()
    if found:
        store.first_queued[key] = found[0].position
    return _afford([(row.id, row.digest, row.json, row.cost) for row in found], seconds)


def _afford(rows: Sequence[tuple[int, str, str, float]], seconds: float | None) -> list[tuple[int, Job]]:
    taken: list[tuple[int, Job]] = []
    spent = 0.0
    for row_id, digest, text, cost in rows:
        if taken and seconds is not None and spent + cost > seconds:
            break
        spent += cost
        taken.append((row_id, Job(digest, text.encode(), cost)))
    return taken


def _hold(connection: Connection, owner: Owner, ids: list[int]) -> None:
    held = update(config).values(state="running", owner=str(owner), lease_until=now(connection) + LEASE)
    for chunk in chunks(ids):
        connection.execute(held.where(config.c.id.in_(chunk)))
