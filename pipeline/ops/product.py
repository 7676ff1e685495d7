"""Matrix products over windows of lines, in shapes that BLAS is fast at.

On AVX-512 OpenBLAS multiplies small matrices (up to 10^6 multiply-adds) where they lie, without packing its operands
first. On the thin products of a convolution, a few dozen features wide, packing costs as much as multiplying: a product
of 48 x 48 by 48 x 656 runs at 60 % of the rate of the same product in chunks of 320 columns, and one of 192 x 192 by
192 x 64 at three quarters of that of its three thirds. Elsewhere thirds would be packed three times; but columns in
chunks stay in the cache.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from pipeline.blas import reads_small_in_place
from pipeline.ops.bound import Calls
from pipeline.ops.buffer import Array, view
from pipeline.ops.choice import SMALL_PRODUCT
from pipeline.ops.passes import fill_calls
from pipeline.ops.span import Reach, runs

_VECTOR = 16
_LEAST = 64


class Windows(NamedTuple):
    """Windows of lines in a contiguous array: window (g, r) begins at number start + g * group + r * row.

    Its lines are `pitch` numbers apart.
    """

    start: int
    group: int
    row: int
    pitch: int


@lru_cache(maxsize=1024)
def chunk(m: int, k: int, n: int) -> tuple[int, int]:
    """Returns (rows, columns) of one product of [m, k] by [k, n]: all, or as many as keep it small; rows divide m."""
    if m * k * n <= SMALL_PRODUCT:
        return m, n
    widest = SMALL_PRODUCT // (m * k) // 32 * 32
    if widest >= _LEAST:
        pieces = -(-n // widest)
        return m, min(-(-n // (pieces * 32)) * 32, widest)
    columns = min(n, _LEAST)
    if not reads_small_in_place():
        return m, n
    for rows in range(m, _VECTOR - 1, -1):
        if m % rows == 0 and rows * k * columns <= SMALL_PRODUCT:
            return rows, columns
    return m, n


def multiply(
    calls: Calls, matrices: Array, x: Array, read: Windows, out: Array, target: Windows, rows: int, n: int
) -> None:
    """Adds the calls that multiply matrices [groups, 1, m, k] by each window [k, n] of x.

    The products [m, n] go to windows of `out`. All are of one dtype, x and out contiguous. read, target: the windows of
    x, which may overlap, and of out.
    """
    groups, _, m, k = matrices.shape
    height, width = chunk(m, k, n)
    matrices = matrices.reshape(groups, 1, m // height, height, k)
    pieces = n // width
    for first, count, columns in ((0, pieces, width), (pieces * width, 1, n - pieces * width)):
        if columns:
            operand = _windows(x, read, first, (count, groups, rows, 1, k, columns))
            product = _windows(out, target, first, (count, groups, rows, m // height, height, columns))
            calls.append((np.matmul, (matrices, operand, product)))


def correlate(
    calls: Calls,
    matrices: Array,
    x: Array,
    reach: Reach,
    rows: range,
    out: Array,
    target: Windows,
    n: int,
    slack: int = 0,
    stack: int = 1,
) -> None:
    """Adds the calls for each of `rows`: matrices [groups, 1, m, taps * k] times the rows of x that it reads.

    x is [groups, height, k, pitch]; all are of one dtype. `target` says where the first of `rows` goes in `out`, and
    the others after it; n numbers of each line are multiplied. Rows out of reach count as zero; `slack` of them at
    either end of x are there as zeros. Where `stack` rows are computed at a time, the matrices have m lines for each,
    [groups, 1, stack * m, (taps + (stack - 1) * step) * k], of which the first compute a row alone.
    """
    groups, height, k, pitch = x.shape
    m = matrices.shape[2] // stack
    if stack > 1:
        whole = len(rows) // stack
        together = Reach(reach.first + rows.start * reach.step, stack * reach.step, matrices.shape[3] // k)
        correlate(calls, matrices, x, together, range(whole), out, target._replace(row=stack * target.row), n, slack)
        matrices = matrices[:, :, :m, : reach.taps * k]
        target, rows = target._replace(start=target.start + whole * stack * target.row), rows[whole * stack :]
    for run in runs(reach, rows, height, slack):
        put = target._replace(start=target.start + (run.start - rows.start) * target.row)
        if run.bottom <= run.top:
            calls += fill_calls(_windows(out, put, 0, (1, groups, run.stop - run.start, 1, m, n)))
            continue
        first = reach.first + run.start * reach.step + run.top
        read = Windows(first * k * pitch, height * k * pitch, reach.step * k * pitch, pitch)
        multiply(calls, matrices[..., run.top * k : run.bottom * k], x, read, out, put, run.stop - run.start, n)


def _windows(a: Array, at: Windows, first: int, shape: tuple[int, ...]) -> Array:
    strides = (shape[5], at.group, at.row, shape[4] * at.pitch, at.pitch, 1)
    return view(a, at.start + first, shape, strides)
