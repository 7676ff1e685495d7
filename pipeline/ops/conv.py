"""Convolution: one of several ways, as `choice` says for its shapes.

Arrays are [rows, C, columns, n] and [rows', F, columns', n], all of the dtype of the weight, float32 or float64. A
convolution is bound for the shape of its weight, for the way that the weight allows, and for a bias or none.
"""

from collections.abc import Callable
from types import ModuleType

import numpy as np

from pipeline.ops import folded, fourier, unfolded, windowed, winograd
from pipeline.ops.bound import Bound, Calls, apply, perform
from pipeline.ops.buffer import Array, Place, room, scratch
from pipeline.ops.choice import Way, forward_way, vjp_way
from pipeline.ops.parameters import Parameters
from pipeline.ops.passes import copy_call
from pipeline.ops.planes import copy_inside, padded_copy, padded_room
from pipeline.stem import Axis

_FEW_BITS = 11
"""The bits of a significand, behind its first, that small integers and fractions have at most."""

INNER = -1
"""The number of the place for results of convolutions of which another consists."""

_LONG = 256
"""Numbers of a line from which on adding one number to it is quicker than adding a line of that number."""


_WAYS: dict[Way, ModuleType] = {
    "folded": folded,
    "unfolded": unfolded,
    "windowed": windowed,
    "winograd": winograd,
    "fourier": fourier,
}
"""The module of each way that does not consist of others: it binds a convolution and its transpose."""


def forward(
    x: Array,
    parameters: Parameters,
    y: Axis,
    across: Axis,
    groups: int = 1,
    place: int | None = None,
    ties: bool = False,
    way: Way | None = None,
) -> Bound:
    """Returns the bound convolution of x [rows, C, columns, n] with a weight [kh, kw, C // groups, F].

    A bias [F], if the parameters have one, is added. The result is [rows', F, columns', n], of the dtype of x. `ties`
    asks for equal bits of equal windows; `way` forces a way. The result goes to the place of a number, if
    one is named; see `buffer.room`. Raises ValueError for parameters without a weight.
    """
    shape = parameters.kernel.shape
    chosen = way or forward_way(shape, y, across, groups, x.shape[3], ties)
    actual = way or exact_way(chosen, parameters.kernel)
    if actual == "phases":
        return with_bias(_dilated_forward(x, parameters, y, across, groups, place), parameters)
    bound = _WAYS[actual].forward(x, shape, y, across, groups, place)
    return with_bias(bound._replace(suits=_same_choice(chosen, actual)), parameters)


def vjp(
    g: Array,
    parameters: Parameters,
    y: Axis,
    across: Axis,
    groups: int = 1,
    mask: Array | None = None,
    place: int | None = None,
    way: Way | None = None,
) -> Bound:
    """Returns the bound gradient by x [rows, C, columns, n], from the gradient g [rows', F, columns', n].

    mask: bool, of the shape of g, which is multiplied by it first. The result is of the dtype of g. A bias adds
    nothing. For the other arguments see `forward`. Raises ValueError for parameters without a weight.
    """
    shape = parameters.kernel.shape
    chosen = way or vjp_way(shape, y, across, groups, g.shape[3])
    actual = way or exact_way(chosen, parameters.kernel)
    if actual == "phases":
        return _dilated_vjp(g, parameters, y, across, groups, mask, place)
    bound: Bound = _WAYS[actual].vjp(g, shape, y, across, groups, mask, place)
    return bound._replace(suits=_same_choice(chosen, actual))


def exact_way(way: Way, weight: Array) -> Way:
    """Returns `way`, or a direct way where the rounding of a transform would show in a sum that is exactly zero.

    weight: [kh, kw, C // groups, F], float32 or float64. Winograd's transform rounds such sums if the kernel holds a
    zero; see `winograd`. Fourier's is not exact for any numbers, so it is also replaced for weights of few bits.
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


def _same_choice(chosen: Way, actual: Way) -> Callable[[Parameters], bool] | None:
    """Returns the test whether the weight of other parameters leads from the chosen way to the same actual way."""
    if chosen not in ("winograd", "fourier"):
        return None
    return lambda other: exact_way(chosen, other.kernel) == actual


def with_bias(bound: Bound, parameters: Parameters) -> Bound:
    """Returns a bound convolution with one more call, which adds a bias [F] to `out` [rows, F, columns, n].

    Both are of one dtype. It is returned without that call if the parameters have no bias. Long lines of `out` each get
    one number; short ones are added row by row to a line of all features.
    """
    out, has_bias, suited = bound.out, parameters.bias is not None, bound.suits
    bound = bound._replace(suits=lambda own: (own.bias is not None) == has_bias and (not suited or suited(own)))
    if not has_bias:
        return bound
    rows, features, columns, n = out.shape
    line = 1 if columns * n >= _LONG else columns * n
    bias = scratch(Place.BIAS, (features, line), out.dtype)
    added = (
        (out, bias[:, :, None], out) if line == 1 else (out.reshape(rows, -1), bias.reshape(-1), out.reshape(rows, -1))
    )

    def start(own: Parameters) -> None:
        if bound.start is not None:
            bound.start(own)
        bias.T[...] = own.bias

    return bound._replace(calls=[*bound.calls, (np.add, added)], start=start)


def _dilated_forward(x: Array, parameters: Parameters, y: Axis, across: Axis, groups: int, place: int | None) -> Bound:
    """Binds a convolution whose rows d apart are planes of their own, on which the kernel is not dilated."""
    calls: Calls = []
    padded = padded_copy(calls, Place.PLANE, x, y, _whole(across))
    out = room(place, (y.size_out, parameters.kernel.shape[3], across.size_out, x.shape[3]), x.dtype)
    kernel, parts = Parameters(parameters.kernel), []
    for phase in _phases(y):
        rows = padded[phase :: y.dilation]
        part = forward(rows, kernel, _phase(y, len(rows), phase), across, groups, INNER)
        part.calls.append(copy_call(out[phase :: y.dilation], part.out))
        parts.append(part)
    return _in_parts(Bound(x, out, []), calls, parts, [])


def _dilated_vjp(
    g: Array, parameters: Parameters, y: Axis, across: Axis, groups: int, mask: Array | None, place: int | None
) -> Bound:
    out = room(place, (y.size_in, parameters.kernel.shape[2] * groups, across.size_in, g.shape[3]), g.dtype)
    padded = padded_room(Place.PLANE, out, y, _whole(across))
    after, parts = Calls(), []
    for phase in _phases(y):
        rows, here = padded[phase :: y.dilation], slice(phase, None, y.dilation)
        axis = _phase(y, len(rows), phase)
        part = vjp(g[here], parameters, axis, across, groups, None if mask is None else mask[here], INNER)
        part.calls.append(copy_call(rows, part.out))
        parts.append(part)
    copy_inside(after, padded, y, _whole(across), out)
    return _in_parts(Bound(g, out, []), [(padded.fill, (0,))], parts, after)


def _in_parts(bound: Bound, before: Calls, parts: list[Bound], after: Calls) -> Bound:
    """Returns a convolution that consists of others without a bias, each of which is started with the same weight."""

    def start(own: Parameters) -> None:
        perform(before)
        for part in parts:
            apply(part, Parameters(own.kernel))
        perform(after)

    def suits(own: Parameters) -> bool:
        return all(not part.suits or part.suits(Parameters(own.kernel)) for part in parts)

    inner = len(before) + len(after) + sum(len(part.calls) + part.inner for part in parts)
    return bound._replace(start=start, suits=suits, inner=inner)


def _phases(y: Axis) -> range:
    return range(min(y.dilation, y.size_out))


def _whole(across: Axis) -> Axis:
    """The columns of a plane of which only the rows are padded."""
    return Axis(across.size_in, across.size_in, 1)


def _phase(y: Axis, size_in: int, phase: int) -> Axis:
    size_out = -(-(y.size_out - phase) // y.dilation)
    return Axis(size_in, size_out, y.kernel, 1)
