"""Sets of channels, as bits of an integer: bit c is set where channel c is in it."""

from collections.abc import Iterable


def all_channels(count: int) -> int:
    """The set of channels 0 to count - 1."""
    return (1 << count) - 1


def channel_range(channels: int) -> tuple[int, int]:
    """(first, stop), half-open, of a set of channels that is not empty."""
    return (channels & -channels).bit_length() - 1, channels.bit_length()


def in_groups(wanted: int, outputs: int, inputs: int, groups: int) -> int:
    """All inputs of the groups, of equal size, that the wanted outputs are in."""
    if groups == 1 or wanted == all_channels(outputs):
        return all_channels(inputs)
    made, read = outputs // groups, inputs // groups
    if made == read == 1:
        return wanted
    found, every = 0, all_channels(read)
    for group in sorted({channel // made for channel in members(wanted)}):
        found |= every << group * read
    return found


def members(channels: int) -> list[int]:
    """The channels of a set, in ascending order."""
    return [channel for channel, bit in enumerate(reversed(format(channels, "b"))) if bit == "1"]


def channel_set(channels: Iterable[int]) -> int:
    """The set of some channels."""
    found = 0
    for channel in channels:
        found |= 1 << channel
    return found
