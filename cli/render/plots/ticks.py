"""Ticks of axes: whole pixels on planes, plain numbers where the scale is logarithmic."""

from typing import Any

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_PLAIN = 3
"""Up to this power of ten numbers are written out."""


def pixel_ticks(axes: Any, most: int = 5) -> None:
    """Marks at most so many pixels on both axes, whose limits are set: multiples of 1, 2, 5, 10, ..."""
    from matplotlib.ticker import FixedLocator

    for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        axis.set_major_locator(FixedLocator([float(each) for each in pixels_marked(min(limits), max(limits), most)]))


def pixels_marked(low: float, high: float, most: int) -> range:
    """The whole numbers from low to high that are marked: two or more where there are as many, as one has no scale.

    >>> [*pixels_marked(-0.5, 20.5, 5)], [*pixels_marked(5.5, 14.5, 3)], [*pixels_marked(-0.5, 0.5, 3)]
    ([0, 5, 10, 15, 20], [6, 9, 12], [0])
    """
    from itertools import count
    from math import ceil, floor

    is_one = floor(high) <= ceil(low)
    for power in count():
        for factors in ((1, 2, 5), (3, 4)):  # 3 and 4 where round steps leave too many or a single one
            for factor in factors:
                step = factor * 10**power
                marked = range(ceil(low / step) * step, floor(high) + 1, step)
                if len(marked) <= most and (len(marked) > 1 or is_one or step > 10 * (high - low)):
                    return marked
    raise AssertionError  # a step that is large enough comes


def log_ticks(axis: Any, scale: str, low: float, high: float) -> None:
    """An axis from `low` to `high`, logarithmic, with 1, 2 and 5 of each decade where there are few decades."""
    from math import log10

    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    set_scale = axis.axes.set_xscale if scale == "x" else axis.axes.set_yscale
    set_limits = axis.axes.set_xlim if scale == "x" else axis.axes.set_ylim
    set_scale("log")
    set_limits(low, high)
    decades = log10(high / low)
    steps = (1.0,) if decades > 2.5 else (1.0, 2.0, 5.0) if decades > 0.8 else (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
    axis.set_major_locator(LogLocator(subs=steps, numticks=12))
    axis.set_major_formatter(FuncFormatter(lambda value, _: power_text(value)))
    axis.set_minor_formatter(NullFormatter())


def power_text(value: float) -> str:
    """A number of a logarithmic scale: written out where it is short, else as a power of ten.

    >>> power_text(200.0), power_text(1e4), power_text(2e7), power_text(0.001)
    ('200', '10⁴', '2·10⁷', '10⁻³')
    """
    from math import floor, log10

    if value <= 0:
        return f"{value:g}"
    power = floor(log10(value) + 1e-9)
    if -2 <= power <= _PLAIN:
        return f"{value:.10g}"
    factor = f"{value / 10**power:.3g}"
    sign = f"10{str(power).translate(_SUPERSCRIPT)}"
    return sign if factor == "1" else f"{factor}·{sign}"
