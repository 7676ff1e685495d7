"""Pieces of a plane as lines that BLAS is fast at: groups of channels apart, each line on a cache line."""

from pipeline.blas import reads_small_in_place
from pipeline.ops import passes
from pipeline.ops.bound import Calls
from pipeline.ops.buffer import LINE, Array, Place, scratch

_OFTEN = 64
"""Multiply-adds with each number from which on a fifth of their time outweighs copying an operand."""


def pitch(size: int, itemsize: int) -> int:
    """Numbers from one line of `size` numbers to the next, where each begins on a cache line."""
    line = LINE // itemsize
    return -(-size // line) * line


def width(size: int, itemsize: int) -> int:
    """Numbers of a line of `size` numbers that are best multiplied: up to whole vectors where that takes less time.

    Where small matrices are multiplied in place, two vectors of columns are made at once; one and a half take longer.
    """
    vector = LINE // itemsize
    missing = -size % (2 * vector)
    return size + missing if missing <= vector // 2 and reads_small_in_place() else size


def multiplied(lines: Array, size: int) -> int:
    """How many numbers of each of these lines, of which `size` are there, are multiplied."""
    there: int = lines.shape[-1]
    return min(width(size, lines.itemsize), there)


def lined(calls: Calls, x: Array, groups: int, uses: int, mask: Array | None = None) -> Array:
    """x [rows, C, columns, n] (times mask) as [groups, rows, C // groups, pitch], each number to be read `uses` times.

    Where only its lines straddle cache lines, a copy pays if they are read often. How much of them is multiplied, which
    BLAS rounds by, does not depend on where x lies.
    """
    rows, channels, columns, n = x.shape
    size = columns * n
    plain = groups == 1 and mask is None
    wide = size if plain and uses < _OFTEN else pitch(size, x.itemsize)
    if plain and wide == size and x.flags.c_contiguous:
        return x.reshape(1, rows, channels, size)
    lines = scratch(Place.OPERAND, (groups, rows, channels // groups, wide), x.dtype)
    calls += put(lines, x, mask)
    calls += passes.filled(lines[..., size : multiplied(lines, size)])
    return lines


def put(lines: Array, x: Array, mask: Array | None) -> Calls:
    """Calls: x [rows, C, columns, n] (times mask) into lines [groups, rows, C // groups, pitch]."""
    groups = len(lines)
    return passes.masked(pixels(lines, *x.shape[2:]), apart(x, groups), None if mask is None else apart(mask, groups))


def masked(calls: Calls, x: Array, mask: Array | None) -> Array:
    """x times mask; x itself without one."""
    if mask is None:
        return x
    made = scratch(Place.OPERAND, x.shape, x.dtype)
    calls += passes.masked(made, x, mask)
    return made


def pixels(lines: Array, columns: int, n: int) -> Array:
    """[..., pitch] as [..., columns, n]."""
    return lines[..., : columns * n].reshape(*lines.shape[:-1], columns, n)


def apart(x: Array, groups: int) -> Array:
    """[rows, C, columns, n] seen as [groups, rows, C // groups, columns, n]."""
    rows, channels, columns, n = x.shape
    return x.reshape(rows, groups, channels // groups, columns, n).transpose(1, 0, 2, 3, 4)
