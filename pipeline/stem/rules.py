"""The rules of layers: the geometry of each, which channels it makes, and which it reads.

There is one row for each layer that is neither a convolution nor a group. Of these, `network` has the planes.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import product
from math import prod
from typing import Any, NamedTuple

from msgspec.structs import replace

from pipeline.stem.channels import all_channels, channel_set, in_groups, members
from pipeline.stem.layers import (
    SAME,
    Activate,
    AdaptiveAvgPool,
    Affine,
    AvgPool,
    BatchNorm,
    Bilinear,
    Cat,
    ChannelShuffle,
    Conv,
    Convolution,
    Crop,
    Depthwise,
    GlobalAvgPool,
    GroupNorm,
    InstanceNorm,
    Join,
    Layer,
    LayerNorm,
    LocalResponseNorm,
    MaxPool,
    Pad,
    PixelShuffle,
    PixelUnshuffle,
    PReLU,
    Slice,
    Upsample,
    ends,
)
from pipeline.stem.node import Geometry, Node
from pipeline.stem.plane import Axis, Scheme


class MisfitError(Exception):
    """A layer that does not fit its input: what is wrong, and the field of the layer that says so.

    by_sides: whether it may fit a plane of other sides. path: where the layer is; see `notation.locate`.
    """

    def __init__(self, problem: str, field: str = "kernel", by_sides: bool = False) -> None:
        super().__init__(problem)
        self.problem = problem
        self.field = field
        self.by_sides = by_sides
        self.path: tuple[int, ...] = ()


def check_divides(groups: int, number: int, what: str) -> None:
    """Raises MisfitError where so many groups do not divide a number of channels or features."""
    if number % groups:
        raise MisfitError(f"{groups} groups do not divide the {number} {what}", "groups")


def window(layer: Conv | Depthwise | MaxPool | AvgPool, size: int, axis: int) -> Axis:
    """The axis, 0 for y and 1 for x, of a convolution or a pool on `size` pixels. Raises MisfitError."""
    kernel, stride = layer.kernel[axis], layer.stride[axis]
    dilation = 1 if isinstance(layer, AvgPool) else layer.dilation[axis]
    reach = dilation * (kernel - 1)
    pools = isinstance(layer, MaxPool | AvgPool)
    if layer.padding is None:
        before = reach // 2
        after = reach - before
    elif layer.padding == SAME:
        total = max((-(-size // stride) - 1) * stride + reach + 1 - size, 0)
        before, after = total // 2, total - total // 2
    else:
        before, after = ends(layer.padding[axis])
        if pools and max(before, after) > reach:
            raise MisfitError(
                f"padding {max(before, after)} leaves pooling windows that span {reach + 1} without a pixel", "padding"
            )
    room = size + before + after - reach - 1
    made = room // stride + 1
    if isinstance(layer, MaxPool | AvgPool) and layer.ceil:
        made = -(-room // stride) + 1
        made -= (made - 1) * stride >= size + before  # the last window must start inside the plane
        after += max((made - 1) * stride - room, 0)
    if made < 1:
        extent = f"a kernel that spans {reach + 1}"
        name = ("height", "width")[axis]
        raise MisfitError(f"{extent} does not fit a plane of {name} {size} padded by {before + after}", by_sides=True)
    if isinstance(layer, MaxPool) and dilation > size:
        # The first tap of a window that is not before the plane; where it is behind it, the window spans the plane.
        firsts = ((output * stride - before) % dilation for output in range(min(made, before // stride + 1)))
        if any(first >= size for first in firsts):
            raise MisfitError(
                f"dilation {dilation} leaves pooling windows on {size} pixels without a pixel", "dilation", True
            )
    return Axis(size, made, kernel, stride, dilation, before, after)


def _padded(layer: Pad, size: int, axis: int) -> Axis:
    before, after = ends(layer.padding[axis])
    return Axis(size, size + before + after, 1, 1, 1, before, after)


def _cropped(layer: Crop, size: int, axis: int) -> Axis:
    before, after = ends(layer.margin[axis])
    left, stride = size - before - after, layer.stride[axis]
    if left < 1:
        name = ("height", "width")[axis]
        raise MisfitError(f"nothing of a plane of {name} {size} is left without {before + after}", "margin", True)
    made = (left - 1) // stride + 1
    return Axis(size, made, 1, stride, 1, -before, (made - 1) * stride + 1 + before - size)


def _repeated(layer: Upsample | PixelShuffle, size: int, axis: int) -> Axis:
    factor = layer.factor[axis]
    return Axis(size, size * factor, factor, factor)


def _interpolated(layer: Bilinear, size: int, axis: int) -> Axis:
    factor = layer.factor[axis]
    scheme: Scheme = "corners" if layer.corners else "half_pixel"
    return Axis(size, size * factor, 2, factor, scheme=scheme)


def _adapted(layer: AdaptiveAvgPool, size: int, axis: int) -> Axis:
    return Axis(size, layer.size[axis], 1, scheme="adaptive")


def _reduced(layer: GlobalAvgPool, size: int, axis: int) -> Axis:
    return Axis(size, 1, size)


def _in_groups(layer: GroupNorm | ChannelShuffle, channels: int) -> int:
    check_divides(layer.groups, channels, "channels before")
    return channels


def _sliced(layer: Slice, channels: int) -> int:
    if layer.stop > channels:
        raise MisfitError(f"channels up to {layer.stop} are asked for, there are {channels}", "stop")
    return layer.stop - layer.first


def _gathered(layer: PixelUnshuffle, size: int, axis: int) -> Axis:
    factor = layer.factor[axis]
    if size % factor:
        name = ("height", "width")[axis]
        raise MisfitError(f"blocks of {factor} pixels do not divide a plane of {name} {size}", "factor", True)
    return Axis(size, size // factor, factor, factor)


def _laid_out(layer: PixelShuffle, channels: int) -> int:
    depth = prod(layer.factor)
    if channels % depth:
        raise MisfitError(f"blocks of {depth} pixels do not divide the {channels} channels before", "factor")
    return channels // depth


def _stacked(layer: PixelUnshuffle, channels: int) -> int:
    return channels * prod(layer.factor)


def _channels_before_pixels(layer: PixelShuffle, node: Node, wanted: int) -> int:
    """Those of the phases that the axes of the node have; see `_phases_of_pixels`."""
    (fy, fx), (rows, columns) = layer.factor, (_offsets(axis) for axis in (node.y, node.x))
    return channel_set((c * fy + i) * fx + j for c in members(wanted) for i in rows for j in columns)


def _channels_of_blocks(layer: PixelUnshuffle, node: Node, wanted: int) -> int:
    depth = prod(layer.factor)
    return channel_set(channel // depth for channel in members(wanted))


def _phases_of_pixels(layer: PixelShuffle, node: Node, wanted: int) -> Iterator[tuple[Node, int]]:
    """Each phase of the pixels feeds from other channels."""
    for i, j in product(*map(range, layer.factor)):
        yield replace(node, y=_phase(node.y, i), x=_phase(node.x, j)), wanted


def _phases_of_channels(layer: PixelUnshuffle, node: Node, wanted: int) -> Iterator[tuple[Node, int]]:
    """Each channel of a block reads another phase of the pixels."""
    every, depth = all_channels(node.input.channels), prod(layer.factor)
    for number, (i, j) in enumerate(product(*map(range, layer.factor))):
        own = wanted & channel_set(channel * depth + number for channel in members(every))
        if own:
            yield replace(node, y=_phase(node.y, i), x=_phase(node.x, j)), own


def _phase(axis: Axis, offset: int) -> Axis:
    """The axis of a single tap, the one of this offset."""
    after = (max(axis.size_in, axis.size_out) - 1) // axis.stride * axis.stride + 1 + offset
    return Axis(axis.size_in, axis.size_out, 1, axis.stride, 1, -offset, after - max(axis.size_in, axis.size_out))


def _offsets(axis: Axis) -> range:
    return range(-axis.before, axis.kernel - axis.before)


def _own_channels(layer: Layer, node: Node, wanted: int) -> int:
    return wanted


def _every_channel(layer: Layer, node: Node, wanted: int) -> int:
    return all_channels(node.input.channels)


def _channels_of_groups(layer: GroupNorm, node: Node, wanted: int) -> int:
    return in_groups(wanted, node.output.channels, node.input.channels, layer.groups)


def _channels_before_slice(layer: Slice, node: Node, wanted: int) -> int:
    return wanted << layer.first


def _channels_before_shuffle(layer: ChannelShuffle, node: Node, wanted: int) -> int:
    groups, inner = layer.groups, node.input.channels // layer.groups
    return channel_set(channel % groups * inner + channel // groups for channel in members(wanted))


def _channels_around(layer: LocalResponseNorm, node: Node, wanted: int) -> int:
    spread = 0
    for offset in range(-(layer.channels // 2), (layer.channels - 1) // 2 + 1):
        spread |= wanted << offset if offset >= 0 else wanted >> -offset
    return spread & all_channels(node.input.channels)


class Rule(NamedTuple):
    """What there is to know of a layer before it is computed.

    along(layer, size, axis): its axis on so many pixels, 0 for y and 1 for x. made(layer, channels): how many channels
    it makes of so many. Both raise MisfitError. read(layer, node, wanted): the set of channels that the wanted ones of
    its node read. phases(layer, node, wanted): where its channels read different pixels, disjoint parts of its node,
    each with axes of its own, and the wanted channels that belong to each. only_moves: it hands numbers on and computes
    none, so that it costs one pass over its result, and needs no scratch memory.
    """

    geometry: Geometry = "pixelwise"
    along: Callable[[Any, int, int], Axis] = lambda layer, size, axis: Axis(size, size, 1)
    made: Callable[[Any, int], int] = lambda layer, channels: channels
    read: Callable[[Any, Node, int], int] = _own_channels
    phases: Callable[[Any, Node, int], Iterator[tuple[Node, int]]] | None = None
    only_moves: bool = False


RULES: dict[type, Rule] = {
    MaxPool: Rule("reads", window),
    AvgPool: Rule("reads", window),
    Pad: Rule("reads", _padded, only_moves=True),
    Crop: Rule("reads", _cropped, only_moves=True),
    Upsample: Rule("feeds", _repeated),
    Bilinear: Rule("resampled", _interpolated),
    AdaptiveAvgPool: Rule("resampled", _adapted),
    GlobalAvgPool: Rule("global", _reduced),
    Slice: Rule(made=_sliced, read=_channels_before_slice, only_moves=True),
    ChannelShuffle: Rule(made=_in_groups, read=_channels_before_shuffle, only_moves=True),
    PixelShuffle: Rule("feeds", _repeated, _laid_out, _channels_before_pixels, _phases_of_pixels, only_moves=True),
    PixelUnshuffle: Rule("reads", _gathered, _stacked, _channels_of_blocks, _phases_of_channels, only_moves=True),
    BatchNorm: Rule(),
    Affine: Rule(),
    LayerNorm: Rule(read=_every_channel),
    GroupNorm: Rule("global", made=_in_groups, read=_channels_of_groups),
    InstanceNorm: Rule("global"),
    LocalResponseNorm: Rule(read=_channels_around),
    PReLU: Rule(),
    Activate: Rule(),
}


_READ_SOME = frozenset(kind for kind, rule in RULES.items() if rule.read not in (_own_channels, _every_channel))
"""Kinds of layers all of whose channels together may leave out some of those before them."""


def rule_of(layer: Layer) -> Rule:
    """The rule of a layer that is neither a convolution nor a group. Raises TypeError where it has none."""
    rule = RULES.get(type(layer))
    if rule is None:
        raise TypeError(f"{type(layer).__name__} has no rule; give it a row of RULES")
    return rule


def only_moves(layer: Layer) -> bool:
    """Whether a layer hands numbers on and computes none."""
    rule = RULES.get(type(layer))
    return rule is not None and rule.only_moves


def channels_read(node: Node, slot: int, wanted: int) -> int:
    """The set of channels that the `wanted` ones of a node's output read of its input number `slot`."""
    layer, count = node.layer, node.planes[slot].channels
    if not wanted:
        return 0
    if isinstance(layer, Convolution):
        return in_groups(wanted, node.output.channels, count, node.groups)
    if isinstance(layer, Cat):
        offset = sum(plane.channels for plane in node.planes[:slot])
        return wanted >> offset & all_channels(count)
    if isinstance(layer, Join):
        return 1 if count < node.output.channels else wanted  # a single channel counts for all
    return rule_of(layer).read(layer, node, wanted)


def reads_all(node: Node) -> bool:
    """Whether all channels of a node read all of those before it, as they surely do where this is known at once."""
    return type(node.layer) not in _READ_SOME


def phases(node: Node, wanted: int) -> Iterable[tuple[Node, int]]:
    """The parts of a node whose channels read different pixels, with the wanted channels that belong to each.

    Of most nodes it is the node itself, with all of them.
    """
    rule = RULES.get(type(node.layer))
    if rule is None or rule.phases is None:
        return ((node, wanted),)
    return rule.phases(node.layer, node, wanted)
