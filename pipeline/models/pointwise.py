"""Functions of one number that exporters spread over several operations: x * sigmoid(x), min(max(x + 3, 0), 6) / 6.

An expression is kept as it is written and, once something else reads it, recognised by its values: whatever the form,
a curve that equals one of our activations, up to a scale and a shift, is that activation.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from pipeline.ops import activation
from pipeline.stem import NAMES, canonical_activation

Floats: TypeAlias = npt.NDArray[np.float64]

MAX_TERMS = 40
"""An expression of more terms is recognised piece by piece."""
_TOLERANCE = 1e-5
"""How far, of the largest value nearby, curves may lie apart: constants of trained networks are float32."""
_ROUNDING = 1.2e-7
"""How far a number moves, relative to itself, when it is rounded to float32."""
_GRID = np.concatenate([np.linspace(-12, 12, 481), [-60.0, -30.0, 30.0, 60.0]])


class Term(msgspec.Struct, frozen=True, eq=False):
    """One operation on terms and numbers; without an operation, the tensor that all begins with.

    No two terms are equal: each stands for a tensor of its own.
    """

    operation: str = ""
    operands: "tuple[Term | float, ...]" = ()


_UNARY: dict[str, Callable[[Floats], Floats]] = {
    "Neg": np.negative,
    "Exp": np.exp,
    "Log": np.log,
    "Sqrt": np.sqrt,
    "Reciprocal": np.reciprocal,
    "Abs": np.abs,
}
_BINARY: dict[str, Callable[[Floats, Floats], Floats]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Div": np.divide,
    "Pow": np.power,
    "Min": np.minimum,
    "Max": np.maximum,
}
OPERATIONS = frozenset({*_UNARY, *_BINARY, "Erf"})
"""The operations of ONNX that an expression may have, beside activations, whose operation is as we write them."""


def terms(term: Term) -> list[Term]:
    """All terms of an expression, each behind its operands, once."""
    found: dict[Term, None] = {}
    pending = [(term, False)]
    while pending:
        one, is_ready = pending.pop()
        if one in found:
            continue
        if is_ready:
            found[one] = None
            continue
        pending.append((one, True))
        pending.extend((operand, False) for operand in one.operands if isinstance(operand, Term))
    return list(found)


def values(term: Term, start: Term, at: Floats) -> Floats:
    """The values of an expression, float64 [n], where the term `start` has those of `at`, float64 [n]."""
    known: dict[Term, Floats] = {start: at}
    for one in terms(term):
        if one in known:
            continue
        operands = [known[part] if isinstance(part, Term) else np.full_like(at, part) for part in one.operands]
        with np.errstate(all="ignore"):
            known[one] = _applied(one.operation, operands)
    return known[term]


def _applied(operation: str, operands: list[Floats]) -> Floats:
    if operation == "":
        return np.full(1, np.nan)  # the tensor itself, where another term is given
    if operation == "Erf":
        from scipy.special import erf

        made: Floats = erf(operands[0])
        return made
    if operation in _UNARY:
        return _UNARY[operation](operands[0])
    if operation in _BINARY:
        made = operands[0]
        for other in operands[1:]:
            made = _BINARY[operation](made, other)
        return made
    return _curve(operation, operands[0])


def _curve(kind: str, at: Floats) -> Floats:
    value, _ = activation.forward(kind, at.copy())
    return np.asarray(value, np.float64)


class Curve(NamedTuple):
    """scale * activation(x) + shift; the activation is "linear" for a straight line."""

    activation: str
    scale: float
    shift: float


def recognised(term: Term, start: Term) -> Curve | None:
    """The activation that an expression is of one of its terms, `start`; None where it is none that we know."""
    if term.operands[:1] == (start,) and term.operation not in OPERATIONS:
        return Curve(term.operation, 1.0, 0.0)
    found = values(term, start, _GRID)
    if not np.isfinite(found).all():
        return None
    for kind in _candidates(found, lambda at: values(term, start, at)):
        fitted = _fitted(found, kind)
        if fitted is not None:
            return fitted
    return None


def _candidates(found: Floats, function: Callable[[Floats], Floats]) -> Iterator[str]:
    """The activations that a curve may be: those without numbers, then those whose numbers it shows."""
    yield from _KINDS
    for written in (*_kinked(found), *_saturating(function)):
        try:
            yield canonical_activation(written)
        except ValueError:  # numbers beyond what an activation takes
            continue


_KINDS = ("linear", *(name for name in NAMES if name != "linear"))


@lru_cache(maxsize=256)
def _on_grid(kind: str) -> Floats:
    return _curve(kind, _GRID)


def _fitted(found: Floats, kind: str) -> Curve | None:
    """The scale and the shift with which the curve of a kind goes through the values found; None if it does not."""
    curve = _on_grid(kind)
    centred = curve - curve.mean()
    scale = float(centred @ found / (centred @ centred))
    shift = float(found.mean() - scale * curve.mean())
    near = np.maximum(np.abs(scale * curve) + abs(shift), 1e-3)
    if scale == 0 or (np.abs(scale * curve + shift - found) > _TOLERANCE * near).any():
        return None
    return Curve(kind, _plain(scale), _plain(shift) if abs(shift) > 2 * _ROUNDING * max(abs(scale), 1) else 0.0)


def _plain(number: float) -> float:
    """A number without the noise of float32, where a plain one is as near."""
    for digits in (2, 4):
        rounded = float(f"{number:.{digits}g}")
        if abs(rounded - number) <= _ROUNDING * abs(number):
            return rounded
    for part in (3, 6, 7, 9, 11, 12):
        rounded = round(number * part) / part
        if rounded and abs(rounded - number) <= _ROUNDING * abs(number):
            return rounded
    return number


def _kinked(found: Floats) -> list[str]:
    """A leaky ReLU, if the curve has two straight halves."""
    below, above = found[_GRID == -1][0] - found[_GRID == 0][0], found[_GRID == 1][0] - found[_GRID == 0][0]
    return [f"leaky_relu({_text(-below / above)})"] if above else []


def _saturating(function: Callable[[Floats], Floats]) -> list[str]:
    """A hard sigmoid or hard tanh between the places where the curve leaves its lowest value and meets its highest."""
    low, high = function(np.array([-60.0]))[0], function(np.array([60.0]))[0]
    if low == high or not (np.isfinite(low) and np.isfinite(high)):
        return []
    first = _crossing(lambda x: abs(function(np.array([x]))[0] - low) > 1e-9 * abs(high - low))
    last = _crossing(lambda x: abs(function(np.array([x]))[0] - high) <= 1e-9 * abs(high - low))
    if not last - first > 1e-6:
        return []
    slope = 1 / (last - first)
    return [f"hardsigmoid({_text(slope)},{_text(-first * slope)})", f"hardtanh({_text(first)},{_text(last)})"]


def _crossing(holds: Callable[[float], bool]) -> float:
    """The place between -60 and 60 from which on something holds."""
    low, high = -60.0, 60.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _text(number: float) -> str:
    plain = _plain(float(number))
    if abs(plain) < 1e-9:
        return "0"
    return repr(plain)


def gates(term: Term) -> list[Term]:
    """The terms that all of an expression goes through, the last one first; neither itself nor the tensor it is of."""
    parts = terms(term)
    found = list[Term]()
    for gate in reversed(parts[:-1]):
        if gate.operation and not _reaches(term, gate):
            found.append(gate)
    return found


def _reaches(term: Term, without: Term) -> bool:
    """Whether an expression reads its tensor by a way around one of its terms."""
    pending, seen = [term], {without}
    while pending:
        one = pending.pop()
        if one in seen:
            continue
        seen.add(one)
        if one.operation == "":
            return True
        pending.extend(operand for operand in one.operands if isinstance(operand, Term))
    return False
