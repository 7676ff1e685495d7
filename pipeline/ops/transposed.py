"""Transposed convolution: the VJP of a convolution, run forward, and the other way round.

Input pixel n feeds outputs n*s - before + i*d. That is how a convolution that reads the larger plane spreads the
gradient of its output pixel n, so both directions are those of `conv` with the ends of each axis exchanged.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from pipeline.ops import conv
from pipeline.ops.bound import Bound
from pipeline.ops.buffer import Array, Place, room, scratch
from pipeline.ops.parameters import Parameters
from pipeline.ops.passes import copy_call
from pipeline.ops.span import mirrored, reading_spread, spread_size
from pipeline.stem import Axis


def forward(
    x: Array,
    parameters: Parameters,
    y: Axis,
    across: Axis,
    groups: int = 1,
    place: int | None = None,
    ties: bool = False,
) -> Bound:
    """Returns the bound transposed convolution of x [rows, C, columns, n] with a weight [kh, kw, C // groups, F].

    A bias [F], if the parameters have one, is added. The result is [rows', F, columns', n], of the dtype of x. `ties`
    asks for equal bits of outputs that the same taps feed with the same numbers; see `conv.forward`. Raises ValueError
    for parameters without a weight.
    """
    if ties:
        return conv.with_bias(_by_windows(x, parameters, y, across, groups, place), parameters)
    exchanged = partial(_exchanged, groups)
    spread = conv.vjp(x, exchanged(parameters), mirrored(y), mirrored(across), groups, None, place)
    return conv.with_bias(_with(exchanged, spread), parameters)


def vjp(g: Array, parameters: Parameters, y: Axis, across: Axis, groups: int = 1, place: int | None = None) -> Bound:
    """Returns the bound gradient by x [rows, C, columns, n], of the dtype of the gradient g [rows', F, columns', n].

    Raises ValueError for parameters without a weight.
    """
    exchanged = partial(_exchanged, groups)
    return _with(exchanged, conv.forward(g, exchanged(parameters), mirrored(y), mirrored(across), groups, place))


def _with(changed: Callable[[Parameters], Parameters], bound: Bound) -> Bound:
    """Returns a convolution whose parameters are changed before it is started."""
    start, suits = bound.start, bound.suits
    return bound._replace(
        start=start and (lambda own: start(changed(own))), suits=suits and (lambda own: suits(changed(own)))
    )


def _by_windows(x: Array, parameters: Parameters, y: Axis, across: Axis, groups: int, place: int | None) -> Bound:
    """Binds the convolution of x, its pixels a stride apart among zeros, with the kernel reversed."""
    spread = scratch(Place.PLANE, (spread_size(y), x.shape[1], spread_size(across), x.shape[3]), x.dtype)
    own = _turned(parameters)
    bound = _with(
        _turned, conv.forward(spread, own, reading_spread(y), reading_spread(across), groups, conv.INNER, ties=True)
    )
    out = room(place, bound.out.shape, x.dtype)
    put = np.copyto, (spread[:: y.stride, :, :: across.stride], x)
    return bound._replace(x=x, out=out, calls=[(spread.fill, (0,)), put, *bound.calls, copy_call(out, bound.out)])


def _turned(parameters: Parameters) -> Parameters:
    return Parameters(np.ascontiguousarray(parameters.kernel[::-1, ::-1]))


def _exchanged(groups: int, parameters: Parameters) -> Parameters:
    """Returns a weight [kh, kw, C // groups, F] as [kh, kw, F // groups, C]."""
    kh, kw, inputs, features = parameters.kernel.shape
    split = parameters.kernel.reshape(kh, kw, inputs, groups, features // groups).transpose(0, 1, 4, 3, 2)
    return Parameters(np.ascontiguousarray(split).reshape(kh, kw, features // groups, groups * inputs))
