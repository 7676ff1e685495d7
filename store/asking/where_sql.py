"""A condition as SQL: constants are bound parameters, and every value stands once in what it is compared with."""

import math
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Integer, and_, cast, false, func, literal, not_, null, or_, true
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import TypeEngine

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
    Some,
    Truth,
    Value,
    Within,
    common,
    kind,
)
from store.database.types import INTEGER, REAL, TEXT, TRUTH

_TYPES: dict[Kind, TypeEngine[Any]] = {"int": INTEGER, "float": REAL, "bool": TRUTH, "str": TEXT}


class Joined(ColumnElement[float]):
    """Numbers with the operators between them, in brackets.

    SQLAlchemy's own operators join two at a time, and their compiler calls itself for each: 150 additions end in a
    RecursionError.
    """

    inherit_cache = False
    type = REAL

    def __init__(self, first: Any, rest: list[tuple[str, Any]]) -> None:
        self.first = first
        self.rest = rest


@compiles(Joined)
def _write_joined(element: Joined, compiler: Any, **options: Any) -> str:
    written = [compiler.process(element.first, **options)]
    for sign, operand in element.rest:
        written += [sign, compiler.process(operand, **options)]
    return f"({' '.join(written)})"


def where_clause(condition: Condition, columns: Mapping[str, Any], dialect: str) -> Any:
    """The SQL of a condition over the columns of a query, for `sqlite` or `postgresql`."""
    return _Writer(columns, dialect).condition(condition)


class _Writer:
    def __init__(self, columns: Mapping[str, Any], dialect: str) -> None:
        self.columns = columns
        self.dialect = dialect

    def condition(self, condition: Condition) -> Any:
        match condition:
            case Every(parts):
                return and_(*(self.condition(part) for part in parts))
            case Some(parts):
                return or_(*(self.condition(part) for part in parts))
            case Not(operand):
                return not_(self.condition(operand))
            case Truth(Constant(value)):
                return true() if value else false()
            case Truth(operand):
                return self.value(operand, "bool")
            case Missing(operand):
                return self.value(operand, kind(operand)).is_(null())
            case Like(column, pattern):
                return self.like(self.columns[column.field.name], pattern)
            case Within(operand, options):
                if not options:
                    return false()
                shared = common({kind(operand), *map(kind, options)})
                return self.value(operand, shared).in_([self.value(option, shared) for option in options])
            case Comparison(sign, left, right):
                shared = common({kind(left), kind(right)})
                return COMPARE[sign](self.value(left, shared), self.value(right, shared))

    def like(self, column: Any, pattern: str) -> Any:
        if self.dialect == "sqlite":  # LIKE takes no notice of case there
            return column.op("GLOB", is_comparison=True, return_type=TRUTH)(pattern.replace("[", "[[]"))
        escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return column.like(escaped.replace("*", "%").replace("?", "_"), escape="\\")

    def value(self, value: Value, wanted: Kind) -> Any:
        """The SQL of a value, in the kind that it is compared in; NULL where arithmetic leaves the range of floats."""
        written = self.in_kind(value, wanted)
        if self.dialect == "sqlite" and _is_computed(value):  # is infinite there; PostgreSQL refuses it
            written = func.nullif(func.nullif(written, math.inf), -math.inf)
        return written

    def in_kind(self, value: Value, wanted: Kind) -> Any:
        found = kind(value)
        written = self.written(value, found)
        if found == wanted:
            return written
        if found == "bool":
            written = cast(written, Integer)  # the one type of number that PostgreSQL casts truth to
        return cast(written, _TYPES[wanted])

    def written(self, value: Value, found: Kind) -> Any:
        match value:
            case Column(field):
                return self.columns[field.name]
            case Constant(constant):
                return literal(constant, _TYPES[found])
            case Negative(operand):
                return -self.in_kind(operand, found)
            case Arithmetic(first, rest):
                # Infinity goes through + - * as it is, or becomes NULL; only below a fraction line would it be lost.
                return Joined(
                    self.in_kind(first, "float"),
                    [
                        (sign, self.denominator(operand) if sign == "/" else self.in_kind(operand, "float"))
                        for sign, operand in rest
                    ],
                )

    def denominator(self, value: Value) -> Any:
        written = self.value(value, "float")
        return written if self.dialect == "sqlite" else func.nullif(written, 0.0)  # SQLite divides by zero to NULL


def _is_computed(value: Value) -> bool:
    while isinstance(value, Negative):
        value = value.operand
    return isinstance(value, Arithmetic)
