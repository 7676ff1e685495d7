"""Concatenation, splitting, and channels that become pixels or the other way round."""

from pipeline.models.folding import parts_of
from pipeline.models.onnxfile import Call
from pipeline.models.rules.attributes import nchw
from pipeline.models.translate import Translation
from pipeline.models.units import Held, UnsupportedError, Value
from pipeline.stem import (
    Cat,
    ChannelShuffle,
    Plane,
    Slice,
)


def concat(net: Translation, call: Call) -> Value:
    """Concat of channels.

    Raises UnsupportedError for a form that no layer stands for.
    """
    parts = [net.given(call, number) for number in range(len(call.inputs))]
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    alike = all(
        (part.layout, part.plane.height, part.plane.width) == (first.layout, first.plane.height, first.plane.width)
        for part in parts
    )
    if int(call.attributes["axis"]) % len(first.shape) != first.channel_axis or not alike or first.layout == "flat":
        raise UnsupportedError("only channels of planes of one size are concatenated")
    plane = Plane(first.plane.height, first.plane.width, sum(part.plane.channels for part in parts))
    return net.grouped(call.outputs[0], Cat(branches=((),) * len(parts)), parts, plane)


def split(net: Translation, call: Call) -> Value | list[Value]:
    """Split of channels.

    Raises UnsupportedError for a form that no layer stands for.
    """
    given = net.given(call)
    if int(call.attributes.get("axis", 0)) % len(given.shape) != given.channel_axis or given.layout == "flat":
        raise UnsupportedError("only channels are split")
    known = [net.constant(call, number) for number in range(len(call.inputs))]
    values, first = list[Value](), 0
    for name, size in zip(call.outputs, parts_of(call, known, given.plane.channels), strict=True):
        values.append(net.unit(name, Slice(first, first + size), given))
        first += size
    return values


def depth_to_space(net: Translation, call: Call) -> Value:
    """DepthToSpace, whose channels lie in either of two orders."""
    given, block = nchw(net.given(call)), int(call.attributes["blocksize"])
    shuffled = given
    if call.attributes.get("mode", "DCR") == "DCR" and given.plane.channels > block * block:
        shuffled = net.unit(net.fresh(call.outputs[0], "order"), ChannelShuffle(block * block), given)
    return pixel_shuffle(net, call.outputs[0], shuffled, block)


def pixel_shuffle(net: Translation, tensor: str, given: Held, block: int) -> Value:
    """Pixels from channels, in the order of PyTorch."""
    from pipeline.stem import PixelShuffle

    return net.unit(tensor, PixelShuffle((block, block)), given)


def space_to_depth(net: Translation, call: Call) -> Value:
    """SpaceToDepth: pixels that become channels."""
    """SpaceToDepth."""
    """SpaceToDepth."""
    from pipeline.stem import PixelUnshuffle

    given, block = nchw(net.given(call)), int(call.attributes["blocksize"])
    if given.plane.channels == 1:
        return net.unit(call.outputs[0], PixelUnshuffle((block, block)), given)
    made = net.unit(net.fresh(call.outputs[0], "order"), PixelUnshuffle((block, block)), given)
    return net.unit(call.outputs[0], ChannelShuffle(given.plane.channels), made)
