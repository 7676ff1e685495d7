"""Pieces of a plane as lines that BLAS is fast at: one group of channels after the other, each line on a cache line."""

from pipeline.blas import reads_small_in_place
from pipeline.ops import passes
from pipeline.ops.bound import Calls
from pipeline.ops.buffer import LINE, Array, Place, scratch

_OFTEN = 64
"""Multiply-adds with each number from which on a fifth of their time outweighs copying an operand."""


def pitch(size: int, itemsize: int) -> int:
    """Returns the numbers from one line of `size` numbers to the next, where each begins on a cache line."""
    line = LINE // itemsize
    return -(-size // line) * line


def product_width(size: int, itemsize: int) -> int:
    """Returns how many numbers of a line a product reads, `size` or up to whole vectors where that takes less time.

    Where small matrices are multiplied in place, two vectors of columns are computed at once; one and a half take
    longer.
    """
    vector = LINE // itemsize
    missing = -size % (2 * vector)
    return size + missing if missing <= vector // 2 and reads_small_in_place() else size


def product_width_in(lines: Array, size: int) -> int:
    """Returns the same for these lines [..., pitch] of float32 or float64: it is no more than their pitch."""
    there: int = lines.shape[-1]
    return min(product_width(size, lines.itemsize), there)


def as_lines(
    calls: Calls, x: Array, groups: int, uses: int, mask: Array | None = None, most: int | None = None
) -> Array:
    """Returns x [rows, C, columns, n], times a bool mask if any, as lines [groups, rows, C // groups, pitch].

    They are of its dtype, a view or a copy, for which calls are added. uses: how many multiply-adds read each number.
    Where only its lines straddle cache lines, a copy pays if they are read often. The number of columns that are
    multiplied, by which BLAS rounds, does not depend on where x lies.

    most: the rows of the largest block of a step that makes several. Scratch memory for that many is asked for first,
    because what is bound before it grows would keep the smaller one, too.
    """
    rows, channels, columns, n = x.shape
    size = columns * n
    plain = groups == 1 and mask is None
    wide = size if plain and uses < _OFTEN else pitch(size, x.itemsize)
    if plain and wide == size and x.flags.c_contiguous:
        return x.reshape(1, rows, channels, size)
    if most is not None:
        scratch(Place.OPERAND, (groups, most, channels // groups, wide), x.dtype)
    lines = scratch(Place.OPERAND, (groups, rows, channels // groups, wide), x.dtype)
    calls += copy_to_lines(lines, x, mask)
    calls += passes.fill_calls(lines[..., size : product_width_in(lines, size)])
    return lines


def copy_to_lines(lines: Array, x: Array, mask: Array | None) -> Calls:
    """Returns the calls that copy x [rows, C, columns, n], times a bool mask if any, to lines of its dtype.

    lines: [groups, rows, C // groups, pitch].
    """
    groups = len(lines)
    return passes.mask_calls(
        pixels(lines, *x.shape[2:]), in_groups(x, groups), None if mask is None else in_groups(mask, groups)
    )


def masked(calls: Calls, x: Array, mask: Array | None) -> Array:
    """Returns x [rows, C, columns, n] itself or, with a bool mask, their product, of its dtype, and adds its calls."""
    if mask is None:
        return x
    copy = scratch(Place.OPERAND, x.shape, x.dtype)
    calls += passes.mask_calls(copy, x, mask)
    return copy


def pixels(lines: Array, columns: int, n: int) -> Array:
    """Returns lines [..., pitch] of any dtype as a view [..., columns, n]."""
    return lines[..., : columns * n].reshape(*lines.shape[:-1], columns, n)


def in_groups(x: Array, groups: int) -> Array:
    """Returns x [rows, C, columns, n] of any dtype as a view [groups, rows, C // groups, columns, n]."""
    rows, channels, columns, n = x.shape
    return x.reshape(rows, groups, channels // groups, columns, n).transpose(1, 0, 2, 3, 4)
