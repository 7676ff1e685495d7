"""Sweeps: named, ordered lists of configs. Submitting one queues what no sweep had asked for before."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec
from sqlalchemy import Connection, bindparam, delete, exists, func, insert, select, update

from pipeline.config import Config, encode
from pipeline.errors import InputError, quote
from pipeline.sweep.names import Labelled, check_new_name
from store.database.connection import Store
from store.database.rows import chunks, insert_rows
from store.database.schema import UNMEASURED, sweep_config
from store.database.schema import config as config_table
from store.database.schema import sweep as sweep_table
from store.queue.of_config import following
from store.queue.orphans import orphans
from store.queue.provenance import Origin, origin
from store.queue.states import Count, counts, holders
from store.queue.sweep_ids import sweep_id

if TYPE_CHECKING:
    from pipeline.sweep.sweep import Sweep

Mode: TypeAlias = Literal["new", "append", "replace"]


class Submission(msgspec.Struct, frozen=True):
    """What a submission came to: the sweep's configs, how many this added to it, how many no sweep knew, by state.

    `orphans` are configs that belong to no sweep any more, after a list was replaced.
    """

    sweep: str
    configs: int
    added: int
    new: int
    states: dict[str, Count]
    orphans: int = 0


class Removal(msgspec.Struct, frozen=True):
    """What `remove` took away, what it kept for other sweeps, and what belongs to no sweep at all."""

    sweep: str
    removed: int
    kept: int
    orphans: int


def submit(
    store: Store,
    name: str,
    spec: Mapping[str, Any],
    configs: Iterable[Labelled],
    origin: Origin | Callable[[], Origin],
    mode: Mode = "new",
    *,
    cost: Callable[[Config], float] | None = None,
) -> Submission:
    """Stores a sweep and queues its configs, in one transaction, reading them as it goes.

    It is tried again while the server is away, if `configs` can be read again (it is no iterator) and nothing is
    appended.

    A position counts the distinct configs before; a config that comes again keeps its first place and label. `cost` is
    in expected seconds. A sweep of that name with the same list takes nothing but new labels; its origin stays, and
    `origin`, where it is a function, is not called. `append` puts what is new at its end,
    `replace` takes the list for the old one (results stay; configs not yet measured that no sweep wants any more go).
    Raises InputError for a name that no new sweep can have, or that has another list in mode `new`.
    """

    def work(connection: Connection) -> Submission:
        return _submit(connection, name, spec, configs, origin, mode, cost)

    if isinstance(configs, Iterator) or mode == "append":
        with store.reshape() as connection:
            submission = work(connection)
    else:
        submission = store.reshaping(work)
    store.first_queued.clear()
    return submission


def submit_sweep(
    store: Store,
    found: "Sweep",
    configs: Iterable[Labelled],
    mode: Mode = "new",
    *,
    cost: Callable[[Config], float] | None = None,
) -> Submission:
    """Stores a sweep as this process submits it, see `submit`. `configs` are those of the sweep, in its order."""
    # The origin takes longer than all the rest of a sweep that is there as it is asked for.
    is_there = mode == "new" and specs(store, found.name) is not None
    return submit(store, found.name, found.spec, configs, origin if is_there else origin(), mode, cost=cost)


def _submit(
    connection: Connection,
    name: str,
    spec: Mapping[str, Any],
    configs: Iterable[Labelled],
    origin: Origin | Callable[[], Origin],
    mode: Mode,
    cost: Callable[[Config], float] | None,
) -> Submission:
    found = connection.execute(select(sweep_table.c.id, sweep_table.c.spec).filter_by(name=name)).one_or_none()
    if found is None:
        check_new_name(name, spec)
    elif mode == "new":
        labels = _labels_of_same(connection, found.id, configs)
        if labels is None:
            raise InputError(
                f"the sweep {quote(name)} exists with another list; use --append, --replace or another name"
            )
        if _relabel(connection, found.id, labels):
            again = update(sweep_table).where(sweep_table.c.id == found.id)
            connection.execute(again.values(spec=msgspec.json.encode([spec]).decode()))
        return _submission(connection, found.id, name, added=0, new=0)
    specs: list[Any] = msgspec.json.decode(found.spec) if found and mode == "append" else []
    if not isinstance(origin, Origin):
        origin = origin()
    written = {
        "spec": msgspec.json.encode([*specs, spec]).decode(),
        "argv": msgspec.json.encode(origin.argv).decode(),
        "versions": msgspec.json.encode(origin.versions).decode(),
        **{field: getattr(origin, field) for field in ("git_commit", "git_dirty", "host", "created_at")},
    }
    if found is None:
        key = _next(connection, sweep_table.c.id)
        connection.execute(insert(sweep_table).values(id=key, name=name, **written))
    else:
        key = found.id
        connection.execute(update(sweep_table).where(sweep_table.c.id == key).values(**written))
        if mode == "replace":
            connection.execute(delete(sweep_config).where(sweep_config.c.sweep_id == key))
    added, new = _extend(connection, key, configs, cost)
    if mode == "replace":
        _drop_unwanted(connection)
    submission = _submission(connection, key, name, added, new)
    if mode == "replace":
        submission = msgspec.structs.replace(submission, orphans=orphans(connection))
    return submission


def known(store: Store, configs: Iterable[Labelled]) -> Iterator[tuple[Labelled, str | None]]:
    """Each config with its state in the store, None where it is new; nothing is written.

    What a process holds that is gone is `queued`, as the next claim makes it.
    """
    holding = store.reading(lambda connection: holders(connection, None))
    gone = {str(holder.owner) for holder in holding if holder.is_gone}
    for chunk in chunks(configs):
        digests = [each.config.digest for each in chunk]
        by_digest = {digest: each.config for digest, each in zip(digests, chunk, strict=True)}
        found, moved = store.reading(partial(_found, configs=by_digest))
        states = {digest: "queued" if owner in gone else state for digest, state, owner in found}
        states |= {digest: "queued" for _, digest, _ in moved if states[digest] == "failed"}
        yield from ((each, states.get(digest)) for each, digest in zip(chunk, digests, strict=True))


def _found(connection: Connection, configs: Mapping[str, Config]) -> tuple[Sequence[Any], list[tuple[int, str, str]]]:
    """(digest, state, owner) of configs by digest that are there, and what `_moved` says of them."""
    columns = config_table.c.digest, config_table.c.state, config_table.c.owner
    listed = select(*columns).where(config_table.c.digest.in_(list(configs)))
    return connection.execute(listed).all(), _moved(connection, configs)


def remove(store: Store, name: str, *, force: bool = False) -> Removal:
    """Removes a sweep, and every config and result of it that no other sweep uses.

    Raises InputError where a process is measuring some of it, unless `force`: that process then finds nothing to save
    to, and ends with a sentence.
    """

    def work(connection: Connection) -> Removal:
        key = sweep_id(connection, name)
        living = [holder for holder in holders(connection, key) if not holder.is_gone]
        if living and not force:
            held = ", ".join(f"{holder.owner.place} holds {holder.configs}" for holder in living)
            raise InputError(f"the sweep {quote(name)} is being measured ({held}); end that first, or add --force")
        mine = select(sweep_config.c.config_id).where(sweep_config.c.sweep_id == key)
        others = sweep_config.alias("others")
        wanted = exists().where(others.c.config_id == config_table.c.id, others.c.sweep_id != key)
        total = connection.execute(select(func.count()).select_from(mine.subquery())).scalar_one()
        removed = connection.execute(delete(config_table).where(config_table.c.id.in_(mine), ~wanted)).rowcount
        connection.execute(delete(sweep_table).where(sweep_table.c.id == key))
        return Removal(name, removed, total - removed, orphans(connection))

    removal = store.reshaping(work)
    store.first_queued.clear()
    return removal


def specs(store: Store, name: str) -> tuple[dict[str, Any], ...] | None:
    """What a sweep was written as, one mapping for each submission, None where there is no sweep of that name."""
    named = select(sweep_table.c.spec).where(sweep_table.c.name == name)
    spec = store.reading(lambda connection: connection.execute(named).scalar())
    return None if spec is None else tuple(msgspec.json.decode(spec))


def _submission(connection: Connection, key: int, name: str, added: int, new: int) -> Submission:
    states = counts(connection, key, holders(connection, key))
    return Submission(name, sum(count.configs for count in states.values()), added, new, states)


def _next(connection: Connection, column: Any) -> int:
    last: int | None = connection.execute(select(func.max(column))).scalar()
    return 1 if last is None else last + 1


def _extend(
    connection: Connection, key: int, configs: Iterable[Labelled], cost: Callable[[Config], float] | None
) -> tuple[int, int]:
    """Appends what the sweep does not hold yet; how many that is, and how many of them the store did not know."""
    listed = sweep_config.c.sweep_id == key
    last: int | None = connection.execute(select(func.max(sweep_config.c.position)).where(listed)).scalar()
    first = position = 0 if last is None else last + 1
    start = fresh = _next(connection, config_table.c.id)
    for chunk in chunks(configs):
        distinct: dict[str, Labelled] = {}
        for each in chunk:
            distinct.setdefault(each.config.digest, each)
        by_digest = select(config_table.c.digest, config_table.c.id).where(config_table.c.digest.in_(list(distinct)))
        ids = dict(connection.execute(by_digest).all())
        _repoint(connection, {digest: each.config for digest, each in distinct.items() if digest in ids})
        held: set[int] = set()
        if ids and position:
            among = select(sweep_config.c.config_id).where(listed, sweep_config.c.config_id.in_(list(ids.values())))
            held.update(connection.execute(among).scalars())
        made, places = [], []
        for digest, (config, label) in distinct.items():
            if digest not in ids:
                seconds = 0.0 if cost is None else cost(config)
                ids[digest] = fresh
                made.append((fresh, digest, encode(config).decode(), *_described(config, seconds)))
                fresh += 1
            if ids[digest] not in held:
                places.append((key, position, ids[digest], label))
                position += 1
        insert_rows(connection, config_table, made)
        insert_rows(connection, sweep_config, places)
    return position - first, fresh - start


def _described(config: Config, seconds: float) -> tuple[Any, ...]:
    """The columns of a new config behind its canonical JSON."""
    return config.stem, seconds, "queued", 0, None, None, *following(config)


def _labels_of_same(connection: Connection, key: int, configs: Iterable[Labelled]) -> list[str | None] | None:
    """The label of each place, where the distinct configs are those of the sweep in its order, None where not."""
    # The place as a subquery: as a join, SQLite walks the whole sweep for each chunk.
    place = select(sweep_config.c.position).where(
        sweep_config.c.config_id == config_table.c.id, sweep_config.c.sweep_id == key
    )
    columns = select(config_table.c.digest, func.coalesce(place.scalar_subquery(), -1))
    labels: list[str | None] = []
    for chunk in chunks(configs):
        distinct: dict[str, str | None] = {}
        by_digest = {config.digest: config for config, _ in chunk}
        for config, label in chunk:
            distinct.setdefault(config.digest, label)
        found = columns.where(config_table.c.digest.in_(list(distinct)))
        positions = dict(connection.execute(found).all())
        for digest, label in distinct.items():
            there = positions.get(digest, -1)
            if there == len(labels):
                labels.append(label)
            elif not 0 <= there < len(labels):
                return None
        _repoint(connection, by_digest)
    count = select(func.count()).where(sweep_config.c.sweep_id == key)
    return labels if len(labels) == connection.execute(count).scalar_one() else None


def _repoint(connection: Connection, configs: Mapping[str, Config]) -> None:
    """Configs by digest read a file where it lies now, and those that failed are queued again.

    Their digest holds the content of the file, so that the new place is as good as the old one. What is measured needs
    it too: its heatmap is drawn on its images.
    """
    for key, _, json in _moved(connection, configs):
        mine = update(config_table).where(config_table.c.id == key)
        connection.execute(mine.values(json=json))
        connection.execute(mine.where(config_table.c.state == "failed").values(state="queued"))


def _moved(connection: Connection, configs: Mapping[str, Config]) -> list[tuple[int, str, str]]:
    """(key, digest, JSON as it should be) of configs by digest whose files have moved, but for those being measured:
    their workers read the files already."""
    filed = {digest: config for digest, config in configs.items() if config.init.path or config.probes.path}
    if not filed:
        return []
    columns = config_table.c.id, config_table.c.digest, config_table.c.json
    resting = (config_table.c.state != "running") & config_table.c.digest.in_(list(filed))
    found = connection.execute(select(*columns).where(resting))
    there = [(key, digest, json, encode(filed[digest]).decode()) for key, digest, json in found]
    return [(key, digest, moved) for key, digest, json, moved in there if moved != json]


def _relabel(connection: Connection, key: int, labels: Sequence[str | None]) -> bool:
    """Gives the places of a sweep these labels; whether any was another before."""
    places = select(sweep_config.c.position, sweep_config.c.label).where(sweep_config.c.sweep_id == key)
    before = dict(connection.execute(places).all())
    changed = [{"place": place, "new": label} for place, label in enumerate(labels) if before[place] != label]
    if changed:
        mine = sweep_config.c.sweep_id == key, sweep_config.c.position == bindparam("place")
        connection.execute(update(sweep_config).where(*mine).values(label=bindparam("new")), changed)
    return bool(changed)


def _drop_unwanted(connection: Connection) -> None:
    wanted = exists().where(sweep_config.c.config_id == config_table.c.id)
    unmeasured = config_table.c.state.in_(UNMEASURED)
    connection.execute(delete(config_table).where(unmeasured, ~wanted))
