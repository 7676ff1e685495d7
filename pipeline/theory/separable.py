"""Maps on a plane as sums of products of a profile along y and one along x, and how layers carry them back.

A box filter acts on rows and columns independently, so a chain of layers carries a single unit back as one product of
two profiles, at the cost of two vectors. A sum of branches is a sum of such products.
"""

from collections.abc import Sequence
from math import frexp, ldexp, log2
from typing import TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from pipeline.stem import Axis, PaddingMode, counted_pixels, feeding_taps, folded, read_taps, resample

Floats: TypeAlias = npt.NDArray[np.float64]

_GROWTH = 400.0
"""Binary orders of magnitude after which profiles are brought back to one; float64 has 1023."""


class Lines(msgspec.Struct, frozen=True, eq=False):
    """Profiles along one axis, float64 [terms, pixels], >= 0; `first` is the index of their first pixel."""

    values: Floats
    first: int


class Separable(msgspec.Struct, frozen=True, eq=False):
    """mantissa * 2**exponent * sum over terms t of y[t, :, None] * x[t, None, :]; zero where a side has no pixels."""

    y: Lines
    x: Lines
    mantissa: float = 1.0
    exponent: int = 0
    growth: float = 0.0

    @property
    def empty(self) -> bool:
        """No pixel is left: all of it went to padding, or to gaps between kernels."""
        return not (self.y.values.any() and self.x.values.any())

    @property
    def array(self) -> Floats:
        """The map without its factor 2**exponent: float64 [height, width] from (y.first, x.first)."""
        product: Floats = self.mantissa * (self.y.values.T @ self.x.values)
        return product


def point(y: int, x: int) -> Separable:
    """1 at one pixel."""
    return Separable(Lines(np.ones((1, 1)), y), Lines(np.ones((1, 1)), x))


def scaled(given: Separable, gain: float) -> Separable:
    """The map times a positive number; any number of gains neither overflows nor vanishes."""
    mantissa, exponent = frexp(given.mantissa * gain)
    return msgspec.structs.replace(given, mantissa=mantissa, exponent=given.exponent + exponent)


def moved(given: Separable, y: Lines, x: Lines, growth: float) -> Separable:
    """The map with new profiles, of which a product may have grown by the factor `growth`."""
    made = msgspec.structs.replace(given, y=y, x=x, growth=given.growth + log2(growth))
    return _settled(made) if made.growth > _GROWTH else made


def _settled(given: Separable) -> Separable:
    """The same map with profiles of at most one."""
    if given.empty:
        return given
    shifts = [frexp(lines.values.max())[1] for lines in (given.y, given.x)]
    y, x = (
        Lines(np.ldexp(lines.values, -shift), lines.first)
        for lines, shift in zip((given.y, given.x), shifts, strict=True)
    )
    return Separable(y, x, given.mantissa, given.exponent + sum(shifts))


def total(maps: Sequence[Separable]) -> Separable:
    """The sum of maps. A rank above the smaller side is pointless: there the sum is kept as rows (or columns)."""
    maps = [_settled(one) for one in maps if not one.empty] or list(maps[:1])
    if len(maps) == 1:
        return maps[0]
    exponent = max(one.exponent for one in maps)
    factors = [ldexp(one.mantissa, one.exponent - exponent) for one in maps]
    y = _stacked([Lines(f * one.y.values, one.y.first) for f, one in zip(factors, maps, strict=True)])
    x = _stacked([one.x for one in maps])
    terms, height, width = *y.values.shape, x.values.shape[1]
    if terms > min(height, width):
        whole = y.values.T @ x.values
        if height <= width:
            y, x = Lines(np.eye(height), y.first), Lines(whole, x.first)
        else:
            y, x = Lines(np.ascontiguousarray(whole.T), y.first), Lines(np.eye(width), x.first)
    return _settled(Separable(y, x, 1.0, exponent))


def _stacked(parts: list[Lines]) -> Lines:
    first = min(part.first for part in parts)
    stop = max(part.first + part.values.shape[1] for part in parts)
    values = np.zeros((sum(len(part.values) for part in parts), stop - first))
    row = 0
    for part in parts:
        start = part.first - first
        values[row : row + len(part.values), start : start + part.values.shape[1]] = part.values
        row += len(part.values)
    return Lines(values, first)


def read_by(lines: Lines, axis: Axis, mode: PaddingMode) -> Lines:
    """in[o*s - before + i*d] += out[o] for each tap i of a convolution or pool, clipped to the plane or folded."""
    values, first, size = lines.values, lines.first, axis.size_in
    count = values.shape[1]
    if (axis.kernel == axis.stride == 1 and not axis.before and not axis.after) or not count:
        return lines
    last = first + count - 1
    folds = mode in ("reflect", "circular")
    lowest, highest = (-axis.before, size - 1 + axis.after) if folds else (0, size - 1)
    taps = read_taps(axis, first, last, lowest, highest)
    spread = values
    if axis.stride > 1 and count > 1:
        spread = np.zeros((len(values), (count - 1) * axis.stride + 1))
        spread[:, :: axis.stride] = values
    boxed = _box(spread, len(taps), axis.dilation)
    start = first * axis.stride - axis.before + taps.start * axis.dilation
    stop = start + boxed.shape[1]
    inside = Lines(boxed[:, max(-start, 0) : max(size - start, 0)], max(start, 0))
    if folds and (start < 0 or stop > size):
        return _folded(Lines(boxed, start), size, mode)
    if mode == "replicate":
        return _edged(inside, lines, axis)
    return inside


def feeding(lines: Lines, axis: Axis) -> Lines:
    """in[n] = sum of out[n*s - before + i*d] over the taps i of a transposed convolution or an up-sampling."""
    values, first = lines.values, lines.first
    taps = feeding_taps(axis, first, first + values.shape[1] - 1)
    if not taps or not values.shape[1]:
        return Lines(values[:, :0], 0)
    # With m = n*s - before: boxed[m] = sum of out[m + i*d], which begins at first - (taps.stop - 1)*d.
    boxed = _box(values, len(taps), axis.dilation)
    start = first - (taps.stop - 1) * axis.dilation
    n = max(-((-start - axis.before) // axis.stride), 0)
    sampled = boxed[:, n * axis.stride - axis.before - start :: axis.stride]
    return Lines(sampled[:, : max(axis.size_in - n, 0)], n)


def divided(lines: Lines, axis: Axis, padding: tuple[int, int]) -> Lines:
    """out[o] / c[o], c the number of pixels that count in o's window of an average pooling; see `counted_pixels`."""
    outputs = range(lines.first, lines.first + lines.values.shape[1])
    return Lines(lines.values / counted_pixels(axis, outputs, padding), lines.first)


def weighed(lines: Lines, axis: Axis) -> Lines:
    """in[n] = sum of w[o, n] * out[o] over the outputs of an axis that is not even, w the weight of n in o's window."""
    made = np.zeros((len(lines.values), axis.size_in))
    for output, values in enumerate(lines.values.T, lines.first):
        window = resample.clipped(resample.taps(axis, output), axis.size_in)
        for pixel, weight in enumerate(window.weights, window.first):
            made[:, pixel] += float(weight) * values
    return Lines(made, 0)


def summed(lines: Lines) -> Lines:
    """The sum of all outputs, at pixel 0: what a single pixel gets that counts for all."""
    return Lines(lines.values.sum(axis=1, keepdims=True), 0)


def spread_over(lines: Lines, axis: Axis) -> Lines:
    """The one output of a global pool, given to every pixel of the plane."""
    return Lines(np.repeat(lines.values.sum(axis=1, keepdims=True), axis.size_in, axis=1), 0)


def _box(values: Floats, count: int, dilation: int) -> Floats:
    """The sum of `count` copies, each moved by d more; halving costs log2(count) sums of positive numbers only.

    (Differences of running sums would be cheaper still, and would drown the tails in rounding.)
    """
    if count < 2:
        return values if count else values[:, :0]
    pixels = values.shape[1]
    half = count // 2
    part = _box(values, half, dilation)
    width = part.shape[1]
    made = np.zeros((len(values), pixels + (count - 1) * dilation))
    made[:, :width] += part
    made[:, half * dilation : half * dilation + width] += part
    if count % 2:
        made[:, (count - 1) * dilation :] += values
    return made


def _folded(boxed: Lines, size: int, mode: PaddingMode) -> Lines:
    """Every position added to the pixel that it stands for."""
    made = np.zeros((len(boxed.values), size))
    sources = folded(mode, boxed.first, boxed.first + boxed.values.shape[1] - 1, size)
    for source, values in zip(sources, boxed.values.T, strict=True):
        made[:, source] += values
    return Lines(made, 0)


def _edged(inside: Lines, lines: Lines, axis: Axis) -> Lines:
    """What fell on replicate padding, added to the edges: for each output, its number of taps beyond."""
    at = (np.arange(lines.values.shape[1]) + lines.first) * axis.stride - axis.before
    below = np.clip(-(at // axis.dilation), 0, axis.kernel)  # taps i with at + i*d < 0: ceil(-at / d) of them
    within = np.clip((axis.size_in - 1 - at) // axis.dilation + 1, 0, axis.kernel)  # taps with at + i*d < size
    left, right = lines.values @ below, lines.values @ (axis.kernel - within)
    if not (left.any() or right.any()):
        return inside
    made = np.zeros((len(lines.values), axis.size_in))
    pixels = inside.values.shape[1]
    if pixels:
        made[:, inside.first : inside.first + pixels] = inside.values
    made[:, 0] += left
    made[:, -1] += right
    return Lines(made, 0)
