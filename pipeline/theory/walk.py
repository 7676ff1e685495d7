"""The walk back over a network: what is known of some units is carried to all that they see, node by node.

Of each node it keeps what has reached it from the nodes that it feeds, merged, for disjoint sets of its channels: units
of one pixel but of two channels may see different things, behind a concatenation for one. Most layers read all channels
before them, so one set is the usual case, and it costs next to nothing.
"""

from collections.abc import Callable, Iterable
from typing import TypeAlias, TypeVar

from pipeline.stem import (
    INPUT,
    Cat,
    Conv,
    LayerNorm,
    Network,
    Node,
    Transposed,
    all_channels,
    channels_read,
    phases,
    reads_all,
)

What = TypeVar("What")
Made = TypeVar("Made")
Parts: TypeAlias = tuple[tuple[int, What], ...]
"""What is known of each of some disjoint sets of channels, as bits of an integer; see `pipeline.stem.channels`."""

EVERY = -1
"""The set of all channels, however many there are."""


def one_channel(channel: int | str) -> int:
    """The set that a readout's channel stands for: that one, or every channel where they are reduced to a number."""
    return 1 << channel if isinstance(channel, int) else EVERY


def carried_back(
    nodes: Network,
    reached: dict[int, Parts[What]],
    carry: Callable[[Node, int, int, What], Iterable[tuple[int, What]]],
    merge: Callable[[What, What], What],
) -> dict[int, Parts[What]]:
    """Carries what has reached some nodes back over them, from the last to the first.

    reached: what is known of the nodes with an index, INPUT for the input plane. carry(node, slot, channels, what)
    yields what the units of these channels of a node hand to its input number `slot`: sets of its channels, each with
    what reaches them; nothing where they see none of it. merge: of two things that reach the same units. Returns what
    has reached the nodes before the first of `nodes`, among them the input plane.
    """
    reached = dict(reached)
    for node in reversed(nodes):
        parts = reached.pop(node.index, ())
        for slot, source in enumerate(node.inputs) if parts else ():
            known = reached.get(source, ())
            for channels, what in parts:
                for part, some in phases(node, channels):
                    for behind, found in carry(part, slot, some, what):
                        count = node.planes[slot].channels
                        known = _laid(known, behind, found, merge, count) if known else ((behind, found),)
            if known:
                reached[source] = known
    return reached


def over_all(reached: dict[int, Parts[What]], merge: Callable[[What, What], What]) -> What | None:
    """What has reached the input plane, its channels merged; None where nothing has."""
    parts = reached.get(INPUT, ())
    if not parts:
        return None
    whole = parts[0][1]
    for _, what in parts[1:]:
        whole = merge(whole, what)
    return whole


def channels_behind(node: Node, slot: int, channels: int) -> int:
    """The channels of its input number `slot` that some channels of a node read, EVERY where they are all."""
    if channels == EVERY and reads_all(node):
        return EVERY
    wanted = all_channels(node.output.channels) if channels == EVERY else channels
    behind = channels_read(node, slot, wanted)
    return EVERY if behind == all_channels(node.planes[slot].channels) else behind


def are_alike(nodes: Network) -> bool:
    """Whether all channels of the last node surely see the same; False where a layer may tell them apart."""
    pending, known = [nodes[-1].index], {INPUT}
    while pending:
        index = pending.pop()
        if index in known:
            continue
        known.add(index)
        node = nodes[index]
        if isinstance(node.layer, Cat) or len(list(phases(node, EVERY))) > 1:
            return False
        if not mixes_channels(node):
            pending.extend(node.inputs)
    return True


def mixes_channels(node: Node) -> bool:
    """Whether each channel of a layer reads all those before it."""
    return isinstance(node.layer, LayerNorm) or (isinstance(node.layer, Conv | Transposed) and node.groups == 1)


def is_one_pixel(node: Node, slot: int) -> bool:
    """Whether the input number `slot` of a join is a single pixel that counts for all."""
    plane = node.planes[slot]
    return (plane.height, plane.width) != (node.output.height, node.output.width)


def _laid(
    parts: Parts[What], channels: int, what: What, merge: Callable[[What, What], What], count: int
) -> Parts[What]:
    """The parts with one more thing that reaches some channels, of `count` in all; alike parts become one."""
    if len(parts) == 1 and parts[0][0] == channels:
        return ((channels, merge(parts[0][1], what)),)
    every = all_channels(count)
    rest = channels & every
    split: list[tuple[int, What]] = []
    for others, theirs in parts:
        shared = others & rest
        if shared:
            split.append((shared, merge(theirs, what)))
        if others & every & ~shared:
            split.append((others & every & ~shared, theirs))
        rest &= ~shared
    if rest:
        split.append((rest, what))
    together: dict[What, int] = {}
    for some, theirs in split:
        together[theirs] = together.get(theirs, 0) | some
    return tuple((EVERY if some == every else some, theirs) for theirs, some in together.items())
