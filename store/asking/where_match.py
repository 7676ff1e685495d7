"""A condition applied to one row in Python, with the three values of SQL: True, False, and None for unknown."""

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from store.asking.where_tree import (
    COMPARE,
    Arithmetic,
    Column,
    Comparison,
    Condition,
    Constant,
    Every,
    Kind,
    Like,
    Missing,
    Negative,
    Not,
    Sign,
    Some,
    Truth,
    Value,
    Within,
    common,
    kind,
)

_COMPUTE: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


def matches(condition: Condition, row: Mapping[str, Any]) -> bool | None:
    """Whether a row, by field name, meets a condition; None where that is unknown."""
    match condition:
        case Every(parts):
            return _every(matches(part, row) for part in parts)
        case Some(parts):
            found = _every(_opposite(matches(part, row)) for part in parts)
            return _opposite(found)
        case Not(operand):
            return _opposite(matches(operand, row))
        case Truth(operand):
            truth = _value(operand, row)
            return None if truth is None else bool(truth)
        case Missing(operand):
            return _value(operand, row) is None
        case Like(column, pattern):
            text = row[column.field.name]
            return None if text is None else like(text, pattern)
        case Within(operand, options):
            shared = common({kind(operand), *map(kind, options)})
            each = (_compared("==", operand, option, shared, row) for option in options)
            return _opposite(_every(map(_opposite, each)))
        case Comparison(sign, left, right):
            return _compared(sign, left, right, common({kind(left), kind(right)}), row)


def like(text: str, pattern: str) -> bool:
    """Whether a text matches a pattern as a whole; `*` is any characters, `?` is one.

    Goes back to the last star only, so it takes at most len(text) * len(pattern) steps.
    """
    at = place = 0
    star, resume = -1, 0
    while at < len(text):
        if place < len(pattern) and pattern[place] == "*":
            star, resume = place, at
            place += 1
        elif place < len(pattern) and pattern[place] in ("?", text[at]):
            at, place = at + 1, place + 1
        elif star >= 0:
            resume += 1
            at, place = resume, star + 1
        else:
            return False
    return not pattern[place:].strip("*")


def _every(parts: Any) -> bool | None:
    unknown = False
    for part in parts:
        if part is False:
            return False
        unknown = unknown or part is None
    return None if unknown else True


def _opposite(truth: bool | None) -> bool | None:
    return None if truth is None else not truth


def _compared(sign: Sign, left: Value, right: Value, shared: Kind, row: Mapping[str, Any]) -> bool | None:
    one, other = _in_kind(_value(left, row), shared), _in_kind(_value(right, row), shared)
    return None if one is None or other is None else COMPARE[sign](one, other)


def _in_kind(value: Any, wanted: Kind) -> Any:
    return float(value) if value is not None and wanted == "float" else value


def _value(value: Value, row: Mapping[str, Any]) -> Any:
    match value:
        case Column(field):
            return row[field.name]
        case Constant(constant):
            return constant
        case Negative(operand):
            number = _value(operand, row)
            return None if number is None else -number
        case Arithmetic(first, rest):
            made = _value(first, row)
            for sign, operand in rest:
                other = _value(operand, row)
                if made is None or other is None or (sign == "/" and other == 0):
                    return None
                made = _COMPUTE[sign](float(made), float(other))
                if not math.isfinite(made):
                    return None
            return made
