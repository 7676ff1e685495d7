"""The fields: every column of the wide table that a user can name, declared once.

What `--where`, `--sort` and `--columns` take, what `erfsweep fields` and docs/fields.md list, what a shell completes,
how a damaged value is noticed, and the view `results` all follow from this list.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Column, Select, and_, func, literal_column, select

from pipeline.ids import ID_DIGITS, ID_LETTER
from store.database.groups import GROUP_OF, PLACES
from store.database.schema import AXES, COSTS, MEASURED, attempt, config, map_, result, sweep, sweep_config
from store.database.types import INTEGER, TEXT, Field


class Declaration(NamedTuple):
    """A field with where it is read from: the column whose values it has, and SQL over the joined tables.

    The SQL is the column itself where nothing is written.
    """

    field: Field
    column: Column[Any]
    sql: Any = None


def _error() -> Any:
    """The error of a config's last attempt, as `type: message`, NULL where it ended well."""
    last = and_(attempt.c.config_id == config.c.id, attempt.c.number == config.c.attempts)
    text = select(attempt.c.error_type + ": " + attempt.c.message).where(last)
    return text.correlate(config).scalar_subquery()


def _bytes() -> Any:
    """The lengths of the arrays of a result; neither database reads an array for it."""
    lengths = select(func.length(map_.c.heatmap) + func.length(map_.c.curves)).where(map_.c.config_id == config.c.id)
    return lengths.correlate(config).scalar_subquery()


def _first_label() -> Any:
    """What the first sweep that named a config calls it, else its stem."""
    named = and_(sweep_config.c.config_id == config.c.id, sweep_config.c.label.is_not(None))
    first = select(sweep_config.c.label).where(named).order_by(sweep_config.c.sweep_id).limit(1)
    return func.coalesce(first.correlate(config).scalar_subquery(), config.c.stem)


def _all() -> Iterator[Declaration]:
    of_digest = literal_column(f"'{ID_LETTER}'", TEXT).concat(func.substr(config.c.digest, 1, ID_DIGITS))
    called = func.coalesce(sweep_config.c.label, config.c.stem)
    config_name = Field("config", "str", "", "label that the sweep gives it, else its stem", nullable=False)
    yield Declaration(
        Field("id", "str", "", f"{ID_LETTER} and the first {ID_DIGITS} digits of the digest", nullable=False),
        config.c.digest,
        of_digest,
    )
    yield Declaration(Field("sweep", "str", "", "name of the sweep"), sweep.c.name)
    yield Declaration(Field("position", "int", "", "place in the sweep, from 0"), sweep_config.c.position)
    yield Declaration(config_name, sweep_config.c.label, called)
    yield Declaration(Field("label", "str", "", "what the sweep calls it, if it does"), sweep_config.c.label)
    yield Declaration(Field("stem", "str", "", "the stem in its notation", nullable=False), config.c.stem)
    yield from (Declaration(each, config.c[each.name]) for each in (*AXES, *COSTS))
    yield Declaration(
        Field("state", "str", "", "queued, running, done, failed or killed", nullable=False), config.c.state
    )
    yield Declaration(Field("attempts", "int", "", "how many attempts have ended", nullable=False), config.c.attempts)
    yield Declaration(Field("error", "str", "", "how the last attempt went wrong"), attempt.c.message, _error())
    yield Declaration(Field("cost", "float", "s", "time that it is expected to take", nullable=False), config.c.cost)
    yield from (Declaration(each, result.c[each.name]) for each in MEASURED)
    stored = Field("bytes", "int", "bytes", "what its heatmap and curves take in the store")
    yield Declaration(stored, Column("bytes", INTEGER), _bytes())
    yield Declaration(
        Field("digest", "str", "", "sha256 of everything that decides the heatmap", nullable=False), config.c.digest
    )
    yield Declaration(Field("spec", "str", "", "the whole config as canonical JSON", nullable=False), config.c.json)


def _source(each: Declaration) -> str:
    if each.field.name == "bytes":
        return f"{map_.name}.heatmap, {map_.name}.curves"
    if each.field.name == "config":
        return f"{sweep_config.name}.label, {config.name}.stem"
    return f"{each.column.table.name}.{each.column.name}"


_DECLARED = tuple(
    each._replace(field=msgspec.structs.replace(each.field, group=GROUP_OF[each.field.name], source=_source(each)))
    for each in _all()
)

FIELDS: tuple[Field, ...] = tuple(each.field for each in _DECLARED)
"""In the order of the wide table."""

COLUMNS: dict[str, Column[Any]] = {each.field.name: each.column for each in _DECLARED}
"""The column behind each field, by which its values are held against their type."""


def named_columns(*, by_place: bool) -> dict[str, Any]:
    """SQL for each field, over `config` left-joined with `result` and, `by_place`, with `sweep_config` and `sweep`.

    Without places there are no fields of them, and a config has the first label that a sweep gave it.
    """
    found = {each.field.name: each.column if each.sql is None else each.sql for each in _DECLARED}
    if not by_place:
        found["config"] = _first_label()
        found = {name: column for name, column in found.items() if name not in PLACES}
    return found


def joined(*, by_place: bool, fields: Collection[str] | None = None, chosen: Any = None) -> Any:
    """The tables that `named_columns` are of, with a row for each config or, `by_place`, for each place of one.

    Those alone that these fields (None: all) are read from. `chosen`, a subquery with the columns `key` and,
    `by_place`, `sweep_key`, limits them to the configs and the places that it has.
    """
    read_from = {COLUMNS[name].table for name in (COLUMNS if fields is None else fields)}
    found: Any = config if chosen is None else chosen.join(config, config.c.id == chosen.c.key)
    if result in read_from:
        found = found.outerjoin(result, result.c.config_id == config.c.id)
    if by_place:
        there = sweep_config.c.config_id == config.c.id
        if chosen is not None:
            there = and_(there, sweep_config.c.sweep_id == chosen.c.sweep_key)
        found = found.outerjoin(sweep_config, there)
        if sweep in read_from:
            found = found.outerjoin(sweep, sweep.c.id == sweep_config.c.sweep_id)
    return found


def wide(names: Sequence[str]) -> Select[*tuple[Any, ...]]:
    """The wide table with these fields: a row for each place of a config, and one for a config that no sweep holds."""
    known = named_columns(by_place=True)
    return select(*(known[name].label(name) for name in names)).select_from(joined(by_place=True))
