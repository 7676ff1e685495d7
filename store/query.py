"""The wide table by query: rows of a sweep or of everything, filtered, sorted and cut by the database.

They are kept packed, and the transaction is over before the first of them is shown: a pager that somebody leaves open
holds no lock, and every pass over a table sees the same rows.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from pipeline.errors import InputError
from store.counts import Count, Holder, Pace, counts, holders, pace
from store.engine import Store
from store.fields import FIELDS, field
from store.packed import PackedRows
from store.schema import config, named_columns, result, sweep, sweep_config
from store.sweeps import sweep_id
from store.table import Table

_FETCHED = 200
"""Rows that are unpacked at once."""


class Status(msgspec.Struct, frozen=True):
    """How far a sweep, or everything, is: configs and expected seconds by state, who holds some, the pace.

    States are those that the next claim finds: what processes held that are gone counts as queued.
    """

    sweep: str | None
    states: dict[str, Count]
    holders: list[Holder]
    pace: Pace

    @property
    def configs(self) -> int:
        """All configs, whatever their state."""
        return sum(count.configs for count in self.states.values())


class SweepLine(msgspec.Struct, frozen=True):
    """One sweep of the store: its name, when it was submitted (seconds since the epoch), its configs by state."""

    name: str
    created_at: float
    states: dict[str, int]

    @property
    def configs(self) -> int:
        """All configs of the sweep."""
        return sum(self.states.values())


def rows(
    store: Store,
    sweep: str | None = None,
    *,
    where: str | None = None,
    columns: Sequence[str] | None = None,
    sort: Sequence[str] = (),
    limit: int | None = None,
) -> Table:
    """Rows of the wide table, in the order of the sweep, or of submission where none is named.

    `where` is an expression (`store.where`), `columns` are names of fields (all of them), `sort` are names, a dash in
    front for descending; NULL comes last both ways. Arrays are never read.
    Raises InputError for a sweep, a column or an expression that cannot be used.
    """
    known = named_columns()
    if sweep is not None:
        known["position"] = sweep_config.c.position
        known["config"] = func.coalesce(sweep_config.c.label, config.c.stem)
    names = [each.name for each in FIELDS if each.name in known] if columns is None else list(columns)
    shown = [_known(known, name).label(name) for name in names]
    joined: Any = config.outerjoin(result, result.c.config_id == config.c.id)
    if sweep is not None:
        joined = joined.join(sweep_config, sweep_config.c.config_id == config.c.id)
    statement = select(*shown).select_from(joined)
    if where is not None:
        from store.where import parse
        from store.where_sql import where_clause
        from store.where_tree import fields_of

        condition = parse(where)
        for name in fields_of(condition):
            _known(known, name)
        statement = statement.where(where_clause(condition, known, store.dialect))
    for name in sort:
        column = _known(known, name.removeprefix("-"))
        statement = statement.order_by((column.desc() if name.startswith("-") else column.asc()).nulls_last())
    statement = statement.order_by(config.c.id if sweep is None else sweep_config.c.position)
    if limit is not None:
        statement = statement.limit(limit)

    def work(connection: Connection) -> PackedRows:
        found = statement
        if sweep is not None:
            found = found.where(sweep_config.c.sweep_id == sweep_id(connection, sweep))
        read = connection.execution_options(yield_per=_FETCHED).execute(found)
        return PackedRows(tuple(row) for row in read)

    return Table(tuple(names), store.reading(work))


def count(store: Store, sweep: str | None = None) -> int:
    """The number of rows of a sweep, or of everything."""

    def work(connection: Connection) -> int:
        if sweep is None:
            statement = select(func.count()).select_from(config)
        else:
            key = sweep_id(connection, sweep)
            statement = select(func.count()).select_from(sweep_config).where(sweep_config.c.sweep_id == key)
        return connection.execute(statement).scalar_one()

    return store.reading(work)


def _known(known: dict[str, Any], name: str) -> Any:
    found = known.get(name)
    if found is None:
        raise InputError(f"the column {field(name).name} is a place in a sweep; name the sweep")
    return found


def status(store: Store, sweep: str | None = None) -> Status:
    """How far one sweep is, or everything together."""

    def work(connection: Connection) -> Status:
        key = None if sweep is None else sweep_id(connection, sweep)
        held = holders(connection, key)
        living = [holder for holder in held if not holder.is_gone]
        return Status(sweep, counts(connection, key, held), living, pace(connection, key))

    return store.reading(work)


def sweeps(store: Store) -> list[SweepLine]:
    """Every sweep, the oldest first."""

    def work(connection: Connection) -> list[SweepLine]:
        listed = connection.execute(select(sweep.c.id, sweep.c.name, sweep.c.created_at).order_by(sweep.c.id)).all()
        numbers: dict[int, dict[str, int]] = {}
        joined = sweep_config.join(config, config.c.id == sweep_config.c.config_id)
        grouped = select(sweep_config.c.sweep_id, config.c.state, func.count()).select_from(joined)
        for key, state, number in connection.execute(grouped.group_by(sweep_config.c.sweep_id, config.c.state)):
            numbers.setdefault(key, {})[state] = number
        for key, found in numbers.items():
            if found.get("running"):  # by processes that may be gone
                exact = counts(connection, key, holders(connection, key))
                found.update({state: count.configs for state, count in exact.items()})
        return [SweepLine(name, created, numbers.get(key, {})) for key, name, created in listed]

    return store.reading(work)
