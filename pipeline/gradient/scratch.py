"""Scratch memory of convolutions: bytes that lie between operand and result, by way and by place.

It holds some rows at once, as many as `BLOCK` bytes hold, but one row at least. Each way follows the shapes
of its module in `pipeline.ops`, without NumPy.
"""

import itertools
from collections import Counter
from typing import NamedTuple

from pipeline.ops.choice import Shape, Way, forward_way, neighbours, vjp_way
from pipeline.ops.span import even_rows, rows_at_once
from pipeline.stem import Axis

_SHORT = 128
"""Numbers of a line up to which the folded way sums lines with what is between them; see `folded`."""


_LONG = 2**10
"""Bytes of a line from which on it is masked where it goes to; see `passes`."""
_LINE = 64


class Bulk(NamedTuple):
    """A convolution of a block of `n` probes, with `item` bytes a number."""

    shape: Shape
    y: Axis
    x: Axis
    groups: int
    n: int
    item: int

    @property
    def bytes_in(self) -> int:
        """Bytes of its larger end: the rows and columns that a convolution reads."""
        return self.item * self.y.size_in * self.x.size_in * self.shape[2] * self.groups * self.n

    @property
    def bytes_out(self) -> int:
        """Bytes of its other end."""
        return self.item * self.y.size_out * self.x.size_out * self.shape[3] * self.n


class Room(NamedTuple):
    """Bytes of scratch memory by place, those that share memory as one; see `pipeline.ops.buffer.Place`.

    Each place keeps the most that any step has asked of it. inner: results of the parts of a convolution. more: numbers
    of taps and truths.
    """

    taps: int = 0
    operand: int = 0
    product: int = 0
    sums: int = 0
    plane: int = 0
    reordered: int = 0
    spectrum: int = 0
    inner: int = 0
    more: int = 0


def together(*rooms: Room) -> Room:
    """Returns the room of steps, or parts of a step, that run after one another: the largest of each place."""
    return Room._make(map(max, *rooms)) if len(rooms) > 1 else rooms[0]


def scratch_forward(own: Bulk, ties: bool = False) -> Room:
    """Returns the scratch memory of a convolution on its way forward."""
    return _convolved(own, forward_way(*_asked(own), ties))


def scratch_back(own: Bulk, masked: bool) -> Room:
    """Returns the scratch memory of its transpose; `masked`: the gradient is multiplied by a mask."""
    return _convolved_back(own, vjp_way(*_asked(own)), masked)


def _asked(own: Bulk) -> tuple[Shape, Axis, Axis, int, int]:
    return own.shape, own.y, own.x, own.groups, own.n


def _convolved(own: Bulk, way: Way) -> Room:
    """Returns the scratch memory of one way of a convolution."""
    kh, kw, channels, features = own.shape
    y, x, n, item, groups = own.y, own.x, own.n, own.item, own.groups
    copied = own.bytes_in if groups > 1 else 0
    if way == "winograd":
        read, written = (-(-x.size_out // 2) + 1) * n * item, -(-x.size_out // 2) * n * item
        rows = even_rows(y.size_out, 4 * features * written)
        halves = 2 * _read(y, rows) * channels * read
        return Room(taps=4 * rows * features * written, operand=halves, product=2 * halves)
    if way == "fourier":  # which yields to the direct way where that alone is exact
        transformed = _transformed(own, (y.size_in, x.size_in, channels), (y.size_out, x.size_out, features))
        return together(transformed, _convolved(own, "folded"))
    if way == "windowed":
        places = x.size_out * groups * n * item
        line, plane = places * kh * kw * channels, padded(y, x, channels * groups * n * item)
        rows = even_rows(y.size_out, line)
        return Room(taps=rows * line, operand=plane, product=rows * places * features // groups)
    if way == "phases":
        plane = own.bytes_in * (y.size_in + y.before + y.after) // y.size_in
        each = [own._replace(y=phase) for phase in phases(y)]
        apart = Room(plane=plane, inner=own.bytes_out // y.dilation)
        return together(apart, *(_convolved(one, forward_way(*_asked(one))) for one in each))
    if way == "unfolded":
        line = x.size_out * n * item
        if y.dilation > 1:
            unfolded = groups * y.size_in * kw * channels * line
            return Room(taps=unfolded, operand=copied, product=own.bytes_out)
        rows = even_rows(y.size_out, groups * channels * kw * line * y.stride)
        whole = x.size_out == 1 and x.size_in == x.kernel
        return Room(taps=0 if whole else groups * _read(y, rows) * kw * channels * line, operand=copied)
    margin = max(x.before, x.size_out - 1 + (kw - 1) * x.dilation - x.before + 1 - x.size_in, 0)
    return _folded(own, (y.size_out, features // groups), (y.size_in, x.size_in, channels), margin, y, masked=False)


def _convolved_back(own: Bulk, way: Way, masked: bool) -> Room:
    """Returns the scratch memory of one way of its transpose."""
    kh, kw, channels, features = own.shape
    y, x, n, item, groups = own.y, own.x, own.n, own.item, own.groups
    copied = own.bytes_out if groups > 1 or masked else 0
    if way == "winograd":
        read, written = -(-x.size_out // 2) * n * item, (-(-x.size_out // 2) + 1) * n * item
        rows = even_rows(y.size_in, 4 * channels * written)
        met, later = _met(y, rows), rows * channels * written
        operand = max(later, met * features * x.size_out * n * item if masked else 0)
        return Room(taps=4 * later, operand=operand, product=4 * met * features * read)
    if way == "fourier":
        transformed = _transformed(own, (y.size_out, x.size_out, features), (y.size_in, x.size_in, channels))
        return together(Room(operand=copied), transformed, _convolved_back(own, "folded", masked))
    if way == "phases":
        plane = own.bytes_in * (y.size_in + y.before + y.after) // y.size_in
        each = [own._replace(y=phase) for phase in phases(y)]
        apart = Room(plane=plane, inner=plane // y.dilation)
        return together(apart, *(_convolved_back(one, vjp_way(*_asked(one)), masked) for one in each))
    if way == "unfolded":
        line = (x.size_out + (kw - 1) * x.dilation // x.stride) * n * item
        rows = min(y.size_in, (y.size_out - 1) * y.stride + (kh - 1) * y.dilation + 1)
        whole = x.size_out == 1 and x.size_in == x.kernel and groups == 1
        spread = 0
        if y.size_out > 1 and y.dilation == 1:
            rows = even_rows(-(-rows // y.stride), groups * y.stride * kw * channels * line) * y.stride
        elif y.size_out > 1 or y.dilation > 1:
            spread = groups * y.size_out * kh * kw * channels * line
        if whole:
            return Room(operand=copied, product=spread)
        each_tap = groups * rows * channels * line
        split = _masked_apart(x.size_out * n * item, copied) if masked else 0
        return Room(taps=kw * each_tap, operand=copied, product=spread, sums=max(x.stride * each_tap, split))
    reach = (kw - 1) * x.dilation
    margin = max(reach - x.before, x.before + x.size_in - x.size_out, 0)
    turned = own._replace(shape=(kh, kw, features // groups, channels * groups))
    return _folded(turned, (y.size_in, channels), (y.size_out, x.size_out, features // groups), margin, y, masked)


def _folded(
    own: Bulk, result: tuple[int, int], operand: tuple[int, int, int], margin: int, y: Axis, masked: bool
) -> Room:
    """Returns the scratch memory of the folded way.

    result, operand: (rows, features of a group) and (rows, columns, channels of a group).
    """
    kw, groups, n, item = own.shape[1], own.groups, own.n, own.item
    rows, features = result
    height, columns, channels = operand
    thin = features == channels == 1
    near = neighbours(kw) if thin else 1
    line = (columns + margin) * n * item
    z = -(-kw // near) * features * line
    read = own.shape[0] * channels * near * columns * n * item
    block = rows_at_once(rows, groups * max(z, read))
    whole = groups * height * columns * n * item
    if near > 1:
        return Room(taps=groups * block * z, operand=whole if masked else 0, product=near * whole)
    read_at_once = height if kw == 1 and not margin else min(height, block + own.shape[0])
    lines = groups * read_at_once * channels * columns * n * item
    sums = groups * block * features * line if features > 1 and line <= _SHORT * item else 0
    apart = _masked_apart(columns * n * item, lines) if masked else 0
    return Room(taps=groups * block * z, operand=lines, sums=max(sums, apart))


def _masked_apart(line: int, lines: int) -> int:
    """Returns the bytes of a masked array that is copied to lines afterwards; 0 for lines that are masked in place."""
    return lines if line < _LONG and line % _LINE else 0


def _transformed(own: Bulk, operand: tuple[int, int, int], result: tuple[int, int, int]) -> Room:
    """Returns the scratch memory of the Fourier way; result, operand: (rows, columns, channels)."""
    kh, kw, inputs, features = own.shape
    q = 3 * (operand[1] + max(result[1] + kw - 1 - operand[1], 0)) // 2 + 3
    item, n = own.item, own.n
    rows_in, columns_in, channels_in = operand
    rows, columns, channels = result
    kernel = item * kh * inputs * features
    turned, product = item * columns_in * channels_in * n, item * q * channels * n
    below = even_rows(rows, product)
    windows = 20 * rows_in * columns_in * n  # where they are zero, is counted in integers
    return Room(
        taps=below * product,
        product=item * q * rows_in * channels_in * n,
        sums=max(even_rows(rows_in, turned) * turned, below * item * columns * channels * n),
        reordered=kw * kernel,
        spectrum=q * kernel,
        more=windows,
    )


def padded(y: Axis, x: Axis, pixel: int) -> int:
    """Returns the bytes of a plane with its padding, 0 where it has none; `pixel`: bytes of one pixel."""
    if not (y.before or y.after or x.before or x.after):
        return 0
    rows, columns = (axis.size_in + axis.before + axis.after for axis in (y, x))
    return rows * columns * pixel


def phases(y: Axis) -> Counter[Axis]:
    """Returns the phases of dilated rows, as axes without dilation, and how many there are of each; see `conv`."""
    rows, outputs = y.size_in + y.before + y.after, y.size_out
    count = min(y.dilation, outputs)
    # Sizes shrink by one at two places at most, so that what lies between is alike.
    edges = sorted({0, *(size % y.dilation for size in (rows, outputs) if 0 < size % y.dilation < count), count})
    counts: Counter[Axis] = Counter()
    for first, stop in itertools.pairwise(edges):
        counts[Axis(-(-(rows - first) // y.dilation), -(-(outputs - first) // y.dilation), y.kernel)] += stop - first
    return counts


def _read(y: Axis, rows: int) -> int:
    """Returns how many rows are read for so many results."""
    return min(y.size_in, (rows - 1) * y.stride + (y.kernel - 1) * y.dilation + 1)


def _met(y: Axis, rows: int) -> int:
    """Returns how many rows of a gradient reach so many of the rows that were read."""
    return min(y.size_out, rows + y.kernel - 1)
