"""A condition as SQL: constants are bound parameters, and every value stands once in what it is compared with."""

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Integer, and_, cast, false, func, literal, not_, null, or_, true
from sqlalchemy.types import TypeEngine

from store.types import INTEGER, REAL, TEXT, TRUTH
from store.where import (
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

_TYPES: dict[Kind, TypeEngine[Any]] = {"int": INTEGER, "float": REAL, "bool": TRUTH, "str": TEXT, "nothing": TRUTH}
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_COMPUTE: dict[str, Callable[[Any, Any], Any]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_UNKNOWN = cast(null(), TRUTH)


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
            case Truth(Constant(None)):
                return _UNKNOWN
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
                return _COMPARE[sign](self.value(left, shared), self.value(right, shared))

    def like(self, column: Any, pattern: str) -> Any:
        if self.dialect == "sqlite":  # LIKE takes no notice of case there
            return column.op("GLOB", is_comparison=True, return_type=TRUTH)(pattern.replace("[", "[[]"))
        escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return column.like(escaped.replace("*", "%").replace("?", "_"), escape="\\")

    def value(self, value: Value, wanted: Kind) -> Any:
        """The SQL of a value, in the kind that it is compared in."""
        found = kind(value)
        if found == "nothing":
            return cast(null(), _TYPES[wanted])
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
                return -self.value(operand, found)
            case Arithmetic(sign, left, right):
                return self.computed(sign, self.value(left, "float"), self.value(right, "float"))

    def computed(self, sign: str, left: Any, right: Any) -> Any:
        # Under the slash SQLAlchemy would guard against integer division; both are floats already.
        made = left.op("/", precedence=8)(func.nullif(right, 0.0)) if sign == "/" else _COMPUTE[sign](left, right)
        if self.dialect == "sqlite":  # what leaves the range is infinite there; PostgreSQL refuses it
            made = func.nullif(func.nullif(made, math.inf), -math.inf)
        return made
