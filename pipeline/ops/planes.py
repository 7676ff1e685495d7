"""Planes with their padding, in scratch memory; negative paddings crop."""

from pipeline.ops.bound import Calls
from pipeline.ops.buffer import Array, Place, scratch
from pipeline.ops.passes import copied
from pipeline.ops.span import placed
from pipeline.stem.plane import Axis


def is_padded(y: Axis, across: Axis) -> bool:
    """Whether a plane has any padding, or is cropped."""
    return bool(y.before or y.after or across.before or across.after)


def room_for(place: Place, x: Array, y: Axis, across: Axis) -> Array:
    """Scratch memory for the padded plane of an operand, of the channels, probes and dtype of x [.., C, .., n]."""
    height, width = (axis.before + axis.size_in + axis.after for axis in (y, across))
    return scratch(place, (height, x.shape[1], width, x.shape[3]), x.dtype)


def padded_in(calls: Calls, place: Place, x: Array, y: Axis, across: Axis) -> Array:
    """Adds the calls that put x [rows, C, columns, n] among zeros; returns the padded plane."""
    padded = room_for(place, x, y, across)
    (there, source), (across_there, across_source) = placed(y), placed(across)
    calls += [(padded.fill, (0,)), copied(padded[there, :, across_there], x[source, :, across_source])]
    return padded


def cut_out(calls: Calls, padded: Array, y: Axis, across: Axis, out: Array) -> None:
    """Adds the calls that copy the plane inside its padding to out [rows, C, columns, n]: the transpose."""
    (there, source), (across_there, across_source) = placed(y), placed(across)
    if min(y.before, y.after, across.before, across.after) < 0:  # some pixels are not in the padded plane
        calls.append((out.fill, (0,)))
    calls.append(copied(out[source, :, across_source], padded[there, :, across_there]))
