"""What is folded: lines, and which of their rows and columns make each row and column."""

from typing import NamedTuple

from pipeline.layers.array import Array
from pipeline.layers.span import Reach


class Shift(NamedTuple):
    """Which column of tap j of z goes to column c: first + c + j * step."""

    first: int
    step: int

    def reached(self, taps: int, wide: int) -> tuple[int, int]:
        """The first and the last column of z that `wide` columns take from `taps` taps."""
        far = (taps - 1) * self.step
        return self.first + min(far, 0), self.first + wide - 1 + max(far, 0)


class Taken(NamedTuple):
    """What is folded: x (times mask), the rows and columns that each row and column takes of it.

    slack: so many rows at either end of x are zeros.
    """

    x: Array
    mask: Array | None
    reach: Reach
    shift: Shift
    slack: int
