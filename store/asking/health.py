"""What a reader should know of results before trusting them, counted by queries that read no arrays."""

from typing import Any

import msgspec
from sqlalchemy import Connection, Select, and_, case, func, not_, or_, select

from store.database.connection import Store
from store.database.schema import config, result, sweep_config
from store.queue.sweep_ids import sweep_id

WIDEST = 50
"""Stems that are named where the windows of many leave their planes."""


class Health(msgspec.Struct, frozen=True):
    """How many configs there are, and how many of them a reader should look at.

    dead: no probe's gradient reaches the input. thin: fewer than half of the probes have a gradient. of_one_channel:
    dead or thin, and not the sum of all channels. cut_off: the window leaves the plane, which is not by a global layer.
    off_centre: cut off, and of a unit whose place was written, which no plane need hold. widest: (stem, channels of its
    input) of the others that are cut off, the widest windows first, at most 50.
    """

    configs: int
    dead: int
    thin: int
    of_one_channel: int
    cut_off: int
    off_centre: int
    failed: int
    killed: int
    widest: tuple[tuple[str, int], ...] = ()


def health(store: Store, sweep: str | None = None) -> Health:
    """Counts the configs of one sweep, or of everything."""
    thin = and_(not_(result.c.dead), 2 * (result.c.n_zero + result.c.n_nan) > config.c.probes_count)
    one_channel = and_(or_(result.c.dead, thin), config.c.channel != "sum")
    cut_off = and_(result.c.saturated, not_(result.c.is_global))
    off_centre = and_(cut_off, not_(config.c.json.contains('"position":"center"')))
    states = (config.c.state == "failed", config.c.state == "killed")
    numbers = [_number(condition) for condition in (result.c.dead, thin, one_channel, cut_off, off_centre, *states)]

    def work(connection: Connection) -> Health:
        key = None if sweep is None else sweep_id(connection, sweep)
        found = connection.execute(_of_sweep(select(func.count(), *numbers), key)).one()
        made = Health(*found)
        if made.cut_off == made.off_centre:
            return made
        columns = config.c.stem, config.c.channels
        widest = func.max(result.c.theo_rf + result.c.theo_rf_y).desc()
        listed = select(*columns).where(cut_off, not_(off_centre)).group_by(*columns).order_by(widest).limit(WIDEST)
        stems = tuple((stem, channels) for stem, channels in connection.execute(_of_sweep(listed, key)))
        return msgspec.structs.replace(made, widest=stems)

    return store.reading(work)


def _of_sweep(statement: Select[*tuple[Any, ...]], key: int | None) -> Select[*tuple[Any, ...]]:
    joined: Any = config.outerjoin(result, result.c.config_id == config.c.id)
    if key is None:
        return statement.select_from(joined)
    joined = joined.join(sweep_config, sweep_config.c.config_id == config.c.id)
    return statement.select_from(joined).where(sweep_config.c.sweep_id == key)


def _number(condition: Any) -> Any:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)
