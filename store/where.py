"""`--where`: a Python-like expression over the fields, read into a tree that knows the type of every part.

    condition  = condition ("and" | "or") condition | "not" condition | comparison | column of truth | True | False
    comparison = value {("==" | "!=" | "<" | "<=" | ">" | ">=") value} | value ["not"] "in" (value, ...)
               | value "is" ["not"] None | like(column, 'pattern')
    value      = column | number | 'text' | True | False | None | value ("+" | "-" | "*" | "/") value | "-" value

Logic has three values, as in SQL: a comparison with NULL is unknown, and only what is true is kept. Arithmetic is in
64-bit floats, `/` is true division, division by zero is NULL. Integers are compared as integers, and as floats where
a float is on the other side. In a pattern `*` stands for any characters and `?` for one; case counts.
`store.where_sql` turns the tree into SQL and `store.where_match` applies it to a row in Python.
"""

import ast
import math
import warnings
from typing import Any, Literal, TypeAlias

import msgspec

from pipeline.errors import InputError, quote
from store.fields import field
from store.types import Field

MAX_CHARACTERS = 2_000
MAX_LEVELS = 50
MAX_INTEGER = 2**63 - 1

Kind: TypeAlias = Literal["int", "float", "bool", "str", "nothing"]
Sign: TypeAlias = Literal["==", "!=", "<", "<=", ">", ">="]
Operator: TypeAlias = Literal["+", "-", "*", "/"]

_SIGNS: dict[type[ast.cmpop], Sign] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_OPERATORS: dict[type[ast.operator], Operator] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}


class Column(msgspec.Struct, frozen=True):
    """A field of the row."""

    field: Field


class Constant(msgspec.Struct, frozen=True):
    """A number, text, truth or None."""

    value: int | float | str | bool | None


class Negative(msgspec.Struct, frozen=True):
    """Minus a number."""

    operand: "Value"


class Arithmetic(msgspec.Struct, frozen=True):
    """Two numbers, as floats."""

    operator: Operator
    left: "Value"
    right: "Value"


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
    """Whether a text matches a pattern."""

    column: Column
    pattern: str


class Truth(msgspec.Struct, frozen=True):
    """A column of truth, or a constant, as a condition."""

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
    """The kind of a value; NULL alone has none."""
    match value:
        case Column(field):
            return "str" if field.type == "json" else field.type
        case Constant(None):
            return "nothing"
        case Constant(bool()):
            return "bool"
        case Constant(int()):
            return "int"
        case Constant(float()):
            return "float"
        case Constant():
            return "str"
        case Negative(operand):
            return "int" if kind(operand) == "bool" else kind(operand)
        case Arithmetic(_, left, right):
            return "nothing" if "nothing" in (kind(left), kind(right)) else "float"


def common(kinds: set[Kind]) -> Kind:
    """The kind to compare values in: truth is 0 or 1 beside numbers, integers are floats beside floats."""
    return next(each for each in ("float", "int", "str", "bool", "nothing") if each in kinds)


def parse(text: str) -> Condition:
    """The condition that an expression stands for.

    Raises InputError, one sentence that names the part, for what is no such expression, a column that does not
    exist, values that cannot be compared, or more than 2,000 characters or 50 levels.
    """
    if len(text) > MAX_CHARACTERS:
        raise InputError(f"a --where expression has at most {MAX_CHARACTERS} characters, this one has {len(text)}")
    if not text.isprintable():
        raise InputError(f"a --where expression is one line without control characters, not {quote(text)}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the grammar's hints to writers of Python
            tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError) as error:
        said = error.msg if isinstance(error, SyntaxError) else str(error)
        raise InputError(f"the --where expression {quote(text)} cannot be read: {said}") from None
    except (RecursionError, MemoryError):
        raise InputError(_too_deep(text)) from None
    return _Reader(text).condition(tree.body, 1)


def _too_deep(text: str) -> str:
    return f"a --where expression nests at most {MAX_LEVELS} levels, and {quote(text)} goes deeper"


class _Reader:
    """Reads the tree that Python's grammar makes of an expression; nothing of it is ever run."""

    def __init__(self, text: str) -> None:
        self.text = text

    def fail(self, node: ast.AST, problem: str) -> InputError:
        return InputError(f"--where: {quote(ast.get_source_segment(self.text.strip(), node) or self.text)} {problem}")

    def deeper(self, level: int) -> int:
        if level >= MAX_LEVELS:
            raise InputError(_too_deep(self.text))
        return level + 1

    def condition(self, node: ast.expr, level: int) -> Condition:
        match node:
            case ast.BoolOp(op, parts):
                below = self.deeper(level)
                read = tuple(self.condition(part, below) for part in parts)
                return Every(read) if isinstance(op, ast.And) else Some(read)
            case ast.UnaryOp(ast.Not(), operand):
                return Not(self.condition(operand, self.deeper(level)))
            case ast.Compare(left, signs, rights):
                return self.comparisons(left, signs, rights, self.deeper(level))
            case ast.Call(ast.Name("like"), arguments, []):
                return self.like(node, arguments, self.deeper(level))
        value = self.value(node, level)
        if isinstance(value, Column | Constant) and kind(value) in ("bool", "nothing"):
            return Truth(value)
        raise self.fail(node, "is a value, not a condition; compare it with something, as in `depth == 4`")

    def comparisons(self, left: ast.expr, signs: list[ast.cmpop], rights: list[ast.expr], level: int) -> Condition:
        parts = []
        for sign, right in zip(signs, rights, strict=True):
            parts.append(self.comparison(left, sign, right, level))
            left = right
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def comparison(self, left: ast.expr, sign: ast.cmpop, right: ast.expr, level: int) -> Condition:
        operand = self.value(left, level)
        if isinstance(sign, ast.Is | ast.IsNot):
            if not (isinstance(right, ast.Constant) and right.value is None):
                raise self.fail(right, "cannot follow `is`; write `is None`, `is not None` or ==")
            return Missing(operand) if isinstance(sign, ast.Is) else Not(Missing(operand))
        if isinstance(sign, ast.In | ast.NotIn):
            if not isinstance(right, ast.Tuple | ast.List | ast.Set):
                raise self.fail(right, "is not a list; write `in (1, 2, 4)`")
            options = tuple(self.value(option, self.deeper(level)) for option in right.elts)
            self.comparable([(operand, left), *zip(options, right.elts, strict=True)])
            within = Within(operand, options)
            return within if isinstance(sign, ast.In) else Not(within)
        other = self.value(right, level)
        self.comparable([(operand, left), (other, right)])
        return Comparison(_SIGNS[type(sign)], operand, other)

    def comparable(self, values: list[tuple[Value, ast.expr]]) -> None:
        texts = [node for value, node in values if kind(value) == "str"]
        others = [node for value, node in values if kind(value) not in ("str", "nothing")]
        if texts and others:
            written = ast.get_source_segment(self.text.strip(), others[0])
            raise self.fail(texts[0], f"is text and cannot be compared with {quote(written)}")

    def like(self, node: ast.expr, arguments: list[ast.expr], level: int) -> Condition:
        match arguments:
            case [ast.Name() as name, ast.Constant(str() as pattern)]:
                column = self.value(name, level)
                if isinstance(column, Column) and kind(column) == "str":
                    return Like(column, pattern)
        raise self.fail(node, "is not like(column of text, 'pattern'), as in `like(config, '4x*')`")

    def value(self, node: ast.expr, level: int) -> Value:
        match node:
            case ast.Name(name):
                return Column(field(name))
            case ast.Constant(value):
                return self.constant(node, value)
            case ast.UnaryOp(ast.USub(), ast.Constant(int() as value)) if not isinstance(value, bool):
                return self.constant(node, -value)
            case ast.UnaryOp(ast.USub(), operand):
                return Negative(self.number(operand, self.deeper(level)))
            case ast.BinOp(left, operator, right) if type(operator) in _OPERATORS:
                below = self.deeper(level)
                return Arithmetic(_OPERATORS[type(operator)], self.number(left, below), self.number(right, below))
            case ast.BoolOp() | ast.Compare() | ast.Call() | ast.UnaryOp(ast.Not()):
                raise self.fail(node, "is a condition, or a function, and cannot stand where a value is compared")
        raise self.fail(node, "is not part of --where; it takes columns, constants, comparisons, and, or, not, + - * /")

    def number(self, node: ast.expr, level: int) -> Value:
        value = self.value(node, level)
        if kind(value) == "str":
            raise self.fail(node, "is text and cannot be computed with")
        return value

    def constant(self, node: ast.expr, value: Any) -> Constant:
        if isinstance(value, int) and not isinstance(value, bool) and not -MAX_INTEGER - 1 <= value <= MAX_INTEGER:
            raise self.fail(node, "is beyond 64-bit integers")
        if isinstance(value, float) and not math.isfinite(value):
            raise self.fail(node, "is beyond 64-bit floats")
        if not isinstance(value, int | float | str | bool | None):
            raise self.fail(node, "is not a number, text, True, False or None")
        if isinstance(value, str) and not value.isprintable():
            raise self.fail(node, "has control characters or half a character in it")
        return Constant(value)


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
