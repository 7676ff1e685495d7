"""How many digits the numbers of a column have, so that their points stand below each other."""

import math
from collections.abc import Callable
from typing import Any

import msgspec

from store.asking.heads import is_of_one_quantity
from store.asking.shown import shown
from store.asking.table import Table

SIGNIFICANT = 4
"""Digits of the largest number of a column."""
_MOST = 6
"""Decimals: a column that needs more of them for its small numbers is written with exponents."""


class Digits(msgspec.Struct):
    """What has been seen of the numbers of a column."""

    largest: float = 0.0
    least: float = math.inf
    needed: int = 0

    def see(self, number: float) -> None:
        """Takes one more number into account."""
        size = abs(number)
        if size and math.isfinite(size):
            self.largest = max(self.largest, size)
            self.least = min(self.least, size)
            if self.needed < _MOST and not number.is_integer():
                self.needed = max(self.needed, _decimals(number))

    @property
    def decimals(self) -> int | None:
        """How many decimals each number of the column has, None where they are too far apart for that.

        The largest has four digits, and the least that is not zero at least two; none has more than they need.
        """
        if not self.largest:
            return 0
        wanted = SIGNIFICANT - 1 - _magnitude(self.largest)
        least = 1 - _magnitude(self.least)
        decimals = min(self.needed, max(0, wanted, least))
        return None if (max(wanted, least) > _MOST and self.needed == _MOST) or self.largest >= 1e9 else decimals


def formats(table: Table) -> list[Callable[[Any], str]]:
    """For each column the function that writes its values for a reader: alike where they are of one quantity."""
    seen: list[Digits | None] = [None for _ in table.columns]
    for row in table.rows:
        for i, value in enumerate(row):
            if isinstance(value, float):
                digits = seen[i] = seen[i] or Digits()
                digits.see(value)
    return [
        shown if digits is None or digits.decimals is None or not is_of_one_quantity(name) else _writer(digits.decimals)
        for name, digits in zip(table.columns, seen, strict=True)
    ]


def _writer(decimals: int) -> Callable[[Any], str]:
    def written(value: Any) -> str:
        if not isinstance(value, float) or not math.isfinite(value):
            return shown(value)
        text = f"{value:.{decimals}f}"
        return text.removeprefix("-") if not float(text) else text

    return written


def _magnitude(size: float) -> int:
    """The power of ten of a number's first digit."""
    return math.floor(math.log10(size))


def _decimals(number: float) -> int:
    """How many decimals a number has, at most six."""
    digits = repr(number)
    return _MOST if "e" in digits else min(_MOST, len(digits.partition(".")[2]))
