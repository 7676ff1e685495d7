"""Numbers of the arithmetic as tables show them: whole ones as integers."""

from fractions import Fraction
from typing import TypeAlias

Number: TypeAlias = int | float


def number(value: Fraction) -> Number:
    """An integer where the value is whole, else the nearest float."""
    return value.numerator if value.denominator == 1 else float(value)
