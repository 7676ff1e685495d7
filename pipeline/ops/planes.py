"""Planes with their padding, in scratch memory; negative paddings crop."""

from pipeline.ops.bound import Calls
from pipeline.ops.buffer import Array, Place, scratch
from pipeline.ops.passes import copy_call
from pipeline.ops.span import padded_slices
from pipeline.stem import Axis


def is_padded(y: Axis, across: Axis) -> bool:
    """Whether a plane has any padding, or is cropped."""
    return bool(y.before or y.after or across.before or across.after)


def padded_room(place: Place, x: Array, y: Axis, across: Axis) -> Array:
    """Returns scratch memory for a plane with its padding, of the channels, probes and dtype of x [.., C, .., n]."""
    height, width = (axis.before + axis.size_in + axis.after for axis in (y, across))
    return scratch(place, (height, x.shape[1], width, x.shape[3]), x.dtype)


def padded_copy(calls: Calls, place: Place, x: Array, y: Axis, across: Axis) -> Array:
    """Returns x [rows, C, columns, n] among zeros, of its dtype, and adds the calls that copy it there."""
    padded = padded_room(place, x, y, across)
    (there, source), (across_there, across_source) = padded_slices(y), padded_slices(across)
    calls += [(padded.fill, (0,)), copy_call(padded[there, :, across_there], x[source, :, across_source])]
    return padded


def copy_inside(calls: Calls, padded: Array, y: Axis, across: Axis, out: Array) -> None:
    """Adds the calls that copy a plane out of its padding to `out` [rows, C, columns, n], of its dtype."""
    (there, source), (across_there, across_source) = padded_slices(y), padded_slices(across)
    if min(y.before, y.after, across.before, across.after) < 0:  # some pixels are not in the padded plane
        calls.append((out.fill, (0,)))
    calls.append(copy_call(out[source, :, across_source], padded[there, :, across_there]))
