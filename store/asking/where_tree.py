"""The tree of a `--where` expression: conditions over values, each of a known kind.

Logic has three values, as in SQL: what is asked of NULL is unknown, and only what is true is kept. Arithmetic is in
64-bit floats, `/` is true division, division by zero is NULL. Integers are compared as integers, and as floats where
a float is on the other side.
"""

import operator
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import msgspec

from store.database.types import Field

Kind: TypeAlias = Literal["int", "float", "bool", "str"]
Sign: TypeAlias = Literal["==", "!=", "<", "<=", ">", ">="]
Operator: TypeAlias = Literal["+", "-", "*", "/"]

COMPARE: dict[Sign, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
"""Comparisons by their sign, of values in Python and of columns in SQL alike."""


class Column(msgspec.Struct, frozen=True):
    """A field of the row."""

    field: Field


class Constant(msgspec.Struct, frozen=True):
    """A number, text or truth."""

    value: int | float | str | bool


class Negative(msgspec.Struct, frozen=True):
    """Minus a number."""

    operand: "Value"


class Arithmetic(msgspec.Struct, frozen=True):
    """Numbers as floats, from the first one on, joined by `+` and `-` or by `*` and `/`, from left to right."""

    first: "Value"
    rest: "tuple[tuple[Operator, Value], ...]"


Value: TypeAlias = Column | Constant | Negative | Arithmetic


class Comparison(msgspec.Struct, frozen=True):
    """Two values of one kind."""

    sign: Sign
    left: Value
    right: Value


class Within(msgspec.Struct, frozen=True):
    """Whether a value is one of several."""

    operand: Value
    options: tuple[Value, ...]


class Missing(msgspec.Struct, frozen=True):
    """Whether a value is NULL."""

    operand: Value


class Like(msgspec.Struct, frozen=True):
    """Whether a text matches a pattern, in which `*` stands for any characters and `?` for one; case counts."""

    column: Column
    pattern: str


class Truth(msgspec.Struct, frozen=True):
    """A column of truth, or True or False, as a condition."""

    operand: Column | Constant


class Not(msgspec.Struct, frozen=True):
    """What is false; the unknown stays unknown."""

    operand: "Condition"


class Every(msgspec.Struct, frozen=True):
    """All of several conditions."""

    parts: "tuple[Condition, ...]"


class Some(msgspec.Struct, frozen=True):
    """At least one of several conditions."""

    parts: "tuple[Condition, ...]"


Condition: TypeAlias = Comparison | Within | Missing | Like | Truth | Not | Every | Some


def kind(value: Value) -> Kind:
    """The kind of a value."""
    match value:
        case Column(field):
            return "str" if field.type == "json" else field.type
        case Constant(bool()):
            return "bool"
        case Constant(int()):
            return "int"
        case Constant(float()):
            return "float"
        case Constant():
            return "str"
        case Negative(operand):
            found = kind(operand)
            return "int" if found == "bool" else found
        case Arithmetic():
            return "float"


def common(kinds: set[Kind]) -> Kind:
    """The kind to compare values in: truth is 0 or 1 beside numbers, integers are floats beside floats."""
    return next(each for each in ("float", "int", "str", "bool") if each in kinds)


def fields_of(condition: Condition) -> set[str]:
    """The names of the fields that a condition reads."""
    found: set[str] = set()
    pending: list[Any] = [condition]
    while pending:
        match pending.pop():
            case Column(field):
                found.add(field.name)
            case tuple() as parts:
                pending.extend(parts)
            case msgspec.Struct() as node:
                pending.extend(getattr(node, name) for name in node.__struct_fields__)
    return found
