"""Mending what `db check` found: from what is whole, or by measuring again."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, delete, func, select, text, update

from pipeline.config import Config, axes, decode
from store.asking.reading import new_sizes
from store.database.connection import Store
from store.database.rows import chunks
from store.database.schema import FREED, TABLES, VIEW, attempt, config, result
from store.database.view import create_view
from store.queue.cautions import NEEDED, cautions
from store.queue.of_config import following_by_name
from store.queue.saving import save_sizes
from store.upkeep.check import Cure, Finding


def mend(store: Store, findings: Iterable[Finding]) -> dict[Cure, int]:
    """Makes good what can be, and keeps the rest; how many rows each cure was for, `none` among them.

    A config that is to be measured again loses its result and is queued; its attempts stay.
    """
    rows: dict[Cure, dict[tuple[Any, ...], set[str]]] = {}  # by cure: the columns of each row
    for finding in findings:
        row = (finding.damage.table, *(finding.key or (finding.damage.row,)))
        rows.setdefault(finding.cure, {}).setdefault(row, set()).add(finding.damage.column)
    again = {key for _, key in rows.get("measure", ())}
    store.writing(lambda connection: _mend(connection, rows, again))
    for chunk in chunks(sorted({key for _, key in rows.get("sizes", ())} - again)):
        listed = select(config.c.digest, config.c.json.label("spec"), result.c.n_nan).where(config.c.id.in_(chunk))
        joined = listed.select_from(config.join(result, result.c.config_id == config.c.id))
        found = store.reading(lambda connection: connection.execute(joined).mappings().all())  # noqa: B023  # at once
        save_sizes(store, [*new_sizes(store, map(dict, found))])
    store.first_queued.clear()
    return {cure: len(found) for cure, found in rows.items()}


def _mend(connection: Connection, rows: dict[Cure, dict[tuple[Any, ...], set[str]]], again: set[int]) -> None:
    """Everything but the sizes, which are read off heatmaps."""
    for table in reversed(TABLES):
        for name, *place in rows.get("drop", ()):
            if name == table.name:
                same = (column == value for column, value in zip(table.primary_key.columns, place, strict=True))
                connection.execute(delete(table).where(and_(*same)))
    damaged = {key: columns for (_, key), columns in rows.get("config", {}).items()}
    for key, own in _decoded(connection, damaged):
        connection.execute(update(config).where(config.c.id == key).values(_config_values(key, own, damaged[key])))
    foreseen = {key for _, key in rows.get("theory", ())} - again
    for key, own in _decoded(connection, foreseen):
        connection.execute(update(result).where(result.c.config_id == key).values(_theory(own)))
    for key, own in _decoded(connection, (foreseen | {key for _, key in rows.get("cautions", ())}) - again):
        _set_cautions(connection, key, own)
    for chunk in chunks(sorted(again)):
        connection.execute(delete(result).where(result.c.config_id.in_(chunk)))
        connection.execute(update(config).where(config.c.id.in_(chunk)).values(FREED))
    if "view" in rows:
        connection.execute(text(f"DROP VIEW IF EXISTS {VIEW}"))
        create_view(connection)


def _decoded(connection: Connection, keys: Iterable[int]) -> Iterator[tuple[int, Config]]:
    for chunk in chunks(sorted(keys)):
        found = connection.execute(select(config.c.id, config.c.json).where(config.c.id.in_(chunk))).all()
        yield from ((key, decode(json.encode())) for key, json in found)


def _config_values(key: int, own: Config, columns: set[str]) -> dict[str, Any]:
    """What the damaged columns of a config are to hold. One that a process held is queued: nobody knows who it was."""
    from pipeline.gradient import plan_of

    number = select(func.coalesce(func.max(attempt.c.number), 0)).where(attempt.c.config_id == key).scalar_subquery()
    made = following_by_name(own) | {"cost": plan_of(own).expected_seconds, "attempts": number, **FREED}
    if columns & {"owner", "lease_until"}:
        columns = columns | set(FREED)
    return {name: made[name] for name in columns}


def _theory(own: Config) -> dict[str, Any]:
    from pipeline.sizes import theory_columns

    return msgspec.structs.asdict(theory_columns(own))


def _set_cautions(connection: Connection, key: int, own: Config) -> None:
    """Computes the cautions of a result from its other columns and its config."""
    mine = result.c.config_id == key
    found = connection.execute(select(*(result.c[name] for name in NEEDED)).where(mine)).one()
    of_config = axes(own)
    made = cautions(found._asdict(), of_config.probes_count, of_config.channel)
    connection.execute(update(result).where(mine).values(cautions=made))
