"""The operand of a folded product: lines, and which of their rows and columns each output reads."""

from typing import NamedTuple

from pipeline.ops.bound import Calls
from pipeline.ops.buffer import Array, empty
from pipeline.ops.lines import as_lines, copy_to_lines, pitch
from pipeline.ops.span import Reach, runs

_CALL = 60_000
"""Multiply-adds that take as long as one more call."""


class Shift(NamedTuple):
    """The column of tap j of z that goes to column c: first + c + j * step."""

    first: int
    step: int

    def columns_read(self, taps: int, wide: int) -> tuple[int, int]:
        """Returns the first and the last column of z that `wide` columns read through `taps` taps."""
        far = (taps - 1) * self.step
        return self.first + min(far, 0), self.first + wide - 1 + max(far, 0)


class Operand(NamedTuple):
    """The operand of a folded product, with the rows (`reach`) and columns (`shift`) of it that each output reads.

    It is x [rows, C, columns, n] (times a bool mask); or, where taps were unfolded before, `lines` [groups, rows, C,
    pitch] of so many columns, with `slack` rows of zeros at either end.
    """

    x: Array
    mask: Array | None
    columns: int
    reach: Reach
    shift: Shift
    lines: Array | None = None
    slack: int = 0


def lines_read(
    calls: Calls, operand: Operand, groups: int, m: int, rows: range, most: int | None = None
) -> tuple[Array, Reach]:
    """Returns the lines that `rows` of products with a matrix of m rows read, and the reach in them.

    They are [groups, height, C // groups, pitch], of the dtype of x. Rows out of reach are left out of the products;
    where that saves little, they are there as lines of zeros. most: see
    `as_lines`.
    """
    if operand.lines is not None:
        return operand.lines, operand.reach
    reach = operand.reach
    top, bottom = reach.rows_read(rows, len(operand.x))
    x, reach = operand.x[top:bottom], reach.below(top)
    mask = None if operand.mask is None else operand.mask[top:bottom]
    height, channels, columns, n = x.shape
    before = max(-(reach.first + rows[0] * reach.step), 0)
    after = max(reach.first + rows[-1] * reach.step + reach.taps - height, 0)
    missed = sum(reach.taps - (run.bottom - run.top) for run in runs(reach, rows, height))
    if m * missed * channels * columns * n >= _CALL * (before + after):
        return as_lines(calls, x, groups, m * reach.taps // reach.step, mask, most), reach
    lines = empty((groups, before + height + after, channels // groups, pitch(columns * n, x.itemsize)), x.dtype)
    lines.fill(0)
    calls += copy_to_lines(lines[:, before : before + height], x, mask)
    return lines, reach.below(-before)
