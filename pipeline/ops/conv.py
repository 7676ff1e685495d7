"""Convolution: one of several ways, as `choice` says for its shapes."""

import numpy as np

from pipeline.ops import folded, fourier, unfolded, windowed, winograd
from pipeline.ops.array import Array
from pipeline.ops.bound import Bound, run
from pipeline.ops.buffer import room
from pipeline.ops.choice import Shape, Way, forward_way, vjp_way
from pipeline.ops.span import placed
from pipeline.stem.plane import Axis

_FEW_BITS = 11
"""Of a significand, behind its first, that small integers and fractions take at most."""


def forward(
    x: Array,
    weight: Array,
    y: Axis,
    across: Axis,
    groups: int = 1,
    way: Way | None = None,
    slot: str | None = None,
    ties: bool = False,
) -> Array:
    """The convolution of x [rows, C, columns, n] with weight [kh, kw, C // groups, F]: [rows', F, columns', n].

    `way` forces one; the Fourier way yields to a direct one where its result would not be exact. `ties` asks for equal
    bits of equal windows. The result goes to a slot of this thread's memory if one is named; see `buffer.room`.
    """
    way = way or exact(forward_way(weight.shape, y, across, groups, x.shape[3], ties), weight)
    if way == "phases":
        return _dilated_forward(x, weight, y, across, groups, slot)
    if way == "fourier":
        made = fourier.forward(x, weight, y, across, slot)
        if made is not None:
            return made
    return run(bound_forward(x, weight.shape, y, across, groups, way, slot), weight)


def exact(way: Way, weight: Array) -> Way:
    """`way`, but a direct one in place of a transform whose rounding would show where a sum is exactly zero.

    weight: [kh, kw, C // groups, F], float32 or float64.
    That is so for a kernel that holds a zero, see `winograd`; and through `fourier`, which is not exact for any
    numbers, also for one of few bits.
    """
    if way in ("winograd", "fourier") and not weight.all():
        return "folded"
    return "folded" if way == "fourier" and _is_coarse(weight) else way


def _is_coarse(weight: Array) -> bool:
    """Whether all weights of a feature, or of a channel, have few bits: their sums may be exact, and cancel."""
    bits = weight.view(f"u{weight.itemsize}")
    beyond = bits.dtype.type(2 ** (np.finfo(weight.dtype).nmant - _FEW_BITS) - 1)
    for taps in (bits[:1, :1], bits):  # one tap shows it of most
        fine = np.bitwise_and(np.bitwise_or.reduce(taps, axis=(0, 1)), beyond) > 0
        if fine.any(axis=0).all() and fine.any(axis=1).all():
            return False
    return True


def bound_forward(
    x: Array, shape: Shape, y: Axis, across: Axis, groups: int, way: Way, slot: str | None = None
) -> Bound:
    """The convolution of x with a weight of `shape`, not yet run; folded where `way` cannot be bound."""
    if way == "unfolded":
        return unfolded.forward(x, shape, y, across, groups, slot)
    if way == "windowed":
        return windowed.forward(x, shape, y, across, groups, slot)
    if way == "winograd":
        return winograd.forward(x, shape, y, across, slot)
    return folded.forward(x, shape, y, across, groups, slot)


def vjp(
    g: Array,
    weight: Array,
    y: Axis,
    across: Axis,
    groups: int = 1,
    mask: Array | None = None,
    way: Way | None = None,
    slot: str | None = None,
) -> Array:
    """The gradient by x, given that by the convolution, g [rows', F, columns', n] times mask: [rows, C, columns, n]."""
    way = way or exact(vjp_way(weight.shape, y, across, groups, g.shape[3]), weight)
    if way == "phases":
        return _dilated_vjp(g, weight, y, across, groups, mask, slot)
    if way == "fourier":
        made = fourier.vjp(g, weight, y, across, mask, slot)
        if made is not None:
            return made
    return run(bound_vjp(g, weight.shape, y, across, groups, mask, way, slot), weight)


def bound_vjp(
    g: Array,
    shape: Shape,
    y: Axis,
    across: Axis,
    groups: int,
    mask: Array | None,
    way: Way,
    slot: str | None = None,
) -> Bound:
    """The gradient by x for a weight of `shape`, not yet run; see `bound_forward`."""
    if way == "unfolded":
        return unfolded.vjp(g, shape, y, across, groups, mask, slot)
    if way == "winograd":
        return winograd.vjp(g, shape, y, across, mask, slot)
    return folded.vjp(g, shape, y, across, groups, mask, slot)


def _dilated_forward(x: Array, weight: Array, y: Axis, across: Axis, groups: int, slot: str | None) -> Array:
    """Rows d apart are a plane of their own, on which the kernel is not dilated."""
    padded = np.zeros((y.size_in + y.before + y.after, *x.shape[1:]), x.dtype)
    there, source = placed(y)
    padded[there] = x[source]
    made = room(slot, x, (y.size_out, weight.shape[3], across.size_out, x.shape[3]), x.dtype)
    for phase in range(min(y.dilation, y.size_out)):
        rows = padded[phase :: y.dilation]
        made[phase :: y.dilation] = forward(rows, weight, _phase(y, len(rows), phase), across, groups)
    return made


def _dilated_vjp(
    g: Array, weight: Array, y: Axis, across: Axis, groups: int, mask: Array | None, slot: str | None
) -> Array:
    rows, channels = y.size_in + y.before + y.after, weight.shape[2] * groups
    padded = np.zeros((rows, channels, across.size_in, g.shape[3]), g.dtype)
    for phase in range(min(y.dilation, y.size_out)):
        own = padded[phase :: y.dilation]
        masked = None if mask is None else mask[phase :: y.dilation]
        axis = _phase(y, len(own), phase)
        own[...] = vjp(g[phase :: y.dilation], weight, axis, across, groups, masked)
    there, source = placed(y)
    made = room(slot, g, (y.size_in, *padded.shape[1:]), g.dtype)
    made.fill(0)
    made[source] = padded[there]
    return made


def _phase(y: Axis, size_in: int, phase: int) -> Axis:
    size_out = -(-(y.size_out - phase) // y.dilation)
    return Axis(size_in, size_out, y.kernel, 1)
