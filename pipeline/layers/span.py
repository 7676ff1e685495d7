"""Where a window's taps meet the pixels that exist, along one axis."""

from pipeline.network import Axis


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
