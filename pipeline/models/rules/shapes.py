"""Tensors in other shapes and orders, which mean a layer only together with what they end as."""

from typing import cast

import numpy as np

from pipeline.models.folding import axes_of, reshaped
from pipeline.models.onnxfile import Call
from pipeline.models.rules.attributes import weight_of
from pipeline.models.rules.channels import pixel_shuffle
from pipeline.models.rules.norms import reshaped_stat, squares_of
from pipeline.models.translate import Translation
from pipeline.models.units import Held, Known, Point, Stat, UnsupportedError, Value, View
from pipeline.stem import (
    ChannelShuffle,
    GroupNorm,
)


def same(net: Translation, call: Call) -> Value:
    """An operation that changes nothing here."""
    return net.values[call.inputs[0]]


def shape_of(net: Translation, call: Call) -> Value:
    """Shape, of a batch of one."""
    value = net.values[call.inputs[0]]
    held = value.of if isinstance(value, Point) else value
    shape = held.shape if isinstance(held, Held | View | Stat) and held.shape else net.given(call).shape
    first, last = int(call.attributes.get("start", 0)), call.attributes.get("end")
    return Known(np.asarray(shape[first : None if last is None else int(last)], np.int64))


def transpose(net: Translation, call: Call) -> Value:
    """Transpose of planes, or of a tensor in another shape.

    Raises UnsupportedError for a form that no layer stands for.
    """
    value = net.values[call.inputs[0]]
    if isinstance(value, View) and value.order is None and value.normed is None:
        order = call.attributes.get("perm") or range(len(value.shape) - 1, -1, -1)
        return View(value.of, value.shape, tuple(int(axis) for axis in order))
    given = net.plane_of(value)
    rank = len(given.shape)
    order = tuple(int(axis) for axis in call.attributes.get("perm") or range(rank - 1, -1, -1))
    last, first = (0, *range(2, rank), 1), (0, rank - 1, *range(1, rank - 1))
    if order == tuple(range(rank)):
        return given
    if given.layout == "nchw" and order == last:
        return Held(given.tensor, given.plane, "nhwc", given.rank)
    if given.layout == "nhwc" and order == first:
        return Held(given.tensor, given.plane, "nchw", given.rank)
    if given.plane.height == given.plane.width == 1 and given.layout != "flat" and order[0] == 0:
        return Held(given.tensor, given.plane, "nchw" if order.index(given.channel_axis) == 1 else "nhwc", given.rank)
    raise UnsupportedError(f"it turns a tensor of {given.shape} by {order}")


def reshape(net: Translation, call: Call) -> Value:
    """Reshape, also as a step between other shapes.

    Raises UnsupportedError for a form that no layer stands for.
    """
    value = net.values[call.inputs[0]]
    squares = squares_of(value) if _rank_of(net, call) > 4 else None
    if isinstance(value, Stat) or squares is not None:
        stat = squares or cast(Stat, value)
        sides = [int(one) for one in weight_of(net, call).tolist()]
        return reshaped_stat(stat, reshaped(stat.shape or stat.of.shape, sides))
    if not isinstance(value, View):
        value = net.plane_of(value)
    wanted = net.constant(call, 1)
    if wanted is None:
        raise UnsupportedError("its shape is not known from the file")
    shape = (
        value.shape if isinstance(value, Held) or value.order is None else tuple(value.shape[at] for at in value.order)
    )
    return _in_shape(
        net, call, value, reshaped(shape, [int(one) for one in wanted], bool(call.attributes.get("allowzero", 0)))
    )


def _rank_of(net: Translation, call: Call) -> int:
    wanted = net.constant(call, 1)
    return 0 if wanted is None else wanted.size


def _in_shape(net: Translation, call: Call, value: Held | View, shape: tuple[int, ...]) -> Value:
    """A tensor in another shape, which may end a detour over a third."""
    if isinstance(value, Held):
        return _reviewed(value, shape)
    of, plane = value.of, value.of.plane
    if value.normed is not None:
        if shape == of.shape:
            return net.unit(call.outputs[0], GroupNorm(value.shape[1], value.normed), of)
        raise UnsupportedError("a norm over groups is known only where its shape is given back")
    if value.order is None:
        return _reviewed(of, shape)
    split, order = value.shape, value.order
    if split[1:] == (split[1], plane.channels // split[1], *of.shape[2:]) and order == (0, 2, 1, *range(3, len(split))):
        if shape == of.shape:
            return net.unit(call.outputs[0], ChannelShuffle(split[1]), of)
    elif len(split) == 6 and order == (0, 1, 4, 2, 5, 3) and split[2] == split[3] and split[4:] == of.shape[2:]:
        if shape == (1, split[1], plane.height * split[2], plane.width * split[2]):
            return pixel_shuffle(net, call.outputs[0], of, split[2])
    elif len(split) == 6 and order == (0, 1, 3, 5, 2, 4) and split[3] == split[5] and split[1] == plane.channels:
        block = split[3]
        if shape == (1, plane.channels * block * block, plane.height // block, plane.width // block):
            from pipeline.stem import PixelUnshuffle

            return net.unit(call.outputs[0], PixelUnshuffle((block, block)), of)
    raise UnsupportedError(f"it reshapes {of.shape} by {split}, turned by {order}, to {shape}")


def _reviewed(held: Held, shape: tuple[int, ...]) -> Value:
    """A held tensor in another shape."""
    if shape == held.shape:
        return held
    plane = held.plane
    is_pixel = plane.height == plane.width == 1
    if shape == (1, plane.channels * plane.height * plane.width) and (held.layout != "nhwc" or is_pixel):
        return Held(held.tensor, plane, "flat", held.rank)
    pixels = (plane.height, plane.width) if held.rank == 4 else (plane.width,)
    if shape == (1, plane.channels, *pixels) and (held.layout == "flat" or is_pixel):
        return Held(held.tensor, plane, "nchw", held.rank)
    if is_pixel and len(shape) > 1 and shape[0] == 1 and shape[-1] == plane.channels and len(shape) == held.rank:
        return Held(held.tensor, plane, "nhwc", held.rank)
    if held.layout == "nchw" or is_pixel:
        return View(held, shape)
    raise UnsupportedError(f"it reshapes {held.shape} to {shape}")


def flatten(net: Translation, call: Call) -> Value:
    """Flatten behind the batch.

    Raises UnsupportedError for a form that no layer stands for.
    """
    given = net.given(call)
    if int(call.attributes.get("axis", 1)) % (len(given.shape) + 1) != 1:
        raise UnsupportedError("it flattens at another axis than the first")
    return _reviewed(given, (1, given.plane.channels * given.plane.height * given.plane.width))


def squeeze(net: Translation, call: Call) -> Value:
    """Squeeze and Unsqueeze."""
    value = net.values[call.inputs[0]]
    squares = squares_of(value) if call.operation == "Unsqueeze" else None
    if isinstance(value, Stat) or squares is not None:
        stat = squares or cast(Stat, value)
        return reshaped_stat(stat, _squeezed(net, call, stat.shape or stat.of.shape))
    if isinstance(value, View) and value.order is None and value.normed is None:  # one axis after another
        return _reviewed(value.of, _squeezed(net, call, value.shape))
    given = net.given(call)
    return _reviewed(given, _squeezed(net, call, given.shape))


def _squeezed(net: Translation, call: Call, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that Squeeze or Unsqueeze makes."""
    known = [net.constant(call, number) for number in range(len(call.inputs))]
    axes = axes_of(call, known)
    rank = len(shape) + (len(axes or []) if call.operation == "Unsqueeze" else 0)
    places = sorted(axis % rank for axis in axes) if axes is not None else None
    if call.operation == "Unsqueeze":
        sides = list(shape)
        for axis in places or []:
            sides.insert(axis, 1)
        return tuple(sides)
    if places is None:
        places = [axis for axis, side in enumerate(shape) if side == 1 and axis > 0]
    return tuple(side for axis, side in enumerate(shape) if axis not in places)
