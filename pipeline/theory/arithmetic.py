"""Receptive-field arithmetic along one axis: size, jump and start, layer by layer, as exact fractions.

Per axis from rf r = jump j = 1, start = 0 (Araujo, Norris and Sim 2019, Distill), p the padding before:

    convolution, pooling    r += (k-1)*d*j    start += ((k-1)*d/2 - p)*j    then j *= s
    transposed              first j /= s      r += (k-1)*d*j                start += (p - (k-1)*d/2)*j
    up-sampling by f        first j /= f                                    start -= (f-1)/2*j
    global pooling          a pooling whose kernel is the plane
    residual sum            the hull of body and shortcut for the first unit, and the shortcut's jump

Where a stem transposes or up-samples these are the numbers of the usual tables, not of the window: which pixels a unit
sees then depends on its phase.
"""

from fractions import Fraction
from typing import NamedTuple

from pipeline.stem import Axis, Node, Transposed, Upsample
from pipeline.theory.window import read


class Line(NamedTuple):
    """After some layers: the arithmetic in input pixels, and the inputs that unit u of the last one sees.

    They are [slope*u + low, slope*u + high], unclipped, as long as no layer transposes or up-samples (slope None).
    """

    rf: Fraction = Fraction(1)
    jump: Fraction = Fraction(1)
    start: Fraction = Fraction(0)
    slope: int | None = 1
    low: int = 0
    high: int = 0

    def sight(self, unit: int) -> tuple[int, int] | None:
        """The unclipped inputs that a unit sees; None where only a walk back can say."""
        return None if self.slope is None else (self.slope * unit + self.low, self.slope * unit + self.high)


def after(node: Node, axis: Axis, line: Line) -> Line:
    """The line after one more layer that is no residual sum."""
    reach = (axis.kernel - 1) * axis.dilation
    rf, jump, start, slope = line.rf, line.jump, line.start, line.slope
    match node.layer:
        case Upsample():
            jump /= axis.stride
            return line._replace(jump=jump, start=start - Fraction(axis.kernel - 1, 2) * jump, slope=None)
        case Transposed():
            jump /= axis.stride
            start += (axis.before - Fraction(reach, 2)) * jump
            return line._replace(rf=rf + reach * jump, jump=jump, start=start, slope=None)
        case _ if reach == 0 and axis.stride == 1 and axis.before == 0:
            return line
    if slope is not None:
        first, last = read(axis, 0, 0)
        line = line._replace(low=line.low + slope * first, high=line.high + slope * last, slope=slope * axis.stride)
    start += (Fraction(reach, 2) - axis.before) * jump
    return line._replace(rf=rf + reach * jump, jump=jump * axis.stride, start=start)


def hull(body: Line, shortcut: Line) -> Line:
    """The hull of both for the first unit; the shortcut's jump, which holds on planes of one pixel too."""
    first = min(line.start - (line.rf - 1) / 2 for line in (body, shortcut))
    last = max(line.start + (line.rf - 1) / 2 for line in (body, shortcut))
    slope = body.slope if body.slope == shortcut.slope else None
    low, high = min(body.low, shortcut.low), max(body.high, shortcut.high)
    return Line(last - first + 1, shortcut.jump, (first + last) / 2, slope, low, high)
