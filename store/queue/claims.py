"""The queue: processes claim configs, hold them by a lease, and give them back.

States: queued -> running -> done, failed or killed.

Nothing is measured twice: a claim takes the lock of the whole file on SQLite, and that of each row on PostgreSQL.

A process that died may have died of what it had claimed. Such configs are queued as suspected until they are measured,
so that no other process dies of them: engines measure them in worker processes.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from math import inf
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, case, or_, select, update

from pipeline.job import Job
from pipeline.limits import SIGNS, Limits, is_wider
from pipeline.queue import LEASE
from store.database.connection import Store, now
from store.database.rows import chunks
from store.database.schema import FREED, attempt, config, sweep_config
from store.queue.owner import Owner, owner_of
from store.queue.states import has_lapsed
from store.queue.sweep_ids import sweep_id

SUSPECTED = "suspected"
"""In place of the owner of a queued config that a process may have died of."""

MOST = 4000
"""Configs that are claimed together, at most: their claim takes some 10 ms."""
FEW = 250
"""Costs that are read first: of long configs they say enough."""
LEAST_SECONDS = 0.03
"""Expected work that is worth a claim of its own, which takes some milliseconds."""


def claim(
    store: Store,
    owner: Owner,
    sweep: str | None = None,
    *,
    limit: int = MOST,
    seconds: float | None = None,
    least: int = 1,
) -> list[Job]:
    """Takes queued configs, in the order of the sweep (of all of them: of submission), and holds them for 60 s.

    At most `limit`. With `seconds`, about as many as make up so much expected work, but no more than a fair share of
    what is left, so that short sweeps are shared too, and at least `least`. What dead processes and lapsed leases held
    is queued again first. An empty list says that nothing is free now; others may still give back.
    """

    def work(connection: Connection) -> list[Job]:
        owners = 1 + _reclaim(connection, owner)
        key = None if sweep is None else sweep_id(connection, sweep)
        enough = inf if seconds is None else 2 * max(owners, 2) * seconds
        first, costs, is_all = _first_free(store, connection, key, limit, enough)
        number = len(costs) if seconds is None else max(least, _share(costs, owners, seconds, is_all=is_all))
        taken = _free(connection, key, first, number)
        if taken:
            _hold(connection, owner, [row.id for row in taken])
        if taken:
            store.first_queued[key] = taken[0].place
        return [Job(row.digest, row.json.encode(), row.cost, row.owner == SUSPECTED) for row in taken]

    claimed = store.writing(work)
    store.suspected.update(job.digest for job in claimed if job.suspected)
    return claimed


def held(store: Store, owner: Owner) -> set[str]:
    """The digests of the configs that the owner holds."""
    mine = select(config.c.digest).where(config.c.state == "running", config.c.owner == str(owner))
    return store.reading(lambda connection: set(connection.execute(mine).scalars()))


def renew(store: Store, owner: Owner) -> int:
    """Makes everything that the owner holds last 60 s from now; how many configs that is. Due every 15 s."""

    def work(connection: Connection) -> int:
        mine = update(config).where(config.c.state == "running", config.c.owner == str(owner))
        return connection.execute(mine.values(lease_until=now(connection) + LEASE)).rowcount

    return store.writing(work)


def release(store: Store, owner: Owner) -> int:
    """Queues everything again that the owner holds, what was suspected as suspected; how many configs that is."""
    mine = update(config).where(config.c.state == "running", config.c.owner == str(owner))

    def work(connection: Connection) -> int:
        freed = 0
        for chunk in chunks(sorted(store.suspected)):
            suspected = mine.where(config.c.digest.in_(chunk)).values(**FREED | {"owner": SUSPECTED})
            freed += connection.execute(suspected).rowcount
        return freed + connection.execute(mine.values(**FREED)).rowcount

    freed = store.writing(work)
    store.suspected.clear()
    store.first_queued.clear()
    return freed


def requeue(store: Store, sweep: str | None = None, *, failed: bool = False, killed: bool = False) -> int:
    """Queues configs again that failed or were killed (as suspected), of one sweep or of all; how many that is."""
    owner = case((config.c.state == "killed", SUSPECTED), else_=None)
    states = [state for state, wanted in (("failed", failed), ("killed", killed)) if wanted]

    def work(connection: Connection) -> int:
        again = update(config).where(config.c.state.in_(states)).values(**FREED | {"owner": owner})
        if sweep is not None:
            mine = select(sweep_config.c.config_id).where(sweep_config.c.sweep_id == sweep_id(connection, sweep))
            again = again.where(config.c.id.in_(mine))
        return connection.execute(again).rowcount

    queued = store.writing(work)
    store.first_queued.clear()
    return queued


def under_narrower(store: Store, sweep: str | None, limits: Limits) -> dict[str, float]:
    """Configs, of one sweep or of all, that failed for a limit which is wider now: expected seconds by digest."""
    return store.reading(
        lambda connection: {row.digest: row.cost for row in _under_narrower(connection, sweep, limits)}
    )


def requeue_wider(store: Store, sweep: str | None, limits: Limits) -> int:
    """Queues those again; how many that is."""

    def work(connection: Connection) -> int:
        ids = [row.id for row in _under_narrower(connection, sweep, limits)]
        for chunk in chunks(ids):
            again = update(config).where(config.c.state == "failed", config.c.id.in_(chunk))
            connection.execute(again.values(**FREED))
        return len(ids)

    queued = store.writing(work)
    store.first_queued.clear()
    return queued


def _under_narrower(connection: Connection, sweep: str | None, limits: Limits) -> list[Any]:
    """Rows of id, digest, cost and message."""
    last = and_(attempt.c.config_id == config.c.id, attempt.c.number == config.c.attempts)
    failed = select(config.c.id, config.c.digest, config.c.cost, attempt.c.message).where(config.c.state == "failed")
    refused = failed.where(last, or_(*(attempt.c.message.contains(word) for word in SIGNS)))
    if sweep is not None:
        refused = refused.where(sweep_config.c.config_id == config.c.id)
        refused = refused.where(sweep_config.c.sweep_id == sweep_id(connection, sweep))
    rows = connection.execute(refused).all()
    return [row for row in rows if is_wider(limits, row.message)]


def _reclaim(connection: Connection, me: Owner) -> int:
    """Queues as suspected what nobody will finish: the configs of dead processes and of lapsed leases.

    Returns how many other processes go on.

    Rows that another transaction has locked are left to the next claim. What `me` holds stays its own: others may take
    it over, but who is here to claim is here to renew.
    """
    running = config.c.state == "running"
    living = 0
    for text in connection.execute(select(config.c.owner).where(running).distinct()).scalars().all():
        if text == str(me):
            continue
        lost = select(config.c.id).where(running, config.c.owner == text)
        if not owner_of(text).is_dead:
            living += 1
            lost = lost.where(has_lapsed(connection))
        ids = lost.with_for_update(skip_locked=True)
        connection.execute(update(config).where(config.c.id.in_(ids)).values(**FREED | {"owner": SUSPECTED}))
    return living


def _queued(connection: Connection, key: int | None, first: int, *columns: Any) -> Select[*tuple[Any, ...]]:
    """Queued configs in their order from a place on: those of a sweep by position, or all of them by id."""
    state: ColumnElement[str] = config.c.state
    if connection.dialect.name == "sqlite":
        state = state.concat("")  # keeps SQLite from its index on states, by which it would sort the whole queue
    free = select(*columns).where(state == "queued")
    if key is None:
        return free.where(config.c.id >= first).order_by(config.c.id)
    listed = free.where(sweep_config.c.config_id == config.c.id, sweep_config.c.sweep_id == key)
    return listed.where(sweep_config.c.position >= first).order_by(sweep_config.c.position)


def _first_free(
    store: Store, connection: Connection, key: int | None, limit: int, enough: float
) -> tuple[int, Sequence[float], bool]:
    """A place that no queued config comes before, and the expected seconds of the first queued ones.

    These are at most `limit`, fewer if they make up `enough` seconds; the last value says whether there are no others.
    A long queue that is nearly done has its queued configs at its end: the place where the last claim found its first
    is remembered, and only when nothing is left behind it the search begins at the front again. Nothing is locked.
    """

    def behind(place: int) -> tuple[int, Sequence[float], bool]:
        costs: Sequence[float] = ()
        for number in sorted({min(FEW, limit), limit}):
            costs = connection.execute(_queued(connection, key, place, config.c.cost).limit(number)).scalars().all()
            if len(costs) < number:
                return place, costs, True
            if sum(costs) >= enough:
                break
        return place, costs, False

    first = store.first_queued.get(key, 0)
    found = behind(first)
    anywhere = select(config.c.id).where(config.c.state == "queued").limit(1)
    if found[1] or not first or connection.execute(anywhere).first() is None:
        return found
    return behind(0)


def _share(costs: Sequence[float], owners: int, seconds: float, *, is_all: bool) -> int:
    """How many configs one claim may take: half of what each of so many processes would get of what is left.

    `costs` are the expected seconds of what is left. One that is alone leaves a share to a second that may come. Where
    they are not all, there is enough for everyone, and a claim takes half of them.
    """
    spent = list(accumulate(costs, initial=0.0))
    shares = 2 * max(owners, 2) if is_all else 2
    return bisect_right(spent, min(seconds, max(spent[-1] / shares, LEAST_SECONDS))) - 1


def _free(connection: Connection, key: int | None, first: int, number: int) -> Sequence[Row[Any]]:
    """So many free configs, locked against other claims; those that others have locked are passed over."""
    columns = [config.c.id, config.c.digest, config.c.json, config.c.cost, config.c.owner]
    place = config.c.id if key is None else sweep_config.c.position
    free = _queued(connection, key, first, *columns, place.label("place")).limit(number)
    return connection.execute(free.with_for_update(of=config, skip_locked=True)).all()


def _hold(connection: Connection, owner: Owner, ids: list[int]) -> None:
    ours = update(config).values(state="running", owner=str(owner), lease_until=now(connection) + LEASE)
    for chunk in chunks(ids):
        connection.execute(ours.where(config.c.id.in_(chunk)))
