"""One axis of a node, restricted to some of its outputs: the pixels that these need, and the geometry on them."""

from typing import NamedTuple

from pipeline.gradient.step import Range
from pipeline.stem import Axis, Convolution, GlobalAvgPool, Node, clipped, feeding_taps, folded, read_taps
from pipeline.stem import taps as window_of


class Side(NamedTuple):
    """One axis of a node, restricted to some of its outputs.

    first, last: the pixels that it is handed, and `axis` its geometry on them. taps: those of the kernel that are used,
    half-open. pixels: the pixels that are read, counted from `first`, where some are read twice or left out.
    """

    axis: Axis
    first: int
    last: int
    taps: Range = (0, 1)
    pixels: tuple[int, ...] | None = None


def restricted(node: Node, axis: Axis, a: int, b: int) -> Side:
    """Returns what outputs a to b, both included, need of one axis of a node.

    Raises TypeError for a geometry that has no rule here.
    """
    count = b - a + 1
    match node.geometry:
        case "pixelwise" | "join":
            return Side(Axis(count, count, 1), a, b)
        case "reads":
            return _reading(node, axis, a, b)
        case "feeds":
            return _feeding(node, axis, a, b)
        case "global":
            return _global(node, axis, a, b)
        case "resampled":
            first, last = (
                clipped(window_of(axis, a), axis.size_in).first,
                clipped(window_of(axis, b), axis.size_in).last,
            )
            return Side(Axis(last - first + 1, count, axis.kernel, axis.stride, scheme=axis.scheme), first, last)
        case _:
            raise TypeError(f"a layer whose geometry is {node.geometry} has no cone; give it one here")


def _reading(node: Node, axis: Axis, a: int, b: int) -> Side:
    count, last = b - a + 1, axis.size_in - 1
    taps = range(axis.kernel)
    if isinstance(node.layer, Convolution) and node.padding_mode == "zeros":
        taps = read_taps(axis, a, b, 0, last) or taps
    first = a * axis.stride - axis.before + taps.start * axis.dilation
    stop = b * axis.stride - axis.before + (taps.stop - 1) * axis.dilation
    used = taps.start, taps.stop
    if node.padding_mode != "zeros" and (first < 0 or stop > last):
        sources = folded(node.padding_mode, first, stop, axis.size_in)
        low, high = min(sources), max(sources)
        line = Axis(stop - first + 1, count, len(taps), axis.stride, axis.dilation)
        return Side(line, low, high, used, tuple(source - low for source in sources))
    low, high = min(max(first, 0), last), min(max(stop, 0), last)
    if count == 1 and axis.dilation > 1 and (low, high) == (first, stop):
        return Side(Axis(len(taps), 1, len(taps)), low, high, used, tuple(range(0, high - low + 1, axis.dilation)))
    piece = Axis(high - low + 1, count, len(taps), axis.stride, axis.dilation, low - first, stop - high)
    return Side(piece, low, high, used)


def _feeding(node: Node, axis: Axis, a: int, b: int) -> Side:
    count, last = b - a + 1, axis.size_in - 1
    if not isinstance(node.layer, Convolution):  # up-sampling, where all of a block come from one pixel
        first, stop = a // axis.stride, b // axis.stride
        before = a - first * axis.stride
        size = stop - first + 1
        after = size * axis.stride - before - count
        return Side(Axis(size, count, axis.kernel, axis.stride, 1, before, after), first, stop, (0, axis.kernel))
    taps = feeding_taps(axis, a, b) or range(axis.kernel)
    reach, before = (len(taps) - 1) * axis.dilation, axis.before - taps.start * axis.dilation
    first = min(max(-((reach - a - before) // axis.stride), 0), last)
    stop = max(min((b + before) // axis.stride, last), first)
    before += a - first * axis.stride
    after = (stop - first) * axis.stride + reach + 1 - before - count
    line = Axis(stop - first + 1, count, len(taps), axis.stride, axis.dilation, before, after)
    return Side(line, first, stop, (taps.start, taps.stop))


def _global(node: Node, axis: Axis, a: int, b: int) -> Side:
    last = axis.size_in - 1
    if isinstance(node.layer, GlobalAvgPool):
        return Side(axis, 0, last, (0, axis.kernel))
    # A norm over the plane keeps it: output o is computed from all pixels, and stands at pixel a + o.
    return Side(Axis(axis.size_in, b - a + 1, 1, before=-a, after=b - last), 0, last)
