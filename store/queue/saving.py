"""Saving outcomes: one transaction for a batch, exactly one result for a config, every attempt on record."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, select, update

from pipeline.config import KERNEL_VERSION
from pipeline.errors import StoreError
from pipeline.result import Outcome, Result, Sizes
from store.database.connection import Store
from store.database.rows import chunks, insert_rows
from store.database.schema import attempt, config, map_, result
from store.queue.cautions import cautions
from store.queue.owner import Owner

_json = msgspec.json.Encoder()
_REASONS = Sizes.__struct_fields__.index("reasons")


class _Place(msgspec.Struct):
    """What the store says of a config when its outcome comes in."""

    id: int
    state: str
    owner: str | None
    attempts: int
    probes_count: int
    channel: str


def save(store: Store, owner: Owner, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Saves a batch, all or nothing; the outcomes that counted.

    An outcome counts if the owner still holds its config. One that lost it (its lease was over) still brings its
    result, if no other came first. Everything else is passed over: a second save of the same, a config that was
    removed. So a save may be repeated, also when nobody knows whether the first one was committed.

    Raises StoreError for a result of another kernel version: its numbers are not those that its digest stands for.
    """
    for outcome in outcomes:
        if outcome.result is not None and outcome.result.provenance.kernel_version != KERNEL_VERSION:
            raise StoreError(
                f"{outcome.worker} measured {outcome.digest[:12]} by kernel version "
                f"{outcome.result.provenance.kernel_version} instead of {KERNEL_VERSION}; "
                "install the same erfsweep there and type `erfsweep work` to go on"
            )
    return store.writing(lambda connection: save_in(connection, str(owner), outcomes))


def save_sizes(store: Store, sizes: Sequence[tuple[str, Sizes]]) -> int:
    """Replaces the sizes of results, by digest, as measured anew from their heatmaps; how many were there."""
    named: dict[str, Any] = {field: bindparam(f"new_{field}") for field in Sizes.__struct_fields__}
    of_digest = select(config.c.id).where(config.c.digest == bindparam("key")).scalar_subquery()
    statement = update(result).where(result.c.config_id == of_digest).values(named)
    rows = [
        {"key": digest, **{f"new_{field}": value for field, value in zip(named, sizes_row(size), strict=True)}}
        for digest, size in sizes
    ]
    return store.writing(lambda connection: connection.execute(statement, rows).rowcount) if rows else 0


def sizes_row(sizes: Sizes) -> tuple[Any, ...]:
    """The sizes as their columns hold them, in the order of `Sizes`; the reasons are JSON text."""
    row = msgspec.structs.astuple(sizes)
    return *row[:_REASONS], _json.encode(sizes.reasons).decode(), *row[_REASONS + 1 :]


def save_in(connection: Connection, owner: str, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Saves outcomes in the caller's transaction; those that counted. `owner`: the text of who claimed them."""
    counted: list[Outcome] = []
    attempts: list[tuple[Any, ...]] = []
    results: list[tuple[Any, ...]] = []
    maps: list[tuple[Any, ...]] = []
    ended: dict[int, tuple[str, int]] = {}
    places = places_of(connection, [outcome.digest for outcome in outcomes])
    for outcome in outcomes:
        place = places.get(outcome.digest)
        if place is None or not _counts(place, owner, outcome):
            continue
        number = place.attempts + 1
        counted.append(outcome)
        attempts.append((place.id, number, *_attempt_row(outcome)))
        ended[place.id] = outcome.kind, number
        if outcome.result is not None:
            results.append((place.id, *_result_row(outcome.result), _cautions(outcome.result, place)))
            maps.append((place.id, *msgspec.structs.astuple(outcome.result.arrays)))
        place.state, place.owner, place.attempts = outcome.kind, None, number
    insert_rows(connection, attempt, attempts)
    insert_rows(connection, result, results)
    insert_rows(connection, map_, maps)
    _end(connection, ended)
    return counted


def _end(connection: Connection, ended: dict[int, tuple[str, int]]) -> None:
    """Sets state and number of attempts; nearly all of a batch end alike, so alike ones are set together."""
    alike: dict[tuple[str, int], list[int]] = {}
    for key, end in ended.items():
        alike.setdefault(end, []).append(key)
    for (state, number), keys in alike.items():
        statement = update(config).values(state=state, attempts=number, owner=None, lease_until=None)
        for chunk in chunks(keys):
            connection.execute(statement.where(config.c.id.in_(chunk)))


def places_of(connection: Connection, digests: list[str]) -> dict[str, _Place]:
    """Where the configs stand that have these digests, by digest; a digest that the index does not find is left out.

    Their rows stay locked, in one order for all processes, until the end of the transaction.
    """
    columns = select(config.c.digest, *(config.c[name] for name in _Place.__struct_fields__))
    found = {}
    for chunk in chunks(sorted(digests)):
        statement = columns.where(config.c.digest.in_(chunk)).order_by(config.c.digest).with_for_update()
        for digest, *place in connection.execute(statement):
            found[digest] = _Place(*place)
    return found


def _counts(place: _Place, owner: str, outcome: Outcome) -> bool:
    if place.state == "running" and place.owner == owner:
        return True
    return outcome.result is not None and place.state != "done"


def _attempt_row(outcome: Outcome) -> tuple[Any, ...]:
    row = (outcome.started, outcome.finished, _legible(outcome.worker), outcome.kind)
    failure = outcome.failure
    if failure is None:
        return *row, None, None, None
    return *row, _legible(failure.type), _legible(failure.message), _legible(failure.traceback)


def _result_row(found: Result) -> tuple[Any, ...]:
    return (
        found.dead,
        found.n_zero,
        found.n_nan,
        *msgspec.structs.astuple(found.theory),
        *sizes_row(found.sizes),
        *msgspec.structs.astuple(found.provenance),
    )


def _cautions(found: Result, place: _Place) -> str | None:
    of_theory = {"saturated": found.theory.saturated, "is_global": found.theory.is_global}
    measured = {"dead": found.dead, "n_zero": found.n_zero, "n_nan": found.n_nan, **of_theory}
    return cautions(measured, place.probes_count, place.channel)


def _legible(text: str) -> str:
    """The text without what a database refuses: NUL, and halves of surrogate pairs."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
