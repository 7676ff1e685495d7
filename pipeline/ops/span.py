"""Where a window's taps meet the pixels that exist, along one axis."""

from collections.abc import Iterator
from typing import NamedTuple

from pipeline.stem.plane import Axis

BLOCK = 2**20
"""Bytes that lie between an operand and a result at once: half the second-level cache of a current core."""


class Reach(NamedTuple):
    """Row r of what is made reads `taps` rows of what is given, from row `first + r * step` on, where they exist."""

    first: int
    step: int
    taps: int

    def met(self, rows: range, given: int) -> tuple[int, int]:
        """(first, end) of the `given` rows that `rows` read."""
        top = min(max(self.first + rows[0] * self.step, 0), given)
        return top, max(min(self.first + rows[-1] * self.step + self.taps, given), top)

    def below(self, top: int) -> "Reach":
        """The same reach into what is given from row `top` on."""
        return self._replace(first=self.first - top)


class Run(NamedTuple):
    """Neighbouring rows, `start` to `stop`, that meet the same taps, `top` to `bottom`."""

    start: int
    stop: int
    top: int
    bottom: int


def runs(reach: Reach, rows: range, given: int, slack: int = 0) -> Iterator[Run]:
    """The rows that are made, of `given` rows, in runs; one that meets no tap has bottom <= top.

    Of what is given, so many rows as `slack` at either end are zeros: taps need not meet them, but a run may have a few
    more taps than one of its rows meets, as long as all of them are there.
    """
    found: Run | None = None
    for row in rows:
        first = reach.first + row * reach.step
        top, bottom = max(0, slack - first), min(reach.taps, given - slack - first)
        if found is not None:
            above, below = min(found.top, top), max(found.bottom, bottom)
            same = (found.top, found.bottom) == (top, bottom)
            meets = top < bottom and found.top < found.bottom
            if same or (meets and reach.first + found.start * reach.step + above >= 0 and first + below <= given):
                found = Run(found.start, row + 1, above, below)
                continue
            yield found
        found = Run(row, row + 1, top, bottom)
    if found is not None:
        yield found


def placed(axis: Axis) -> tuple[slice, slice]:
    """(where the pixels stand in the padded line, which pixels stand there); negative paddings crop."""
    length = axis.size_in + axis.before + axis.after
    start, stop = max(axis.before, 0), min(axis.before + axis.size_in, length)
    stop = max(start, stop)
    return slice(start, stop), slice(start - axis.before, stop - axis.before)


def tap(axis: Axis, position: int) -> tuple[slice, slice]:
    """(outputs, inputs) that meet at one tap: output o reads input o*stride + position*dilation - before."""
    shift = axis.before - position * axis.dilation
    first = max(-(-shift // axis.stride), 0)
    last = min((axis.size_in - 1 + shift) // axis.stride, axis.size_out - 1)
    if last < first:
        return slice(0, 0), slice(0, 0)
    start = first * axis.stride - shift
    return slice(first, last + 1), slice(start, start + (last - first) * axis.stride + 1, axis.stride)


def rows_at_once(rows: int, size: int) -> int:
    """How many of so many rows, of `size` bytes each, go into a block of scratch memory: one at least."""
    return min(rows, max(1, BLOCK // max(size, 1)))


def blocks(rows: int, size: int) -> Iterator[range]:
    """The numbers of so many rows, of `size` bytes each, in blocks that are as even as can be."""
    step = -(-rows // -(-rows // rows_at_once(rows, size)))
    for first in range(0, rows, step):
        yield range(first, min(first + step, rows))


def padded_taps(axis: Axis, outputs: int) -> list[slice]:
    """Where each tap of a window without dilation stands in the padded line, for the first so many outputs."""
    return [slice(i, i + (outputs - 1) * axis.stride + 1, axis.stride) for i in range(axis.kernel)]


def mirrored(axis: Axis) -> Axis:
    """The axis of the transpose: that of a transposed convolution's convolution, and the other way round."""
    return Axis(axis.size_out, axis.size_in, axis.kernel, axis.stride, axis.dilation, axis.before, axis.after)


def spread_size(axis: Axis) -> int:
    """Pixels of a line in which the inputs of a transposed convolution are a stride apart, among zeros."""
    return (axis.size_in - 1) * axis.stride + 1


def reading_spread(axis: Axis) -> Axis:
    """The convolution of that line, by the kernel in reverse, that a transposed one is; paddings may be negative."""
    reach, size = axis.dilation * (axis.kernel - 1), spread_size(axis)
    before = reach - axis.before
    return Axis(size, axis.size_out, axis.kernel, 1, axis.dilation, before, axis.size_out + reach - before - size)
