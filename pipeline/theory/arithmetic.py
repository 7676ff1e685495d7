"""Receptive-field arithmetic along one axis: size, jump and start, layer by layer, as exact fractions.

Per axis from rf r = jump j = 1, start = 0 (Araujo, Norris and Sim 2019, Distill), p the padding before:

    convolution, pooling    r += (k-1)*d*j    start += ((k-1)*d/2 - p)*j    then j *= s
    padding, crop           the same, with k = 1 and, for a crop, p below zero
    transposed              first j /= s      r += (k-1)*d*j                start += (p - (k-1)*d/2)*j
    up-sampling by f        first j /= f                                    start -= (f-1)/2*j
    bilinear by f           r += j            then j /= f                   start -= (f-1)/2*j
      with corners          r += j            then j *= (n-1)/(f*n - 1)
    adaptive to m of n      r += (w-1)*j, w the widest window               start += (ceil(n/m) - 1)/2*j   then j *= n/m
    over the whole plane    r += (n-1)*j                                    start += (n-1)/2*j   then j *= n for gap
    sum, product, cat       the hull of all branches for the first unit, and the jump of the last one, pixels for all
                            left aside

Where a stem transposes or up-samples these are the numbers of the usual tables, not of the window: which pixels a unit
sees then depends on its phase.
"""

from fractions import Fraction
from math import gcd
from typing import NamedTuple

from pipeline.stem import Axis, Cat, Convolution, Node, Slice
from pipeline.theory.walk import is_one_pixel, mixes_channels
from pipeline.theory.window import read


class Sight(NamedTuple):
    """The inputs that unit u of a layer sees, unclipped: [slope*u + low, slope*u + high]."""

    slope: int = 1
    low: int = 0
    high: int = 0


class Line(NamedTuple):
    """After some layers: the arithmetic in input pixels, and the inputs that unit u of the last one sees.

    least, least_global: rf of the narrowest way without and with a layer over the whole plane, behind which nothing
    widens it; None where there is none. sights: their hull is what a unit sees; None behind a layer that transposes or
    up-samples, where only a walk back can say. is_split: its channels may see different things. is_exact: the rf and
    the start are to be read off the exact window of the first unit: it sees the whole plane, or a slice of channels.
    """

    rf: Fraction = Fraction(1)
    jump: Fraction = Fraction(1)
    start: Fraction = Fraction(0)
    least: Fraction | None = Fraction(1)
    least_global: Fraction | None = None
    sights: tuple[Sight, ...] | None = (Sight(),)
    is_split: bool = False
    is_exact: bool = False

    def seen_by(self, unit: int) -> tuple[int, int] | None:
        """The first and last of the unclipped inputs that a unit sees; None where only a walk back can say."""
        if self.sights is None:
            return None
        return (
            min(slope * unit + low for slope, low, _ in self.sights),
            max(slope * unit + high for slope, _, high in self.sights),
        )

    @property
    def rf_min(self) -> Fraction:
        """The rf of the narrowest way through all branches; which channels a slice drops plays no part."""
        return min(rf for rf in (self.least, self.least_global) if rf is not None)

    def with_first(self, first: int, last: int) -> "Line":
        """The same with the exact window of its first unit."""
        return self._replace(rf=Fraction(last - first + 1), start=Fraction(first + last, 2))


def after(node: Node, axis: Axis, line: Line) -> Line:
    """The line after one more layer that is no join. Raises TypeError for a join."""
    line = line._replace(is_split=line.is_split and not mixes_channels(node))
    jump, reach = line.jump, (axis.kernel - 1) * axis.dilation
    match node.geometry:
        case "pixelwise":
            if isinstance(node.layer, Slice) and line.is_split:
                return line._replace(sights=None, is_exact=True)
            return line
        case "reads":
            return _moved(
                line, reach * jump, (Fraction(reach, 2) - axis.before) * jump, jump * axis.stride, _read(line, axis)
            )
        case "feeds":
            jump /= axis.stride
            wider = reach if isinstance(node.layer, Convolution) else 0  # all of a block come from one pixel
            return _moved(line, wider * jump, (axis.before - Fraction(reach, 2)) * jump, jump, None)
        case "resampled":
            return _resampled(axis, line)
        case "global":
            return _over_plane(axis, line)
        case _:
            raise TypeError(f"a layer of geometry {node.geometry} has no arithmetic of its own")


def joined(node: Node, lines: list[Line]) -> Line:
    """The line after a join of some branches: their hull for the first unit."""
    alike = [line for slot, line in enumerate(lines) if not is_one_pixel(node, slot)]
    first = min(line.start - (line.rf - 1) / 2 for line in lines)
    last = max(line.start + (line.rf - 1) / 2 for line in lines)
    sights: tuple[Sight, ...] | None = ()
    for slot, line in enumerate(lines):
        if sights is None or line.sights is None:
            sights = None
        else:
            sights += tuple(sight._replace(slope=0) if is_one_pixel(node, slot) else sight for sight in line.sights)
    is_even = all(
        (line.rf, line.start, line.sights) == (lines[0].rf, lines[0].start, lines[0].sights) for line in lines
    )
    return Line(
        last - first + 1,
        alike[-1].jump,
        (first + last) / 2,
        min((line.least for line in lines if line.least is not None), default=None),
        min((line.least_global for line in lines if line.least_global is not None), default=None),
        None if sights is None else _merged(sights),
        any(line.is_split for line in lines) or (isinstance(node.layer, Cat) and not is_even),
        any(line.is_exact for line in lines),
    )


def _moved(line: Line, wider: Fraction, shift: Fraction, jump: Fraction, sights: tuple[Sight, ...] | None) -> Line:
    least = None if line.least is None else line.least + wider
    return line._replace(rf=line.rf + wider, jump=jump, start=line.start + shift, least=least, sights=sights)


def _read(line: Line, axis: Axis) -> tuple[Sight, ...] | None:
    if line.sights is None:
        return None
    first, last = read(axis, 0, 0)
    return tuple(
        Sight(slope * axis.stride, low + slope * first, high + slope * last) for slope, low, high in line.sights
    )


def _resampled(axis: Axis, line: Line) -> Line:
    jump, inputs, outputs = line.jump, axis.size_in, axis.size_out
    if axis.scheme == "adaptive":
        widest = 1 - (gcd(inputs, outputs) - inputs) // outputs
        centre = Fraction(-(-inputs // outputs) - 1, 2)
        return _moved(line, (widest - 1) * jump, centre * jump, jump * inputs / outputs, None)
    if axis.stride == 1:
        return line
    if axis.scheme == "corners":
        return _moved(line, jump, Fraction(0), jump * (inputs - 1) / (outputs - 1), None)
    fine = jump / axis.stride
    return _moved(line, jump, -Fraction(axis.stride - 1, 2) * fine, fine, None)


def _over_plane(axis: Axis, line: Line) -> Line:
    wider = (axis.size_in - 1) * line.jump
    ways = [rf for rf in (line.least_global, None if line.least is None else line.least + wider) if rf is not None]
    sights = line.sights
    if sights is not None:
        sights = _merged(tuple(Sight(0, low, high + slope * (axis.size_in - 1)) for slope, low, high in sights))
    keeps = axis.size_out == axis.size_in
    return line._replace(
        rf=line.rf + wider,
        jump=line.jump if keeps else line.jump * axis.size_in,
        start=line.start + wider / 2,
        least=None,
        least_global=min(ways),
        sights=sights,
        is_exact=True,
    )


def _merged(sights: tuple[Sight, ...]) -> tuple[Sight, ...]:
    """The hull of the sights of each slope."""
    hulls: dict[int, Sight] = {}
    for slope, low, high in sights:
        known = hulls.get(slope, Sight(slope, low, high))
        hulls[slope] = Sight(slope, min(known.low, low), max(known.high, high))
    return tuple(hulls.values())
