"""What is folded: lines, and which of their rows and columns make each row and column."""

from typing import NamedTuple

from pipeline.ops.bound import Calls
from pipeline.ops.buffer import Array, empty
from pipeline.ops.lines import lined, pitch, put
from pipeline.ops.span import Reach, runs

_CALL = 60_000
"""Multiply-adds that take as long as one more call."""


class Shift(NamedTuple):
    """Which column of tap j of z goes to column c: first + c + j * step."""

    first: int
    step: int

    def reached(self, taps: int, wide: int) -> tuple[int, int]:
        """The first and the last column of z that `wide` columns take from `taps` taps."""
        far = (taps - 1) * self.step
        return self.first + min(far, 0), self.first + wide - 1 + max(far, 0)


class Operand(NamedTuple):
    """What is folded, and the rows and columns that each row and column takes of it.

    It is x [rows, C, columns, n] (times mask); or, where they are made already, `lines` [groups, rows, C, pitch] of so
    many columns, with `slack` rows of zeros at either end.
    """

    x: Array
    mask: Array | None
    columns: int
    reach: Reach
    shift: Shift
    lines: Array | None = None
    slack: int = 0


def reached(calls: Calls, operand: Operand, groups: int, m: int, rows: range) -> tuple[Array, Reach]:
    """The lines that `rows` of products with a matrix of m rows read, and the reach in them.

    Rows out of reach are left out of the products; where that saves little, they are there as lines of zeros.
    """
    if operand.lines is not None:
        return operand.lines, operand.reach
    reach = operand.reach
    top, bottom = reach.met(rows, len(operand.x))
    x, reach = operand.x[top:bottom], reach.below(top)
    mask = None if operand.mask is None else operand.mask[top:bottom]
    given, channels, columns, n = x.shape
    before = max(-(reach.first + rows[0] * reach.step), 0)
    after = max(reach.first + rows[-1] * reach.step + reach.taps - given, 0)
    missed = sum(reach.taps - (run.bottom - run.top) for run in runs(reach, rows, given))
    if m * missed * channels * columns * n >= _CALL * (before + after):
        return lined(calls, x, groups, m * reach.taps // reach.step, mask), reach
    lines = empty((groups, before + given + after, channels // groups, pitch(columns * n, x.itemsize)), x.dtype)
    lines.fill(0)
    calls += put(lines[:, before : before + given], x, mask)
    return lines, reach.below(-before)
