"""Where a window's taps meet the pixels that exist, along one axis."""

from collections.abc import Iterator
from typing import NamedTuple

from pipeline.network import Axis


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


def runs(reach: Reach, rows: range, given: int) -> Iterator[Run]:
    """The rows that are made, of `given` rows, in runs; one that meets no tap has bottom <= top."""
    found: Run | None = None
    for row in rows:
        first = reach.first + row * reach.step
        top, bottom = max(0, -first), min(reach.taps, given - first)
        if found is not None and (found.top, found.bottom) == (top, bottom):
            found = found._replace(stop=row + 1)
            continue
        if found is not None:
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
