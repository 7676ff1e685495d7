"""How far a sweep is: configs and expected seconds by state, who holds what, and the pace."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, func, select

from store.database.connection import now
from store.database.schema import STATES, attempt, config, sweep_config
from store.queue.owner import Owner, owner_of

PACE_SECONDS = 60.0
"""The time that the pace is taken over, at most."""
PACE_ATTEMPTS = 2000
"""The attempts that it is taken over, at most: a fast cluster finishes a hundred thousand in a minute."""


class Count(msgspec.Struct, frozen=True):
    """A number of configs, and the seconds that measuring them is expected to take."""

    configs: int = 0
    cost: float = 0.0


class Holder(msgspec.Struct, frozen=True):
    """A process that holds configs: how many, their expected seconds, and whether their lease is over."""

    owner: Owner
    configs: int
    cost: float
    has_lapsed: bool

    @property
    def is_gone(self) -> bool:
        """Whether the next claim takes these configs over: their lease is over, or the process is known to be dead."""
        return self.has_lapsed or self.owner.is_dead


class Pace(msgspec.Struct, frozen=True):
    """What was finished in a second of the last minute: configs, and expected seconds of work."""

    configs: float
    cost: float


def counts(connection: Connection, sweep: int | None, held: Sequence[Holder]) -> dict[str, Count]:
    """Configs by state, every state present, of one sweep or of all, whose holders are `held`.

    What holders have that are gone counts as queued, as the next claim makes it.
    """
    columns = select(config.c.state, func.count(), func.sum(config.c.cost)).group_by(config.c.state)
    found = connection.execute(_of_sweep(columns, sweep)).all()
    states = {state: Count() for state in STATES} | {state: Count(number, cost) for state, number, cost in found}
    for holder in held:
        if holder.is_gone:
            free, running = states["queued"], states["running"]
            states["queued"] = Count(free.configs + holder.configs, free.cost + holder.cost)
            states["running"] = Count(running.configs - holder.configs, running.cost - holder.cost)
    return states


def holders(connection: Connection, sweep: int | None) -> list[Holder]:
    """The processes that hold configs of a sweep, or of any; those whose lease is over by the database's clock too."""
    lapsed = has_lapsed(connection).label("lapsed")
    totals = func.count(), func.sum(config.c.cost)
    columns = select(config.c.owner, *totals, lapsed).group_by(config.c.owner, lapsed)
    found = connection.execute(_of_sweep(columns, sweep).where(config.c.state == "running")).all()
    return [Holder(owner_of(owner), number, cost, bool(over)) for owner, number, cost, over in found]


def has_lapsed(connection: Connection) -> ColumnElement[bool]:
    """The condition that the lease of a running config is over, by the clock that it was given by."""
    lapsed: ColumnElement[bool] = config.c.lease_until < now(connection)
    return lapsed


def pace(connection: Connection, sweep: int | None) -> Pace:
    """How fast work was finished lately, by all processes together."""
    # Materialized: the few recent attempts are found first, by their index, whatever the planner would guess.
    recent = select(attempt.c.config_id, attempt.c.started).where(attempt.c.finished > now(connection) - PACE_SECONDS)
    latest = recent.order_by(attempt.c.finished.desc()).limit(PACE_ATTEMPTS)
    found = latest.cte("recent").prefix_with("MATERIALIZED")
    since = now(connection) - func.min(found.c.started)
    columns: Select[*tuple[Any, ...]] = select(func.count(), func.sum(config.c.cost), since)
    columns = columns.where(config.c.id == found.c.config_id)
    number, cost, seconds = connection.execute(_of_sweep(columns, sweep)).one()
    if not number:
        return Pace(0.0, 0.0)
    # Work that began a moment ago is not spread over the whole minute.
    span = min(max(float(seconds), 1.0), PACE_SECONDS)
    return Pace(number / span, (cost or 0.0) / span)


def _of_sweep(statement: Select[*tuple[Any, ...]], sweep: int | None) -> Select[*tuple[Any, ...]]:
    if sweep is None:
        return statement
    return statement.where(sweep_config.c.config_id == config.c.id, sweep_config.c.sweep_id == sweep)
