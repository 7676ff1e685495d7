"""What a column may hold: a value of another type, or text that is no JSON where JSON belongs, is damage.

SQLite keeps any value in any column, so that a store which somebody else has written may hold anything anywhere.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, lru_cache
from math import inf
from operator import itemgetter
from typing import Any

import msgspec
from sqlalchemy import Boolean, Column, ColumnElement, Float, LargeBinary, Text, func, type_coerce
from sqlalchemy.types import NullType, TypeEngine

from pipeline.errors import InputError, StoreError, quote
from pipeline.ids import ID_DIGITS, ID_LETTER
from store.database.damage import Damage
from store.database.faults import RESTORE
from store.database.schema import config, result, sweep
from store.queue.owner import Owner


@cache
def _decode() -> Callable[[bytes], Any]:
    from pipeline.config import decode  # with the notation, which most reading does without

    return decode


def _network(text: str) -> object:
    return _decode()(text.encode()).network


_JSON: dict[Column[Any], Callable[[str], Any]] = {
    config.c.json: _network,
    config.c.owner: msgspec.json.Decoder(Owner).decode,
    result.c.reasons: msgspec.json.Decoder(dict[str, str]).decode,
    sweep.c.spec: msgspec.json.Decoder(list[Any]).decode,
    sweep.c.argv: msgspec.json.Decoder(list[str]).decode,
    sweep.c.versions: msgspec.json.Decoder(dict[str, str]).decode,
}
"""Columns of JSON text, and how it is read."""

_TYPES = {"integer": ("integer", "null"), "real": ("real", "integer", "null"), "truth": ("integer", "null")}
_TRUTHS = {None: None, False: False, True: True}  # 0 and 1 among them


def problem(column: Column[Any], value: Any) -> str | None:
    """What is wrong with a value that a driver brought from a column; None where nothing is."""
    if value is None:
        return None if column.nullable else "nothing is there"
    kind = _kind(column.type)
    if kind == "truth":
        return None if value in (0, 1) else _instead(value, "of true or false")
    if kind == "integer":
        return None if type(value) is int else _instead(value, "of a whole number")
    if kind == "real":
        is_number = type(value) in (int, float) and -inf < value < inf
        return None if is_number else _instead(value, "of a number")
    if kind == "bytes":
        return None if isinstance(value, bytes) else _instead(value, "of a blob")
    if not isinstance(value, str) or not _is_legible(value):
        return _instead(value, "of text")
    if column in _JSON and (why := _unreadable(column, value)):
        return f"{quote(value)} cannot be read: {why}"
    return None


def _kind(type_: TypeEngine[Any]) -> str:
    if isinstance(type_, Boolean):
        return "truth"
    if isinstance(type_, Float):
        return "real"
    if isinstance(type_, LargeBinary):
        return "bytes"
    return "text" if isinstance(type_, Text) else "integer"


def _instead(value: Any, of: str) -> str:
    return f"{quote(value)} instead {of}"


def _is_legible(text: str) -> bool:
    """Whether text is in UTF-8: what was not has halves of surrogate pairs."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _unreadable(column: Column[Any], text: str) -> str | None:
    try:
        _JSON[column](text)
    except (msgspec.MsgspecError, InputError, RecursionError) as error:
        return str(error)
    return None


_unreadable_again = lru_cache(maxsize=4096)(_unreadable)
"""The same for columns of which many rows have the same text."""


def damages(
    columns: Sequence[Column[Any]], values: Sequence[Any], row: object, digest: object = None
) -> Iterator[Damage]:
    """What is damaged of the values of one row, whose key and digest these are."""
    named = ID_LETTER + digest[:ID_DIGITS] if isinstance(digest, str) and digest else None
    for column, value in zip(columns, values, strict=True):
        if what := problem(column, value):
            yield Damage(column.table.name, column.name, str(row), named, what)


def sound(columns: Sequence[Column[Any]], row: Sequence[Any]) -> dict[str, Any]:
    """The values of a row, whose first is its key, by column. Raises StoreError where one is damaged."""
    reader = Reader(columns)
    values = reader.read(row)
    if values is None:
        damage = next(reader.damages(row, row[0], None))
        raise StoreError(f"{damage}; `erfsweep db check --mend` mends what can be, or {RESTORE}")
    return {column.name: value for column, value in zip(columns, values, strict=True)}


def raw(expression: Any) -> Any:
    """A column as the driver brings it: nothing makes a truth of any number or text."""
    return type_coerce(expression, NullType())


def is_of_wrong_type(expression: Any, column: Column[Any]) -> ColumnElement[bool] | None:
    """The condition, in SQLite, that a number or a truth is neither; None where any text may be."""
    allowed = _TYPES.get(_kind(column.type))
    return None if allowed is None else func.typeof(expression).not_in(allowed)


def _several(places: Iterable[int]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    """A function that picks the values in these places of a row."""
    chosen = tuple(places)
    if len(chosen) > 1:
        return itemgetter(*chosen)
    return lambda row: tuple(row[i] for i in chosen)


class Reader:
    """Turns rows of these columns, as the driver brings them, into values; rows like one that was sound pass fast."""

    def __init__(self, columns: Sequence[Column[Any]]) -> None:
        self._columns = columns
        self._truths = [i for i, column in enumerate(self._columns) if _kind(column.type) == "truth"]
        self._reals = _several(i for i, column in enumerate(self._columns) if _kind(column.type) == "real")
        self._texts = _several(i for i, column in enumerate(self._columns) if _kind(column.type) == "text")
        self._json = [
            (i, column, _unreadable if column is config.c.json else _unreadable_again)
            for i, column in enumerate(self._columns)
            if column in _JSON
        ]
        self._sound: set[tuple[type, ...]] = set()  # types of rows that were looked at one value after the other

    def read(self, row: Sequence[Any]) -> list[Any] | None:
        """The values, None where one of them is damaged."""
        values = list(row)
        types = tuple(map(type, values))
        if types not in self._sound:
            if any(value is not None and problem(c, value) for c, value in zip(self._columns, values, strict=True)):
                return None
            self._sound.add(types)
        reals = self._reals(values)
        total = sum(filter(None, reals))
        if not -inf < total < inf and any(not -inf < (value or 0) < inf for value in reals):
            return None  # an infinity, or what is not a number
        for i, column, unreadable in self._json:
            if values[i] is not None and unreadable(column, values[i]):
                return None
        if not _is_legible("".join(filter(None, self._texts(values)))):
            return None
        for i in self._truths:
            if values[i] not in _TRUTHS:
                return None
            values[i] = _TRUTHS[values[i]]
        return values

    def damages(self, row: Sequence[Any], key: object, digest: object) -> Iterator[Damage]:
        """What is damaged of a row that was not read. NULL is no damage: what is not measured has no values."""
        for damage in damages(self._columns, row, key, digest):
            if damage.what != "nothing is there":
                yield damage
