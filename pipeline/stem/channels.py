"""Which channels of its inputs the channels of a node read.

Sets of channels are bits of an integer: bit c is set where channel c is in it.
"""

from collections.abc import Iterable

from pipeline.stem.layers import Cat, ChannelShuffle, Convolution, GroupNorm, LayerNorm, LocalResponseNorm, Slice
from pipeline.stem.network import Node


def all_channels(count: int) -> int:
    """The set of channels 0 to count - 1."""
    return (1 << count) - 1


def channels_read(node: Node, slot: int, wanted: int) -> int:
    """The channels that the `wanted` ones of a node's output read of its input number `slot`."""
    layer, count = node.layer, node.planes[slot].channels
    if not wanted:
        return 0
    match layer:
        case Cat():
            offset = sum(plane.channels for plane in node.planes[:slot])
            return wanted >> offset & all_channels(count)
        case Slice():
            return wanted << layer.first
        case ChannelShuffle():
            inner = count // layer.groups
            return _set(channel % layer.groups * inner + channel // layer.groups for channel in _members(wanted))
        case LayerNorm():
            return all_channels(count)
        case GroupNorm():
            return _grouped(wanted, count, count, layer.groups)
        case LocalResponseNorm():
            spread = 0
            for offset in range(-(layer.channels // 2), (layer.channels - 1) // 2 + 1):
                spread |= wanted << offset if offset >= 0 else wanted >> -offset
            return spread & all_channels(count)
        case _ if isinstance(layer, Convolution):
            return _grouped(wanted, node.output.channels, count, node.groups)
    return 1 if count < node.output.channels else wanted  # of a join, a single channel counts for all


def channel_range(channels: int) -> tuple[int, int]:
    """(first, stop), half-open, of a set of channels that is not empty."""
    return (channels & -channels).bit_length() - 1, channels.bit_length()


def _grouped(wanted: int, outputs: int, inputs: int, groups: int) -> int:
    """All inputs of the groups, of equal size, that the wanted outputs are in."""
    if groups == 1 or wanted == all_channels(outputs):
        return all_channels(inputs)
    made, read = outputs // groups, inputs // groups
    if made == read == 1:
        return wanted
    found, every = 0, all_channels(read)
    for group in sorted({channel // made for channel in _members(wanted)}):
        found |= every << group * read
    return found


def _members(channels: int) -> list[int]:
    return [channel for channel, bit in enumerate(reversed(format(channels, "b"))) if bit == "1"]


def _set(members: Iterable[int]) -> int:
    found = 0
    for channel in members:
        found |= 1 << channel
    return found
