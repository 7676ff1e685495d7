"""The wide table by query: rows of a sweep or of everything, filtered, sorted and cut by the database.

They are kept packed, and the transaction is over before the first of them is shown: a pager that somebody leaves open
holds no lock, and every pass over a table sees the same rows.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, func, or_, select

from pipeline.errors import InputError
from store.asking.fields import FIELDS, field
from store.asking.packed import PackedRows
from store.asking.table import Table
from store.asking.values import COLUMNS, Reader, damages, is_of_wrong_type, raw
from store.database.connection import Store
from store.database.schema import config, named_columns, result, sweep, sweep_config
from store.queue.states import Count, Holder, Pace, counts, holders, pace
from store.queue.sweep_ids import sweep_id

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

    @property
    def seconds_left(self) -> float | None:
        """Seconds until nothing is left at the present pace; None where nothing goes on."""
        left = sum(self.states[state].cost for state in ("queued", "running"))
        if not left:
            return 0.0
        return left / self.pace.cost if self.pace.cost else None


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

    `where` is an expression (`store.asking.where`), `columns` are names of fields (all of them), `sort` are names, a
    dash in front for descending; NULL comes last both ways. Arrays are never read. Rows with a damaged value in what is
    asked for are left out and told to the store's `damages`.
    Raises InputError for a sweep, a column or an expression that cannot be used.
    """
    known = named_columns()
    if sweep is not None:
        known["position"] = sweep_config.c.position
        known["config"] = func.coalesce(sweep_config.c.label, config.c.stem)
    names = [each.name for each in FIELDS if each.name in known] if columns is None else list(columns)
    condition, asked = _condition(store, known, where)
    sorted_by = [name.removeprefix("-") for name in sort]
    read = [*names, *(name for name in dict.fromkeys((*asked, *sorted_by)) if name not in names)]
    shown = [raw(_known(known, name)).label(name) for name in read]
    joined: Any = config.outerjoin(result, result.c.config_id == config.c.id)
    if sweep is not None:
        joined = joined.join(sweep_config, sweep_config.c.config_id == config.c.id)
    statement = select(config.c.id.label("key"), raw(config.c.digest).label("key_digest"), *shown).select_from(joined)
    if condition is not None:
        statement = statement.where(condition)
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
        with connection.execution_options(yield_per=_FETCHED).execute(found) as fetched:
            return _packed(store, fetched, read, len(names))

    return Table(tuple(names), store.reading(work))


def _condition(store: Store, known: dict[str, Any], where: str | None) -> tuple[Any, list[str]]:
    """The condition of an expression, None where there is none, and the fields that it asks.

    In SQLite it is true of rows whose numbers are none, too: they are read, found damaged and told.
    """
    if where is None:
        return None, []
    from store.asking.where import parse
    from store.asking.where_sql import where_clause
    from store.asking.where_tree import fields_of

    tree = parse(where)
    asked = {name: _known(known, name) for name in sorted(fields_of(tree))}
    condition = where_clause(tree, known, store.dialect)
    if store.dialect == "sqlite":
        wrong = (is_of_wrong_type(column, COLUMNS[name]) for name, column in asked.items())
        condition = or_(condition, *(each for each in wrong if each is not None))
    return condition, [*asked]


def _packed(store: Store, found: Iterable[Sequence[Any]], names: Sequence[str], count: int) -> PackedRows:
    """The first `count` values of rows that hold their key, their digest and these fields; damaged ones are told."""
    reader, packed = Reader([COLUMNS[name] for name in names]), PackedRows()
    for key, digest, *row in found:
        values = reader.read(row)
        if values is not None:
            packed.append(values[:count])
            continue
        for damage in reader.damages(row, key, digest):
            store.damages.tell(damage)
    return packed


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
        columns = [sweep.c.name, sweep.c.created_at]
        found = connection.execute(select(sweep.c.id, *map(raw, columns)).order_by(sweep.c.id)).all()
        bad = [damage for row in found for damage in damages(columns, row[1:], row[0])]
        for damage in bad:
            store.damages.tell(damage)
        listed = [row for row in found if str(row[0]) not in {damage.row for damage in bad}]
        numbers: dict[int, dict[str, int]] = {}
        joined = sweep_config.join(config, config.c.id == sweep_config.c.config_id)
        grouped = select(sweep_config.c.sweep_id, config.c.state, func.count()).select_from(joined)
        for key, state, number in connection.execute(grouped.group_by(sweep_config.c.sweep_id, config.c.state)):
            numbers.setdefault(key, {})[state] = number
        for key, states in numbers.items():
            if states.get("running"):  # by processes that may be gone
                exact = counts(connection, key, holders(connection, key))
                states.update({state: count.configs for state, count in exact.items()})
        return [SweepLine(name, created, numbers.get(key, {})) for key, name, created in listed]

    return store.reading(work)
