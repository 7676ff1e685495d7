"""The wide table by query: rows of a sweep or of everything, filtered, sorted and cut by the database.

They are kept packed, and the transaction is over before the first of them is shown: a pager that somebody leaves open
holds no lock, and every pass over a table sees the same rows.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, func, literal, or_, select

from pipeline.sweep.summary import summary
from store.asking.fields import field
from store.asking.packed import PackedRows
from store.asking.table import Table
from store.asking.values import Reader, damages, is_of_wrong_type, raw
from store.asking.where_tree import Condition, fields_of
from store.database.connection import Store
from store.database.fields import COLUMNS, joined, named_columns
from store.database.groups import PLACES
from store.database.schema import config, sweep, sweep_config
from store.database.types import TEXT
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
    """One sweep of the store: its name, when it was submitted (seconds since the epoch), its configs by state.

    `description` says what it is, in a line: what its file says, else its stems and axes.
    """

    name: str
    created_at: float
    states: dict[str, int]
    description: str = ""

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
    offset: int = 0,
    digests: Collection[str] | None = None,
) -> Table:
    """Rows of the wide table, in the order of the sweep, or of submission where none is named.

    `where` is an expression (`store.asking.where`), `columns` are names of fields (None: all but places), `sort` are
    names, a dash in front for descending; NULL comes last both ways. With `limit`, the first `offset` rows are left
    out. Where no sweep is named and a field of places is asked for, a config has a row for each sweep that holds it.
    `digests`, a few hundred, are of the only configs that have rows (None: all). Arrays are never read. Rows with a
    damaged value in what is asked for are left out and told to the store's `damages`.
    Raises InputError for a sweep, a column or an expression that cannot be used.
    """
    tree = _parsed(where)
    sorted_by = [field(name.removeprefix("-")).name for name in sort]
    by_place = is_by_place(sweep, columns or (), where, sort)
    known = named_columns(by_place=by_place)
    if sweep is not None:
        known["sweep"] = literal(sweep, TEXT)
    names = list(known) if columns is None else [field(name).name for name in columns]
    condition, asked = _condition(store, known, tree)
    read = [*names, *(name for name in dict.fromkeys((*asked, *sorted_by)) if name not in names)]
    order = _order(known, sort, sweep, by_place=by_place)

    def statement(connection: Connection) -> Select[*tuple[Any, ...]]:
        key = None if sweep is None else sweep_id(connection, sweep)
        # First the keys of the rows alone, from the tables that decide them; then all that is shown, of these few.
        deciding = [*asked, *sorted_by] if limit is not None else read
        tables = joined(by_place=by_place, fields=deciding)
        keys = select(config.c.id.label("key"), *([sweep_config.c.sweep_id.label("sweep_key")] if by_place else []))
        shown = select(config.c.id.label("key"), raw(config.c.digest), *(raw(known[name]).label(name) for name in read))
        found = (shown if limit is None else keys).select_from(tables)
        if key is not None:
            found = found.where(sweep_config.c.sweep_id == key)
        if condition is not None:
            found = found.where(condition)
        if digests is not None:
            found = found.where(config.c.digest.in_(digests))
        if limit is None:
            return found.order_by(*order)
        if key is None and store.dialect == "sqlite":
            # Else SQLite scans the index of digests, in whose order it finds results five times as slowly.
            found = found.where(func.typeof(config.c.stem) != "")
        chosen = found.order_by(*order).limit(limit).offset(offset).subquery("chosen")
        return shown.select_from(joined(by_place=by_place, fields=read, chosen=chosen)).order_by(*order)

    def work(connection: Connection) -> PackedRows:
        with connection.execution_options(yield_per=_FETCHED).execute(statement(connection)) as fetched:
            return _packed(store, fetched, read, len(names))

    return Table(tuple(names), store.reading(work))


def _order(known: dict[str, Any], sort: Sequence[str], sweep: str | None, *, by_place: bool) -> list[Any]:
    """What rows are sorted by: these fields, then their places in the sweep or their submission."""
    order: list[Any] = []
    for written in sort:
        column = known[field(written.removeprefix("-")).name]
        order.append((column.desc() if written.startswith("-") else column.asc()).nulls_last())
    if sweep is not None:
        return [*order, sweep_config.c.position]
    places = (sweep_config.c.sweep_id, sweep_config.c.position) if by_place else ()
    return [*order, *(each.asc().nulls_last() for each in places), config.c.id]


def is_by_place(
    sweep: str | None, columns: Sequence[str] = (), where: str | None = None, sort: Sequence[str] = ()
) -> bool:
    """Whether `rows` has a row for each place of a config in a sweep, and not one for each config."""
    if sweep is not None:
        return True
    tree = _parsed(where)
    asked = [*columns, *(name.removeprefix("-") for name in sort), *(fields_of(tree) if tree else ())]
    return not set(PLACES).isdisjoint(asked)


def _parsed(where: str | None) -> Condition | None:
    if where is None:
        return None
    from store.asking.where import parse

    return parse(where)


def _condition(store: Store, known: dict[str, Any], tree: Condition | None) -> tuple[Any, list[str]]:
    """The condition of an expression, None where there is none, and the fields that it asks.

    In SQLite it is true of rows whose numbers are none, too: they are read, found damaged and told.
    """
    if tree is None:
        return None, []
    from store.asking.where_sql import where_clause

    asked = {name: known[name] for name in sorted(fields_of(tree))}
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


def count(store: Store, sweep: str | None = None, *, where: str | None = None, by_place: bool = False) -> int:
    """The number of rows of a sweep, or of everything: of configs, or of their places.

    With `where`, of those that `rows` reads for it, damaged ones among them. Raises InputError as `rows` does.
    """
    tree = _parsed(where)
    by_place = by_place or is_by_place(sweep, where=where)
    condition, asked = _condition(store, named_columns(by_place=by_place), tree)

    def work(connection: Connection) -> int:
        key = None if sweep is None else sweep_id(connection, sweep)
        if key is not None and condition is None:
            tables: Any = sweep_config
        else:
            tables = joined(by_place=by_place, fields=asked)
        statement = select(func.count()).select_from(tables)
        if condition is not None:
            statement = statement.where(condition)
        if key is not None:
            statement = statement.where(sweep_config.c.sweep_id == key)
        return connection.execute(statement).scalar_one()

    return store.reading(work)


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
        columns = [sweep.c.name, sweep.c.created_at, sweep.c.spec]
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
        return [
            SweepLine(name, created, numbers.get(key, {}), summary(msgspec.json.decode(spec)))
            for key, name, created, spec in listed
        ]

    return store.reading(work)
