"""Pieces of a plane as lines that BLAS is fast at: groups of channels apart, each line on a cache line."""

from pipeline.layers import passes
from pipeline.layers.array import Array
from pipeline.layers.bound import Calls
from pipeline.layers.buffer import LINE, empty, scratch
from pipeline.layers.span import Reach, runs

_WIDE = 64
"""Rows of a matrix from which on a fifth of its product's time outweighs copying an operand."""

CALL = 60_000
"""Multiply-adds that take as long as one more call."""


def pitch(size: int, itemsize: int) -> int:
    """Numbers from one line of `size` numbers to the next, where each begins on a cache line."""
    line = LINE // itemsize
    return -(-size // line) * line


def lined(calls: Calls, x: Array, groups: int, m: int, mask: Array | None = None) -> Array:
    """x [rows, C, columns, n] (times mask) as [groups, rows, C // groups, pitch], to be read by a matrix of m rows.

    x itself where it is as it should be. Where only its lines straddle cache lines, a copy pays if m is large.
    """
    rows, channels, columns, n = x.shape
    size = columns * n
    wide = pitch(size, x.itemsize)
    if groups == 1 and mask is None and x.flags.c_contiguous and (m < _WIDE or wide == size):
        return x.reshape(1, rows, channels, size)
    lines = scratch("lines", (groups, rows, channels // groups, wide), x.dtype)
    calls += _copied(x, mask, groups, pixels(lines, columns, n))
    return lines


def reached(
    calls: Calls, x: Array, groups: int, m: int, reach: Reach, rows: range, mask: Array | None = None
) -> tuple[Array, Reach]:
    """The lines of x (times mask) that `rows` of products read, and the reach in them.

    Rows out of reach are left out of the products; where that saves little, they are there as lines of zeros.
    """
    top, bottom = reach.met(rows, len(x))
    x, reach = x[top:bottom], reach.below(top)
    mask = None if mask is None else mask[top:bottom]
    given, channels, columns, n = x.shape
    before = max(-(reach.first + rows[0] * reach.step), 0)
    after = max(reach.first + rows[-1] * reach.step + reach.taps - given, 0)
    missed = sum(reach.taps - (run.bottom - run.top) for run in runs(reach, rows, given))
    if m * missed * channels * columns * n >= CALL * (before + after):
        return lined(calls, x, groups, m, mask), reach
    lines = empty((groups, before + given + after, channels // groups, pitch(columns * n, x.itemsize)), x.dtype)
    lines[:, :before] = 0
    lines[:, before + given :] = 0
    calls += _copied(x, mask, groups, pixels(lines[:, before : before + given], columns, n))
    return lines, reach.below(-before)


def masked(calls: Calls, x: Array, mask: Array | None) -> Array:
    """x times mask; x itself without one."""
    if mask is None:
        return x
    made = scratch("masked", x.shape, x.dtype)
    calls += passes.masked(made, x, mask)
    return made


def _copied(x: Array, mask: Array | None, groups: int, lines: Array) -> Calls:
    return passes.masked(lines, apart(x, groups), None if mask is None else apart(mask, groups))


def pixels(lines: Array, columns: int, n: int) -> Array:
    """[..., pitch] as [..., columns, n]."""
    return lines[..., : columns * n].reshape(*lines.shape[:-1], columns, n)


def apart(x: Array, groups: int) -> Array:
    """[rows, C, columns, n] seen as [groups, rows, C // groups, columns, n]."""
    rows, channels, columns, n = x.shape
    return x.reshape(rows, groups, channels // groups, columns, n).transpose(1, 0, 2, 3, 4)
