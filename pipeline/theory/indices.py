"""Sets of indices along one axis, as bits of an integer, and how a layer carries them back to its input.

`read_by`, `feeding` and `weighed` take planes to go on without end; `pixels_read`, `pixels_feeding` and
`pixels_weighed` keep to those that exist.
"""

from collections.abc import Iterator

import msgspec

from pipeline.stem import Axis, PaddingMode, feeding_taps, read_taps, resample


class Indices(msgspec.Struct, frozen=True):
    """A set of integers: bit i of `bits` stands for `first + i`, and bit 0 is set unless the set is empty.

    The offset keeps a small set small wherever on a large plane it lies. Make one with `indices` or `span`.
    """

    first: int = 0
    bits: int = 0

    @property
    def last(self) -> int:
        """The largest index of a set that is not empty."""
        return self.first + self.bits.bit_length() - 1

    def __bool__(self) -> bool:
        return self.bits != 0

    def __len__(self) -> int:
        return self.bits.bit_count()

    def __iter__(self) -> Iterator[int]:
        return (self.first + i for i, bit in enumerate(reversed(format(self.bits, "b"))) if bit == "1")

    def runs(self) -> Iterator[tuple[int, int]]:
        """(first, last) of each run of consecutive indices."""
        first, bits = self.first, self.bits
        while bits:
            count = (~bits & bits + 1).bit_length() - 1
            yield first, first + count - 1
            bits >>= count
            gap = (bits & -bits).bit_length() - 1 if bits else 0
            first, bits = first + count + gap, bits >> gap

    def __or__(self, other: "Indices") -> "Indices":
        if not self.bits or not other.bits:
            return self if self.bits else other
        first = min(self.first, other.first)
        return Indices(first, self.bits << self.first - first | other.bits << other.first - first)

    def __and__(self, other: "Indices") -> "Indices":
        first = max(self.first, other.first)
        return indices(first, self._from(first) & other._from(first))

    def __sub__(self, other: "Indices") -> "Indices":
        return indices(self.first, self.bits & ~other._from(self.first))

    def _from(self, first: int) -> int:
        """The bits as if the set began at `first`; what lies before it is dropped."""
        return self.bits >> first - self.first if first >= self.first else self.bits << self.first - first


def indices(first: int, bits: int) -> Indices:
    """The set of `first + i` for every bit i of `bits`."""
    if not bits:
        return Indices()
    gap = (bits & -bits).bit_length() - 1
    return Indices(first + gap, bits >> gap)


def span(first: int, last: int) -> Indices:
    """All integers from `first` to `last`, both included."""
    return Indices(first, (1 << last - first + 1) - 1)


def read_by(outputs: Indices, axis: Axis, taps: range | None = None) -> Indices:
    """The inputs that some outputs of a convolution or pool read with some taps, or with all; no plane ends them."""
    taps = range(axis.kernel) if taps is None else taps
    if not outputs or not taps:
        return Indices()
    bits = _box(_spread(outputs.bits, axis.stride), len(taps), axis.dilation)
    return Indices(outputs.first * axis.stride - axis.before + taps.start * axis.dilation, bits)


def feeding(outputs: Indices, axis: Axis, taps: range | None = None) -> Indices:
    """The inputs that feed some outputs of a transposed convolution or an up-sampling with some taps, or with all.

    None where the outputs are gaps; no plane ends them.
    """
    taps = range(axis.kernel) if taps is None else taps
    if not outputs or not taps:
        return Indices()
    # Input n feeds the set iff n*s - before + i*d is in it for some i, that is iff n*s - before is in the set
    # moved down by each i*d; then every s-th of those is kept.
    first = outputs.first - (taps.stop - 1) * axis.dilation
    bits = _box(outputs.bits, len(taps), axis.dilation)
    start = -((-first - axis.before) // axis.stride)
    skipped = start * axis.stride - axis.before - first
    kept = format(bits >> skipped, "b")[::-1][:: axis.stride][::-1]
    return indices(start, int(kept, 2))


def weighed(outputs: Indices, axis: Axis) -> Indices:
    """The inputs in the windows of some outputs of an axis that is not even; no plane ends them.

    The windows of consecutive outputs overlap or adjoin: each run of outputs has one run of inputs.
    """
    found = Indices()
    for first, last in outputs.runs():
        found |= span(resample.taps(axis, first).first, resample.taps(axis, last).last)
    return found


def pixels_read(outputs: Indices, axis: Axis, mode: PaddingMode) -> Indices:
    """The pixels of the input that some outputs of a convolution or pool read, padding folded onto those it copies.

    Zero padding (and the -inf of max-pooling) is no input: it is left out.
    """
    if not outputs:
        return outputs
    size = axis.size_in
    lowest, highest = (-axis.before, size - 1 + axis.after) if mode in ("reflect", "circular") else (0, size - 1)
    reached = read_by(outputs, axis, read_taps(axis, outputs.first, outputs.last, lowest, highest))
    inside = reached & span(0, size - 1)
    if mode == "zeros":
        return inside
    if mode == "replicate":
        if outputs.first * axis.stride < axis.before:
            inside |= span(0, 0)
        if outputs.last * axis.stride - axis.before + (axis.kernel - 1) * axis.dilation >= size:
            inside |= span(size - 1, size - 1)
        return inside
    below, above = reached & span(-size, -1), reached & span(size, 2 * size - 1)
    if mode == "circular":
        return inside | Indices(below.first + size, below.bits) | Indices(above.first - size, above.bits)
    return inside | _mirrored(below, 0) | _mirrored(above, size - 1)


def pixels_feeding(outputs: Indices, axis: Axis) -> Indices:
    """The pixels of the input that feed some outputs of a transposed convolution or an up-sampling."""
    if not outputs:
        return outputs
    taps = feeding_taps(axis, outputs.first, outputs.last)
    return feeding(outputs, axis, taps) & span(0, axis.size_in - 1)


def pixels_weighed(outputs: Indices, axis: Axis) -> Indices:
    """The pixels in the windows of some outputs of an axis that is not even; its end stands for what is beyond it."""
    reached, last = weighed(outputs, axis), axis.size_in - 1
    if not reached:
        return reached
    inside = reached & span(0, last)
    if reached.first < 0:
        inside |= span(0, 0)
    if reached.last > last:
        inside |= span(last, last)
    return inside


def _mirrored(beyond: Indices, edge: int) -> Indices:
    """The pixels that reflection copies beyond an edge, the edge itself not among them."""
    return indices(2 * edge - beyond.last, int(format(beyond.bits, "b")[::-1], 2)) if beyond else beyond


def _spread(bits: int, stride: int) -> int:
    """Bit i becomes bit i*stride."""
    if stride == 1:
        return bits
    if bits & bits + 1 == 0:  # one run, as most sets are
        return _box(bits & 1, bits.bit_length(), stride)
    return int(("0" * (stride - 1)).join(format(bits, "b")), 2)


def _box(bits: int, count: int, dilation: int) -> int:
    """The union of the set moved up by 0, d, ..., (count-1)*d, in log2(count) steps."""
    done = 1
    while done < count:
        step = min(done, count - done)
        bits |= bits << step * dilation
        done += step
    return bits
