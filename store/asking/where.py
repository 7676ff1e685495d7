"""`--where`: a Python-like expression over the fields, read into the tree of `store.asking.where_tree`.

    condition  = condition ("and" | "or") condition | "not" condition | comparison | column of truth | True | False
    comparison = value {("==" | "!=" | "<" | "<=" | ">" | ">=") value} | value ["not"] "in" (value, ...)
               | value "is" ["not"] None | like(column, 'pattern')
    value      = column | number | 'text' | True | False | value ("+" | "-" | "*" | "/") value | "-" value

`store.asking.where_sql` turns the tree into SQL. `store.asking.where_match` applies it to a row in Python, for sizes
that `--mass` and `--center` compute and no database has; the tests hold both against each other. None stands after `is`
alone: compared with anything else it would be unknown, and the row left out without a word.
"""

import ast
import math
import warnings
from typing import Any

from pipeline.errors import InputError, quote
from pipeline.limits import MAX_INT64
from store.asking.fields import BY_NAME, BY_PATH, field
from store.asking.where_cures import cure
from store.asking.where_tree import (
    Arithmetic,
    Column,
    Comparison,
    Condition,
    Constant,
    Every,
    Like,
    Missing,
    Negative,
    Not,
    Operator,
    Sign,
    Some,
    Truth,
    Value,
    Within,
    kind,
)

MAX_CHARACTERS = 2_000
MAX_LEVELS = 10
"""What is joined in a row is one level. SQLite's parser has a stack of 100; a division in a denominator takes 8."""
MAX_TERMS = 400
"""SQLite joins in pairs, at most 1,000 deep (SQLITE_MAX_EXPR_DEPTH)."""

_SIGNS: dict[type[ast.cmpop], Sign] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_OPERATORS: dict[type[ast.operator], Operator] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_SUMS = (ast.Add, ast.Sub)


def parse(text: str) -> Condition:
    """The condition that an expression stands for.

    Raises InputError, one sentence that names the part and the way out, for what is no such expression, a column that
    does not exist, values that cannot be compared, or more than 2,000 characters, 400 terms or 10 levels.
    """
    if len(text) > MAX_CHARACTERS:
        raise InputError(f"a --where expression has at most {MAX_CHARACTERS} characters, this one has {len(text)}")
    if not text.isprintable():
        raise InputError(f"a --where expression is one line without control characters, not {quote(text)}")
    if not text.strip():
        raise InputError(f"the --where expression {quote(text)} is empty; write one as `depth == 4`, or leave it out")
    if foreign := cure(text, frozenset(BY_NAME)):
        raise InputError(f"{quote(foreign.written)} in {quote(text)} {foreign.what}; {foreign.advice}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the grammar's hints to writers of Python
            tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError) as error:
        raise InputError(_unreadable(text.strip(), error)) from None
    except (RecursionError, MemoryError):
        raise InputError(_too_deep(text)) from None
    return _Reader(text.strip()).condition(tree.body, 1)


def _unreadable(text: str, error: Exception) -> str:
    said = error.msg if isinstance(error, SyntaxError) else str(error)
    rest = text[(getattr(error, "offset", None) or 1) - 1 :]
    near = f" at {quote(rest)}" if rest not in ("", text) else ""
    return f"the --where expression {quote(text)} cannot be read: {said}{near}; write one as `depth == 4 and luo > 2`"


def _too_deep(text: str) -> str:
    return f"a --where expression nests at most {MAX_LEVELS} levels, and {quote(text)} goes deeper; write it flatter"


class _Reader:
    """Reads the tree that Python's grammar makes of an expression; nothing of it is ever run."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.terms = 0

    def source(self, node: ast.AST) -> str:
        return ast.get_source_segment(self.text, node) or self.text

    def fail(self, node: ast.AST, problem: str) -> InputError:
        return InputError(f"--where: {quote(self.source(node))} {problem}")

    def deeper(self, level: int, terms: int) -> int:
        """The level below, for so many terms more."""
        self.terms += terms
        if self.terms > MAX_TERMS:
            raise InputError(
                f"a --where expression has at most {MAX_TERMS} terms, and {quote(self.text)} has more; shorten it"
            )
        if level >= MAX_LEVELS:
            raise InputError(_too_deep(self.text))
        return level + 1

    def condition(self, node: ast.expr, level: int) -> Condition:
        negated = False
        while isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            negated, node = not negated, node.operand
        found = self.positive(node, self.deeper(level, 0) if negated else level)
        return Not(found) if negated else found

    def positive(self, node: ast.expr, level: int) -> Condition:
        match node:
            case ast.BoolOp(op, parts):
                below = self.deeper(level, len(parts))
                read = tuple(self.condition(part, below) for part in parts)
                return Every(read) if isinstance(op, ast.And) else Some(read)
            case ast.Compare(left, signs, rights):
                return self.comparisons(left, signs, rights, self.deeper(level, len(rights)))
            case ast.Call(ast.Name("like"), arguments, []):
                return self.like(node, arguments)
            case ast.Tuple():
                raise self.fail(node, "is a list; join conditions by `and`, and write lists as in depth in (1, 2)")
        value = self.value(node, level)
        if isinstance(value, Column | Constant) and kind(value) == "bool":
            return Truth(value)
        raise self.fail(node, "is a value, not a condition; compare it with something, as in `depth == 4`")

    def comparisons(self, left: ast.expr, signs: list[ast.cmpop], rights: list[ast.expr], level: int) -> Condition:
        parts = []
        for sign, right in zip(signs, rights, strict=True):
            parts.append(self.comparison(left, sign, right, level))
            left = right
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def comparison(self, left: ast.expr, sign: ast.cmpop, right: ast.expr, level: int) -> Condition:
        if isinstance(sign, ast.Eq | ast.NotEq) and any(map(_is_none, (left, right))):
            other = self.source(right if _is_none(left) else left)
            word = "is None" if isinstance(sign, ast.Eq) else "is not None"
            raise self.fail(left, f"is compared with {quote(self.source(right))}; write `{other[:40]} {word}`")
        operand = self.value(left, level)
        if isinstance(sign, ast.Is | ast.IsNot):
            if not _is_none(right):
                raise self.fail(right, "cannot follow `is`; write `is None`, `is not None` or ==")
            return Missing(operand) if isinstance(sign, ast.Is) else Not(Missing(operand))
        if isinstance(sign, ast.In | ast.NotIn):
            if isinstance(right, ast.Constant):
                raise self.fail(right, f"is not a list; write `in ({self.source(right)[:40]},)`, or ==")
            if isinstance(right, ast.Name) and isinstance(left, ast.Constant) and isinstance(left.value, str):
                raise self.fail(right, f"is not a list; write `like({right.id[:40]}, '*{left.value[:40]}*')`")
            if not isinstance(right, ast.Tuple | ast.List | ast.Set):
                raise self.fail(right, f"is not a list; write {self.bounds(left, right) or '`in (1, 2, 4)`'}")
            options = tuple(self.value(option, level) for option in right.elts)
            self.comparable([(operand, left), *zip(options, right.elts, strict=True)])
            within = Within(operand, options)
            return within if isinstance(sign, ast.In) else Not(within)
        other_value = self.value(right, level)
        self.comparable([(operand, left), (other_value, right)])
        return Comparison(_SIGNS[type(sign)], operand, other_value)

    def bounds(self, left: ast.expr, right: ast.expr) -> str | None:
        """`0 <= seed < 20` for `seed in range(0, 20)`, as a sweep writes it; None for anything else."""
        match right:
            case ast.Call(ast.Name("range"), [*ends], []) if 1 <= len(ends) <= 2:
                first = self.source(ends[0]) if len(ends) == 2 else "0"
                return f"`{first[:20]} <= {self.source(left)[:40]} < {self.source(ends[-1])[:20]}`"
        return None

    def comparable(self, values: list[tuple[Value, ast.expr]]) -> None:
        texts = [node for value, node in values if kind(value) == "str"]
        others = [node for value, node in values if kind(value) != "str"]
        if texts and others:
            word = texts[0].value if isinstance(texts[0], ast.Constant) else None
            if isinstance(word, str) and isinstance(others[0], ast.Name | ast.Attribute):
                raise self.fail(texts[0], f"is text, and {quote(self.source(others[0]))} is not; {_unquoted(word)}")
            raise self.fail(
                texts[0],
                f"is text and cannot be compared with {quote(self.source(others[0]))}; "
                "text stands in quotes, numbers and columns without",
            )

    def like(self, node: ast.expr, arguments: list[ast.expr]) -> Condition:
        match arguments:
            case [ast.Name() | ast.Attribute() as name, ast.Constant(str() as pattern)]:
                column = self.value(name, 1)
                if isinstance(column, Column) and kind(column) == "str":
                    self.constant(arguments[1], pattern)
                    return Like(column, pattern)
        raise self.fail(node, "is not like(column of text, 'pattern'), as in `like(config, '4x*')`")

    def value(self, node: ast.expr, level: int) -> Value:
        match node:
            case ast.Name(name):
                return self.column(name)
            case ast.Constant(value):
                return self.constant(node, value)
            case ast.UnaryOp(ast.USub()):
                return self.negative(node, level)
            case ast.BinOp() if type(node.op) in _OPERATORS:
                return self.arithmetic(node, level)
            case ast.Call(ast.Name("like")):
                raise self.fail(
                    node, "is a condition; compare it with nothing, and write `not like(...)` for the opposite"
                )
            case ast.Call(called):
                raise self.fail(called, "is not a function of --where; it has like(config, '4x*') alone")
            case ast.Attribute(ast.Name(part), name) if f"{part}.{name}" in BY_PATH:
                return Column(BY_PATH[f"{part}.{name}"])
            case ast.Attribute():
                raise self.fail(node, "has a dot in it, and is no path of a config such as probes.count")
            case ast.BoolOp() | ast.Compare() | ast.UnaryOp(ast.Not()):
                raise self.fail(node, "is a condition and cannot stand where a value is compared; join by and, or, not")
        raise self.fail(node, "is not part of --where; it takes columns, constants, comparisons, and, or, not, + - * /")

    def column(self, name: str) -> Column:
        if name in BY_NAME:
            return Column(field(name))
        try:
            field(name)
        except InputError as error:
            raise InputError(f"{error}; text stands in quotes, as in state == 'done'") from None
        raise AssertionError(name)

    def negative(self, node: ast.expr, level: int) -> Value:
        signs = 0
        while isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            signs, node = signs + 1, node.operand
        if isinstance(node, ast.Constant) and isinstance(node.value, int) and not isinstance(node.value, bool):
            return self.constant(node, -node.value if signs % 2 else node.value)
        operand = Negative(self.number(node, self.deeper(level, 1)))
        return operand if signs % 2 else Negative(operand)

    def arithmetic(self, node: ast.expr, level: int) -> Arithmetic:
        """All that is joined in a row by operators of one rank: `a - b + c`, not `a - (b + c)`."""
        assert isinstance(node, ast.BinOp)  # noqa: S101  (for the type checker: the caller has looked)
        is_sum = isinstance(node.op, _SUMS)
        joined: list[tuple[Operator, ast.expr]] = []
        while isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS and isinstance(node.op, _SUMS) == is_sum:
            joined.append((_OPERATORS[type(node.op)], node.right))
            node = node.left
        below = self.deeper(level, 1 + len(joined))
        first = self.number(node, below)
        return Arithmetic(first, tuple((sign, self.number(right, below)) for sign, right in reversed(joined)))

    def number(self, node: ast.expr, level: int) -> Value:
        value = self.value(node, level)
        if kind(value) == "str":
            raise self.fail(node, "is text and cannot be computed with")
        return value

    def constant(self, node: ast.expr, value: Any) -> Constant:
        if value is None:
            raise self.fail(node, "stands after `is` alone; write `is None` or `is not None`, joined by and, or")
        if isinstance(value, int) and not isinstance(value, bool) and not -MAX_INT64 - 1 <= value <= MAX_INT64:
            raise self.fail(node, "is beyond 64-bit integers")
        if isinstance(value, float) and not math.isfinite(value):
            raise self.fail(node, "is beyond 64-bit floats")
        if not isinstance(value, int | float | str | bool):
            raise self.fail(node, "is not a number, text, True or False")
        if isinstance(value, str) and not value.isprintable():
            raise self.fail(node, "has control characters or half a character in it")
        return Constant(value)


def _unquoted(text: str) -> str:
    """What to write in place of text beside a column of numbers or of truth."""
    try:
        return f"write {float(text):.12g} without quotes"
    except ValueError:
        return "numbers, True and False stand without quotes"


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
