"""Where a window's taps meet the pixels that exist, along one axis."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pipeline.stem import Axis

BLOCK = 2**20
"""Bytes that lie between an operand and a result at once: half the second-level cache of a current core."""


class Reach(NamedTuple):
    """Output row r reads `taps` rows of an operand, from row `first + r * step` on, where they exist."""

    first: int
    step: int
    taps: int

    def rows_read(self, rows: range, size: int) -> tuple[int, int]:
        """Returns (first, end) of the rows, out of `size`, that `rows` read."""
        top = min(max(self.first + rows[0] * self.step, 0), size)
        return top, max(min(self.first + rows[-1] * self.step + self.taps, size), top)

    def most_read(self, blocks: Sequence[range], height: int) -> int:
        """Returns how many of the `height` rows of the operand any of some blocks of rows reads at most."""
        return max(bottom - top for top, bottom in (self.rows_read(rows, height) for rows in blocks))

    def below(self, top: int) -> "Reach":
        """Returns the same reach into an operand that begins at row `top`."""
        return self._replace(first=self.first - top)


class Run(NamedTuple):
    """Neighbouring rows, `start` to `stop`, that read the same taps, `top` to `bottom`."""

    start: int
    stop: int
    top: int
    bottom: int


def runs(reach: Reach, rows: range, size: int, slack: int = 0) -> Iterator[Run]:
    """Yields `rows` in runs that read the same taps of an operand of `size` rows; bottom <= top if these are none.

    The first and the last `slack` rows of the operand are zeros: taps need not read them, but a run may have a few more
    taps than one of its rows reads, as long as all of them are there.
    """
    run: Run | None = None
    for row in rows:
        first = reach.first + row * reach.step
        top, bottom = max(0, slack - first), min(reach.taps, size - slack - first)
        if run is not None:
            above, below = min(run.top, top), max(run.bottom, bottom)
            same = (run.top, run.bottom) == (top, bottom)
            meets = top < bottom and run.top < run.bottom
            if same or (meets and reach.first + run.start * reach.step + above >= 0 and first + below <= size):
                run = Run(run.start, row + 1, above, below)
                continue
            yield run
        run = Run(row, row + 1, top, bottom)
    if run is not None:
        yield run


def padded_slices(axis: Axis) -> tuple[slice, slice]:
    """Returns (the pixels' place in the padded line, the pixels that stand there); negative paddings crop."""
    length = axis.size_in + axis.before + axis.after
    start, stop = max(axis.before, 0), min(axis.before + axis.size_in, length)
    stop = max(start, stop)
    return slice(start, stop), slice(start - axis.before, stop - axis.before)


def tap(axis: Axis, position: int) -> tuple[slice, slice]:
    """Returns (outputs, inputs) that meet at one tap: output o reads input o*stride + position*dilation - before."""
    shift = axis.before - position * axis.dilation
    first = max(-(-shift // axis.stride), 0)
    last = min((axis.size_in - 1 + shift) // axis.stride, axis.size_out - 1)
    if last < first:
        return slice(0, 0), slice(0, 0)
    start = first * axis.stride - shift
    return slice(first, last + 1), slice(start, start + (last - first) * axis.stride + 1, axis.stride)


def rows_at_once(rows: int, size: int) -> int:
    """Returns how many of so many rows, of `size` bytes each, go into a block of scratch memory: one at least."""
    return min(rows, max(1, BLOCK // max(size, 1)))


def even_rows(rows: int, size: int) -> int:
    """Returns how many of so many rows, of `size` bytes each, are in the largest of the `blocks`."""
    return -(-rows // -(-rows // rows_at_once(rows, size)))


def blocks(rows: int, size: int) -> Iterator[range]:
    """Yields the numbers of so many rows, of `size` bytes each, in blocks that are as even as can be."""
    step = even_rows(max(rows, 1), size)
    for first in range(0, rows, step):
        yield range(first, min(first + step, rows))


def padded_taps(axis: Axis, outputs: int) -> list[slice]:
    """Returns where each tap of a window stands in the padded line, for so many outputs."""
    firsts = (position * axis.dilation for position in range(axis.kernel))
    return [slice(first, first + (outputs - 1) * axis.stride + 1, axis.stride) for first in firsts]


def mirrored(axis: Axis) -> Axis:
    """Returns the axis of the transpose: of a transposed convolution's convolution, and the other way round."""
    return Axis(axis.size_out, axis.size_in, axis.kernel, axis.stride, axis.dilation, axis.before, axis.after)


def spread_size(axis: Axis) -> int:
    """Returns the pixels of a line in which the inputs of a transposed convolution are a stride apart, among zeros."""
    return (axis.size_in - 1) * axis.stride + 1


def reading_spread(axis: Axis) -> Axis:
    """Returns the axis of the convolution of that line, by the reversed kernel; its paddings may be negative."""
    reach, size = axis.dilation * (axis.kernel - 1), spread_size(axis)
    before = reach - axis.before
    return Axis(size, axis.size_out, axis.kernel, 1, axis.dilation, before, axis.size_out + reach - before - size)
