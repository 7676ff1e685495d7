"""One config with everything that is kept of it: result, arrays, attempts, and the sweeps that asked for it."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Column, Connection, Select, func, select

from pipeline.config import Config, decode
from pipeline.errors import InputError, quote
from pipeline.ids import ID_DIGITS, ID_LETTER, id_of
from pipeline.result import Axes, Costs, Provenance, Sizes, Theory
from pipeline.sweep.names import NAME_PATTERN
from store.asking.values import raw, sound
from store.database.connection import Store
from store.database.schema import attempt, config, result, sweep, sweep_config
from store.queue.provenance import Origin
from store.queue.sweep_ids import sweep_id

_ID = re.compile(rf"{ID_LETTER}?(?P<digits>[0-9a-f]{{1,64}})")
_POSITION = re.compile(rf"(?P<sweep>{NAME_PATTERN}):(?P<position>[0-9]{{1,18}})")
_NAMED_AT_MOST = 3


class Measured(msgspec.Struct, frozen=True):
    """The scalars of a result."""

    dead: bool
    n_zero: int
    n_nan: int
    theory: Theory
    sizes: Sizes
    provenance: Provenance


class Attempt(msgspec.Struct, frozen=True):
    """One try to measure a config, numbered from 1. Times are seconds since the epoch."""

    number: int
    started: float
    finished: float
    worker: str
    outcome: str
    error_type: str | None
    message: str | None
    traceback: str | None


class Membership(msgspec.Struct, frozen=True):
    """The place of a config in a sweep, what it is called there, and where that sweep comes from.

    `specs` is as written, one for each submission.
    """

    sweep: str
    position: int
    label: str | None
    specs: tuple[Any, ...]
    origin: Origin


class Record(msgspec.Struct, frozen=True):
    """Everything kept of one config but its arrays; `result` is None until it is measured.

    `label` is what the sweep calls it by which it was found, or the first sweep that named it, else its stem.
    """

    digest: str
    config: Config
    label: str
    state: str
    cost: float
    axes: Axes
    costs: Costs
    result: Measured | None
    attempts: tuple[Attempt, ...]
    sweeps: tuple[Membership, ...]

    @property
    def id(self) -> str:
        """What the config is called in every table."""
        return id_of(self.digest)


def names_a_record(text: str) -> bool:
    """Whether a text is written as `find` takes it: as an id, or as SWEEP:position."""
    return (_POSITION.fullmatch(text) or _ID.fullmatch(text.lower())) is not None


def find(store: Store, text: str) -> Record:
    """The config that a text names: a unique prefix of its id or its digest, or `SWEEP:position`.

    Raises InputError where there is none, or more than one.
    """
    return store.reading(lambda connection: _record(connection, *_key_of(connection, text.strip())))


def digests_of(store: Store, ids: Sequence[str]) -> list[str]:
    """The digests of the configs that have these ids, those that there are not left out."""

    def work(connection: Connection) -> list[str]:
        found: list[str] = []
        for text in ids:
            if written := _ID.fullmatch(text.lower()):
                prefix = written["digits"]
                named = select(config.c.digest).where(config.c.digest >= prefix, config.c.digest < prefix + "g")
                found += connection.execute(named.limit(1)).scalars()
        return found

    return store.reading(work)


def flat(record: Record) -> dict[str, Any]:
    """Everything that a record holds as plain values, flat where the columns of the wide table are meant."""
    flat = {
        "id": record.id,
        "config": record.label,
        "stem": record.config.stem,
        "digest": record.digest,
        "state": record.state,
        **msgspec.to_builtins(record.axes),
        **msgspec.to_builtins(record.costs),
    }
    made = record.result
    measured = (Theory, Sizes, Provenance)
    if made is None:  # the same names, so that a program finds them
        empty = ("dead", "n_zero", "n_nan", *(name for struct in measured for name in struct.__struct_fields__))
        flat |= dict.fromkeys(empty)
    else:
        flat |= {"dead": made.dead, "n_zero": made.n_zero, "n_nan": made.n_nan}
        flat |= msgspec.to_builtins(made.theory) | msgspec.to_builtins(made.sizes)
        flat |= msgspec.to_builtins(made.provenance)
    flat["spec"] = msgspec.to_builtins(record.config)
    flat["sweeps"] = [{"sweep": each.sweep, "position": each.position} for each in record.sweeps]
    flat["attempts"] = msgspec.to_builtins(record.attempts)
    return flat


def _key_of(connection: Connection, text: str) -> tuple[int, int | None]:
    """The key of a config, and that of the sweep by which the text names it."""
    if place := _POSITION.fullmatch(text):
        sweep_key = sweep_id(connection, place["sweep"])
        statement = select(sweep_config.c.config_id).where(
            sweep_config.c.sweep_id == sweep_key, sweep_config.c.position == int(place["position"])
        )
        found: int | None = connection.execute(statement).scalar()
        if found is None:
            last = connection.execute(
                select(func.max(sweep_config.c.position)).where(sweep_config.c.sweep_id == sweep_key)
            ).scalar_one()
            raise InputError(
                f"the sweep {quote(place['sweep'])} has no position {place['position']}; they run from 0 to {last}"
            )
        return found, sweep_key
    written = _ID.fullmatch(text.lower())
    if written is None and connection.execute(select(sweep.c.id).where(sweep.c.name == text)).first() is not None:
        raise InputError(f"{quote(text)} is a sweep; write {text}:0 for its first config, or the characters of an id")
    if written is None:
        raise InputError(f"{quote(text)} names no config; write the first characters of its id, or SWEEP:position")
    prefix = written["digits"]
    columns = select(config.c.id, config.c.digest).where(config.c.digest >= prefix, config.c.digest < prefix + "g")
    matching = connection.execute(columns.order_by(config.c.digest).limit(_NAMED_AT_MOST + 1)).all()
    if not matching:
        raise InputError(f"there is no config {quote(text)} in the store (`erfsweep table` lists them)")
    if len(matching) > 1:
        shown = max(ID_DIGITS, len(prefix) + 1)
        named = ", ".join(ID_LETTER + row.digest[:shown] for row in matching[:_NAMED_AT_MOST])
        more = " and more" if len(matching) > _NAMED_AT_MOST else ""
        raise InputError(f"{quote(text)} begins several configs ({named}{more}); write more of the id")
    key: int = matching[0].id
    return key, None


def _record(connection: Connection, key: int, sweep_key: int | None) -> Record:
    (row,) = _sound_rows(connection, [*config.c], select().where(config.c.id == key))
    measured = _sound_rows(connection, [*result.c], select().where(result.c.config_id == key))
    of_config = select().where(attempt.c.config_id == key).order_by(attempt.c.number)
    tried = _sound_rows(connection, [*attempt.c], of_config)
    joined = sweep_config.join(sweep, sweep.c.id == sweep_config.c.sweep_id)
    columns = [*sweep.c, sweep_config.c.position, sweep_config.c.label]
    listed = select().select_from(joined).where(sweep_config.c.config_id == key).order_by(sweep.c.id)
    places = _sound_rows(connection, columns, listed)
    # In the sweep that was asked for it has that sweep's label or none; else the first label that there is.
    labels = [each["label"] for each in places if sweep_key in (None, each["id"]) and each["label"] is not None]
    return Record(
        digest=row["digest"],
        config=decode(row["json"].encode()),
        label=labels[0] if labels else row["stem"],
        state=row["state"],
        cost=row["cost"],
        axes=_struct(Axes, row),
        costs=_struct(Costs, row),
        result=_measured(measured[0]) if measured else None,
        attempts=tuple(_struct(Attempt, each) for each in tried),
        sweeps=tuple(_membership(each) for each in places),
    )


def _sound_rows(
    connection: Connection, columns: Sequence[Column[Any]], of: Select[*tuple[Any, ...]]
) -> list[dict[str, Any]]:
    """Rows by column. Raises StoreError where a value of theirs is damaged."""
    found = connection.execute(of.add_columns(*map(raw, columns)))
    return [sound(columns, row) for row in found]


def _measured(row: dict[str, Any]) -> Measured:
    return Measured(
        dead=row["dead"],
        n_zero=row["n_zero"],
        n_nan=row["n_nan"],
        theory=_struct(Theory, row),
        sizes=_struct(Sizes, {**row, "reasons": msgspec.json.decode(row["reasons"])}),
        provenance=_struct(Provenance, row),
    )


def _membership(row: dict[str, Any]) -> Membership:
    known = {
        **row,
        "argv": msgspec.json.decode(row["argv"], type=tuple[str, ...]),
        "versions": msgspec.json.decode(row["versions"]),
    }
    return Membership(
        row["name"], row["position"], row["label"], tuple(msgspec.json.decode(row["spec"])), _struct(Origin, known)
    )


def _struct(struct: Any, row: Any) -> Any:
    return struct(**{name: row[name] for name in struct.__struct_fields__})
