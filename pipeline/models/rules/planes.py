"""Cutting, padding and resizing planes."""

from typing import Any, cast

import numpy as np

from pipeline.models.folding import slices_of
from pipeline.models.onnxfile import Call
from pipeline.models.rules.attributes import nchw, weight_of
from pipeline.models.translate import Translation
from pipeline.models.units import Array, Held, Stat, UnsupportedError, Value
from pipeline.stem import (
    Bilinear,
    Crop,
    Pad,
    Slice,
    Upsample,
)


def cut(net: Translation, call: Call) -> Value:
    """Slice: of channels, of pixels, or both.

    Raises UnsupportedError for a form that no layer stands for.
    """
    given = net.given(call)
    shape = given.shape
    known = [net.constant(call, number) for number in range(len(call.inputs))]
    if given.layout == "flat" or any(
        array is None for array, name in zip(known[1:], call.inputs[1:], strict=True) if name
    ):
        raise UnsupportedError("its starts and ends are not constants")
    made = given
    margin, stride = [[0, 0], [0, 0]], [1, 1]
    channels = None
    for axis, part in slices_of(call, known, len(shape)).items():
        places = range(shape[axis])[part]
        if not len(places) or places.step < 1:
            raise UnsupportedError("it keeps nothing, or turns an axis around")
        if axis == given.channel_axis:
            if places.step != 1:
                raise UnsupportedError("it leaves out channels in between")
            channels = Slice(places[0], places[-1] + 1)
        elif axis == 0:
            if places[0] != 0:
                raise UnsupportedError("it takes samples away")
        else:
            pixel = [at for at in range(1, len(shape)) if at != given.channel_axis].index(axis) + (given.rank == 3)
            margin[pixel], stride[pixel] = [places[0], shape[axis] - 1 - places[-1]], places.step
    is_cut = margin != [[0, 0], [0, 0]] or stride != [1, 1]
    if channels is not None and (channels.first, channels.stop) != (0, given.plane.channels):
        made = net.unit(net.fresh(call.outputs[0], "slice") if is_cut else call.outputs[0], channels, made)
    if is_cut:
        crop = Crop(((margin[0][0], margin[0][1]), (margin[1][0], margin[1][1])), (stride[0], stride[1]))
        made = net.unit(call.outputs[0], crop, made)
    return made


def pad(net: Translation, call: Call) -> Value:
    """Pad; negative padding crops.

    Raises UnsupportedError for a form that no layer stands for.
    """
    value = net.values[call.inputs[0]]
    is_squares = isinstance(value, Stat) and value.kind == "squares"
    given = value.of if isinstance(value, Stat) and is_squares else net.given(call)
    rank = len(given.shape) + is_squares
    written = call.attributes.get("pads", call.attributes.get("paddings"))
    if written is None:
        written = weight_of(net, call).tolist()
    numbers = [int(one) for one in written]
    known = [net.constant(call, number) for number in range(len(call.inputs))]
    if len(known) > 3 and known[3] is not None:
        axes = [int(axis) % rank for axis in known[3]]
        full = [0] * 2 * rank
        for at, axis in enumerate(axes):
            full[axis], full[axis + rank] = numbers[at], numbers[at + len(axes)]
        numbers = full
    mode = call.attributes.get("mode", "constant")
    filled = known[2] if len(known) > 2 else None
    number = float(call.attributes.get("value", 0.0)) if filled is None else float(filled.reshape(-1)[0])
    names = {"constant": "zeros", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}
    if mode not in names or (mode == "constant" and number != 0):
        raise UnsupportedError(f"padding {mode} by {number:g} is not a layer")
    if is_squares:
        before, after = numbers[2], numbers[2 + rank]
        size = before + after + 1
        if (before, after) == (size // 2, (size - 1) // 2) and sum(map(abs, numbers)) == before + after:
            shape = (1, 1, given.plane.channels + size - 1, *given.shape[2:])
            return Stat("padded", given, (size,), shape)
        raise UnsupportedError("it pads a step of a norm")
    ends = [[0, 0], [0, 0]]
    pixels = [at for at in range(1, rank) if at != given.channel_axis]
    for axis in range(rank):
        before, after = numbers[axis], numbers[axis + rank]
        if axis in pixels:
            ends[pixels.index(axis) + (given.rank == 3)] = [before, after]
        elif before or after:
            raise UnsupportedError("it pads channels")
    flat = [one for side in ends for one in side]
    made = given
    if min(flat) < 0:
        crop = tuple((max(-before, 0), max(-after, 0)) for before, after in ends)
        made = net.unit(net.fresh(call.outputs[0], "crop"), Crop(cast(Any, crop)), made)
    if max(flat) > 0:
        grown = tuple((max(before, 0), max(after, 0)) for before, after in ends)
        made = net.unit(call.outputs[0], Pad(cast(Any, grown), cast(Any, names[mode])), made)
    return made


def resize(net: Translation, call: Call) -> Value:
    """Resize and Upsample.

    Raises UnsupportedError for a form that no layer stands for.
    """
    given = nchw(net.given(call))
    sizes = _sizes(net, call, given)
    height, width = given.plane.height, given.plane.width
    if sizes == (height, width):
        return given
    mode = call.attributes.get("mode", "nearest")
    usual = "asymmetric" if call.operation == "Upsample" else "half_pixel"
    place = call.attributes.get("coordinate_transformation_mode", usual)
    if sizes[0] % height == 0 and sizes[1] % width == 0:
        factor = sizes[0] // height, sizes[1] // width
        if mode == "nearest":
            rounding = call.attributes.get(
                "nearest_mode", "floor" if call.operation == "Upsample" else "round_prefer_floor"
            )
            if _repeats(place, rounding, factor, (height, width)):
                return net.unit(call.outputs[0], Upsample(factor), given)
        if mode in ("linear", "bilinear") and place in ("half_pixel", "pytorch_half_pixel", "align_corners"):
            return net.unit(call.outputs[0], Bilinear(factor, place == "align_corners"), given)
    down = height % sizes[0] == 0 and width % sizes[1] == 0
    if down and mode == "nearest" and place == "asymmetric":
        stride = height // sizes[0], width // sizes[1]
        return net.unit(call.outputs[0], Crop(((0, 0), (0, 0)), stride), given)
    raise UnsupportedError(f"resizing {height}x{width} to {sizes[0]}x{sizes[1]} by {mode}, {place}, is not a layer")


def _sizes(net: Translation, call: Call, given: Held) -> tuple[int, int]:
    """(height, width) that Resize or Upsample makes."""
    shape = given.shape
    if call.operation == "Upsample" or len(call.inputs) == 2:
        scales = net.constant(call, 1)
        if scales is None and "scales" in call.attributes:
            scales = np.asarray(call.attributes["scales"])
        if scales is None and "height_scale" in call.attributes:
            scales = np.asarray([1, 1, call.attributes["height_scale"], call.attributes["width_scale"]])
    else:
        sizes, scales = net.constant(call, 3), net.constant(call, 2)
        if sizes is not None and sizes.size:
            made = [int(one) for one in sizes]
            made = made if len(made) == len(shape) else [*shape[: len(shape) - len(made)], *made]
            return (1, made[2]) if given.rank == 3 else (made[2], made[3])
    if scales is None or scales.size != len(shape) or tuple(scales[:2]) != (1, 1):
        raise UnsupportedError("its size is not known from the file, or channels are resized")
    found = [int(np.floor(side * float(scale) + 1e-6)) for side, scale in zip(shape[2:], scales[2:], strict=True)]
    return (1, found[0]) if given.rank == 3 else (found[0], found[1])


def _repeats(place: str, rounding: str, factor: tuple[int, int], sizes: tuple[int, int]) -> bool:
    """Whether nearest resizing by a whole factor repeats each pixel so often."""
    for f, n in zip(factor, sizes, strict=True):
        at = np.arange(n * f)
        if place in ("half_pixel", "pytorch_half_pixel"):
            x: Array = (at + 0.5) / f - 0.5
        elif place == "asymmetric":
            x = at / f
        elif place == "align_corners" and n * f > 1:
            x = at * ((n - 1) / (n * f - 1))
        else:
            return f == 1
        rounded = {
            "floor": np.floor(x + 1e-9),
            "ceil": np.ceil(x - 1e-9),
            "round_prefer_floor": np.ceil(x - 0.5 - 1e-9),
            "round_prefer_ceil": np.floor(x + 0.5 + 1e-9),
        }[rounding]
        if (np.clip(rounded, 0, n - 1) != at // f).any():
            return False
    return True
