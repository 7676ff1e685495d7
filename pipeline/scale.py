"""Sums of heatmaps whatever their scale: each is an array times a power of two, which is exact."""

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Numbers = TypeVar("Numbers", bound=npt.NDArray[np.floating[Any]])

FARTHEST = 960
"""The exponent of the largest number of a heatmap that is kept is from -960 to 960.

All digits that a size depends on are left below it, and above it there is room for a sum over the plane.
"""


class Sum:
    """The sum of arrays [height, width], each times a power of two: `values` * 2**`exponent`."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.values: Floats = np.zeros(shape)
        self.exponent = 0

    def add(self, part: Floats, exponent: int = 0) -> None:
        """Adds part * 2**exponent, `part` float64 [height, width].

        What is far below the sum is lost in it, as in any sum of float64.
        """
        if exponent != self.exponent:
            if not part.any():
                return
            if not self.values.any():
                self.exponent = exponent
            common = max(exponent, self.exponent)
            self.values, self.exponent = times(self.values, self.exponent - common), common
            part = times(part, exponent - common)
        self.values += part

    def over(self, n: int) -> Floats:
        """The sum divided by n, float64 [height, width].

        Where its largest number is beyond 2**-960 or 2**960 it comes back multiplied by the power of two that puts it
        there.
        """
        values = self.values if n == 1 else self.values / n
        own = None if self.exponent == 0 else _magnitude(values)
        if own is None:
            return values
        return times(values, min(max(own + self.exponent, -FARTHEST), FARTHEST) - own)


def has_scale(kept: Floats) -> bool:
    """Whether a stored heatmap, float64 [height, width], is at its own scale.

    False where its largest number stands at an end of the range, as it may have been multiplied to get there.
    """
    own = _magnitude(kept)
    return own is None or abs(own) < FARTHEST


def _magnitude(values: Floats) -> int | None:
    """The exponent of the largest number, which is below 2**exponent and not below half of it; None of zeros."""
    largest = float(np.abs(values).max(initial=0))
    return int(np.frexp(largest)[1]) if largest > 0 else None


def times(values: Numbers, exponent: npt.NDArray[np.int64] | int) -> Numbers:
    """values * 2**exponent, an array of the shape and dtype of `values`, float64 [..., n] in all uses.

    exponent: one for all, or int64 [n], one for each index of the last axis. The power itself may be beyond float64,
    so the values are multiplied by it in three parts.
    """
    if isinstance(exponent, int) and exponent == 0:
        return values
    part: npt.NDArray[Any] = np.clip(exponent, -3000, 3000) // 3
    rest = np.clip(exponent, -3000, 3000) - 2 * part
    made: Numbers = values * np.ldexp(1.0, part)
    made *= np.ldexp(1.0, part)
    made *= np.ldexp(1.0, rest)
    return made
