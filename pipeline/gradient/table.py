"""The tables of operations: for each kind of layer its forward and its VJP, with one signature for all.

Joins, which read several arrays, have a table and a signature of their own.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pipeline.gradient.step import Source, Step
from pipeline.ops import (
    channels,
    conv,
    join,
    lrn,
    maxpool,
    norm,
    padding,
    pixelshuffle,
    pool,
    prelu,
    resample,
    transposed,
    upsample,
)
from pipeline.ops.bound import Bound
from pipeline.ops.buffer import Array, room
from pipeline.ops.parameters import Parameters
from pipeline.ops.passes import copy_call
from pipeline.stem import (
    Activate,
    AdaptiveAvgPool,
    Add,
    Affine,
    AvgPool,
    BatchNorm,
    Bilinear,
    Cat,
    ChannelShuffle,
    Conv,
    Crop,
    Depthwise,
    GlobalAvgPool,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    LocalResponseNorm,
    MaxPool,
    Mul,
    Pad,
    PixelShuffle,
    PixelUnshuffle,
    PReLU,
    PreResidual,
    Residual,
    Slice,
    Transposed,
    Upsample,
    channel_range,
    channels_read,
    counted_padding,
    counted_pixels,
)

Mask = Any
"""bool, of the shape of the gradient that it multiplies; None for an operation that takes none."""


class Operation(NamedTuple):
    """How a layer is bound, forward and back; what is bound is run by `ops.bound.run`, or by `cache.run_cached`.

    forward(x, step, parameters, place) binds the step to x [rows, C, columns, n]. vjp(g, step, parameters, saved, mask,
    place) binds its transpose to the gradient g by what it made [rows', F, columns', n]; `saved` is that of the forward
    step. Parameters are those of the features that the step makes, and say which parts are loaded and, for some
    weights, in which way they are multiplied. Results go to the place of a number, see `ops.buffer.room`. Activations
    are not part of it, but a VJP that takes the mask of a rectifier multiplies g by it; see `Step.is_masked`.
    """

    forward: Callable[[Array, Step, Parameters, int | None], Bound]
    vjp: Callable[[Array, Step, Parameters, Any, Mask, int | None], Bound]


def _copy_forward(x: Array, step: Step, own: Parameters, place: int | None) -> Bound:
    out = room(place, x.shape, x.dtype)  # the activation writes over it, and a shortcut may still need x
    return Bound(x, out, [copy_call(out, x)])


def _outputs(step: Step) -> tuple[range, range]:
    """Returns the rows and columns of the node's plane that a step makes."""
    return range(step.box.top, step.box.bottom), range(step.box.left, step.box.right)


def _counts(step: Step) -> pool.Counts:
    """Returns how many pixels count in each window of an average pooling: those of the whole plane's windows."""
    node, (rows, columns) = step.node, _outputs(step)
    y, x = counted_padding(node)
    return pool.Counts(counted_pixels(node.y, rows, y), counted_pixels(node.x, columns, x))


def _matrices(step: Step) -> tuple[resample.Matrix, resample.Matrix]:
    """Returns the weights of the outputs of a layer that resamples, on the piece that it reads: along y and across."""
    rows, columns = _outputs(step)
    return resample.matrix(step.node.y, rows), resample.matrix(step.node.x, columns)


def _sources(step: Step) -> list[int]:
    """Returns which channel of what it reads each channel of a step's result is, where it only moves channels."""
    node = step.node
    read = (channels_read(node, 0, 1 << channel) for channel in range(*step.features))
    return [channel_range(one)[0] - step.sources[0].channels[0] for one in read]


def norm_forward(
    x: Array, step: Step, place: int | None = None, inverse_of: norm.InverseDeviation = norm.inverse_deviation
) -> Bound:
    """Returns the bound norm of x [rows, C, columns, n]: over the channels of each pixel, or over the plane.

    The result is [rows', C, columns', n], of the dtype of x. Raises TypeError for a layer that is no such norm.
    """
    match step.node.layer:
        case LayerNorm(epsilon=epsilon):
            return norm.layer_forward(x, epsilon, place, inverse_of)
        case GroupNorm(epsilon=epsilon):
            return norm.group_forward(x, step.y, step.x, step.groups, epsilon, place, inverse_of)
        case InstanceNorm(epsilon=epsilon):
            return norm.group_forward(x, step.y, step.x, x.shape[1], epsilon, place, inverse_of)
        case layer:
            raise TypeError(f"{type(layer).__name__} normalises neither pixels nor planes")


def _response(step: Step) -> LocalResponseNorm:
    layer = step.node.layer
    if not isinstance(layer, LocalResponseNorm):
        raise TypeError(f"{type(layer).__name__} is no local response norm")
    return layer


def first_channel(step: Step) -> int:
    """Returns where the channels of a step's result begin among those that it reads of a plane with as many."""
    return step.features[0] - step.sources[0].channels[0]


def _to_pixels(x: Array, step: Step, shape: tuple[int, ...], level: int | None) -> Bound:
    return pixelshuffle.to_pixels(x, (*shape, x.shape[3]), step.y, step.x, _first_of_block(step), level)


def _to_channels(x: Array, step: Step, shape: tuple[int, ...], level: int | None) -> Bound:
    return pixelshuffle.to_channels(x, (*shape, x.shape[3]), step.y, step.x, _first_of_block(step), level)


def _first_of_block(step: Step) -> int:
    """Returns the first channel that lies in blocks, counted from the first block of those that lie in pixels."""
    made, read, depth = step.features[0], step.sources[0].channels[0], step.y.stride * step.x.stride
    return read - made * depth if isinstance(step.node.layer, PixelShuffle) else made - read * depth


_CONVOLUTION = Operation(
    lambda x, step, own, place: conv.forward(x, own, step.y, step.x, step.groups, place, step.ties),
    lambda g, step, own, saved, mask, place: conv.vjp(g, own, step.y, step.x, step.groups, mask, place),
)

_PLANE_NORM = Operation(
    lambda x, step, own, place: norm_forward(x, step, place),
    lambda g, step, own, saved, mask, place: norm.group_vjp(g, saved, step.y, step.x, place),
)
_RESAMPLED = Operation(
    lambda x, step, own, place: resample.forward(x, *_matrices(step), place),
    lambda g, step, own, saved, mask, place: resample.vjp(g, *_matrices(step), place),
)
_PADDED = Operation(
    lambda x, step, own, place: padding.forward(x, step.y, step.x, place),
    lambda g, step, own, saved, mask, place: padding.vjp(g, step.y, step.x, place),
)
_COPY = Operation(_copy_forward, lambda g, step, own, saved, mask, place: Bound(g, g, []))

OPERATIONS: dict[type, Operation] = {
    Conv: _CONVOLUTION,
    Depthwise: _CONVOLUTION,
    Transposed: Operation(
        lambda x, step, own, place: transposed.forward(x, own, step.y, step.x, step.groups, place, step.ties),
        lambda g, step, own, saved, mask, place: transposed.vjp(g, own, step.y, step.x, step.groups, place),
    ),
    MaxPool: Operation(
        lambda x, step, own, place: maxpool.forward(x, step.y, step.x, place),
        lambda g, step, own, saved, mask, place: maxpool.vjp(g, saved, step.y, step.x, mask, place),
    ),
    AvgPool: Operation(
        lambda x, step, own, place: pool.average_forward(x, step.y, step.x, _counts(step), place),
        lambda g, step, own, saved, mask, place: pool.average_vjp(g, step.y, step.x, _counts(step), place),
    ),
    GlobalAvgPool: Operation(
        lambda x, step, own, place: pool.global_forward(x, place),
        lambda g, step, own, saved, mask, place: pool.global_vjp(g, step.y, step.x, place),
    ),
    Upsample: Operation(
        lambda x, step, own, place: upsample.forward(x, step.y, step.x, place),
        lambda g, step, own, saved, mask, place: upsample.vjp(g, step.y, step.x, place),
    ),
    BatchNorm: Operation(
        lambda x, step, own, place: norm.batch_forward(x, place),
        lambda g, step, own, saved, mask, place: norm.batch_vjp(g, place),
    ),
    Affine: Operation(
        lambda x, step, own, place: norm.batch_forward(x, place),
        lambda g, step, own, saved, mask, place: norm.batch_vjp(g, place),
    ),
    LayerNorm: Operation(
        lambda x, step, own, place: norm_forward(x, step, place),
        lambda g, step, own, saved, mask, place: norm.layer_vjp(g, saved, place),
    ),
    GroupNorm: _PLANE_NORM,
    InstanceNorm: _PLANE_NORM,
    LocalResponseNorm: Operation(
        lambda x, step, own, place: lrn.forward(x, _response(step), first_channel(step), step.shape[1], place),
        lambda g, step, own, saved, mask, place: lrn.vjp(g, saved, _response(step), first_channel(step), place),
    ),
    PReLU: Operation(
        lambda x, step, own, place: prelu.forward(x, place),
        lambda g, step, own, saved, mask, place: prelu.vjp(g, saved, place),
    ),
    Bilinear: _RESAMPLED,
    AdaptiveAvgPool: _RESAMPLED,
    Pad: _PADDED,
    Crop: _PADDED,
    ChannelShuffle: Operation(
        lambda x, step, own, place: channels.forward(x, _sources(step), place),
        lambda g, step, own, saved, mask, place: channels.vjp(g, _sources(step), step.sources[0].shape[1], place),
    ),
    PixelShuffle: Operation(
        lambda x, step, own, level: _to_pixels(x, step, step.shape, level),
        lambda g, step, own, saved, mask, level: _to_channels(g, step, step.sources[0].shape, level),
    ),
    PixelUnshuffle: Operation(
        lambda x, step, own, level: _to_channels(x, step, step.shape, level),
        lambda g, step, own, saved, mask, level: _to_pixels(g, step, step.sources[0].shape, level),
    ),
    Slice: _COPY,
    Activate: _COPY,
}


class JoinOperation(NamedTuple):
    """How a join is bound, forward and back.

    forward(operands, place) binds it to what it reads, arrays [rows, C, columns, n]. vjp(g, step, source, saved, place)
    binds its transpose to the gradient g by what it made, for one of its sources. part(g, step, source) is that
    gradient where it is g itself or a view of it; see `places.is_handed_on`.
    """

    forward: Callable[[Sequence[Array], int | None], Bound]
    vjp: Callable[[Array, Step, Source, Any, int | None], Bound]
    part: Callable[[Array, Step, Source], Array]


def _no_vjp(g: Array, step: Step, source: Source, saved: Any, place: int | None) -> Bound:
    raise TypeError(f"the gradient by a branch of a {type(step.node.layer).__name__} is a part of that by its result")


def _no_part(g: Array, step: Step, source: Source) -> Array:
    raise TypeError(f"the gradient by a branch of a {type(step.node.layer).__name__} is no part of that by its result")


def _branch_of_cat(g: Array, step: Step, source: Source) -> Array:
    before = sum(plane.channels for plane in step.node.planes[: source.slot])
    first, stop = source.channels
    return join.cat_vjp(g, before + first - step.features[0], stop - first)


_SUM = JoinOperation(
    join.add_forward,
    lambda g, step, source, saved, place: join.add_vjp(g, (*source.shape, g.shape[3]), place),
    lambda g, step, source: g,
)

JOINS: dict[type, JoinOperation] = {
    Residual: _SUM,
    PreResidual: _SUM,
    Add: _SUM,
    Cat: JoinOperation(join.cat_forward, _no_vjp, _branch_of_cat),
    Mul: JoinOperation(
        join.mul_forward,
        lambda g, step, source, saved, place: join.mul_vjp(g, saved, source.slot, place),
        _no_part,
    ),
}
