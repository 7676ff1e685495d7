"""What a claim expects of a number: a value and how far from it the number may be, or a bound."""

from math import inf

import msgspec

_ROUNDING = 1e-5
"""Relative: float32 has 6e-8 for each of some hundred products and sums."""


class Expected(msgspec.Struct, frozen=True):
    """The interval that a number must be in, its ends included, and how the page says it."""

    low: float
    high: float
    words: str

    def holds(self, value: float) -> bool:
        """Whether the number is in the interval."""
        return self.low <= value <= self.high


def exactly(value: float) -> Expected:
    """An integer, or a float up to what six digits and sums in float32 leave open."""
    room = 0.0 if isinstance(value, int) else _ROUNDING * abs(value)
    return Expected(value - room, value + room, number(value))


def near(value: float, percent: float) -> Expected:
    """A number up to so many percent of it, which is what draws scatter."""
    room = percent / 100 * abs(value)
    return Expected(value - room, value + room, f"{number(value)} ± {percent:g}\u00a0%")


def within(value: float, room: float) -> Expected:
    """A number up to a difference."""
    return Expected(value - room, value + room, f"{number(value)} ± {room:g}")


def above(value: float) -> Expected:
    """Any number from a bound on."""
    return Expected(value, inf, f"> {number(value)}")


OBSERVED = Expected(-inf, inf, "an observation")
"""Of a number that neither a paper nor arithmetic predicts: the tests only hold it against the page."""


def number(value: float) -> str:
    """A number as the page has it: whole ones with all digits, others with four."""
    return f"{value:,.0f}" if value == int(value) else f"{value:.4g}"


def read_number(text: str) -> float:
    """The number that `number` wrote."""
    return float(text.replace(",", ""))
