"""What a unit sees if no plane has an end, from the definition of every layer, by pixel and channel."""

from collections.abc import Iterator
from math import ceil, floor

from pipeline.stem import (
    INPUT,
    AdaptiveAvgPool,
    AvgPool,
    Axis,
    Bilinear,
    Cat,
    ChannelShuffle,
    Conv,
    Crop,
    Depthwise,
    GlobalAvgPool,
    GroupNorm,
    InstanceNorm,
    Join,
    LayerNorm,
    LocalResponseNorm,
    MaxPool,
    Network,
    Node,
    Pad,
    PixelShuffle,
    PixelUnshuffle,
    Slice,
    Transposed,
    Upsample,
)

Pixels = set[tuple[int, int]]


def seen(nodes: Network, unit: tuple[int, int], channel: int | None = None) -> Pixels:
    """The (y, x) of the input, within its plane or beyond, that the unit of a channel, or of any, is connected to."""
    last = nodes[-1]
    known: dict[int, dict[int, Pixels]] = {node.index: {} for node in nodes} | {INPUT: {}}
    known[last.index] = {c: {unit} for c in (range(last.output.channels) if channel is None else (channel,))}
    for node in reversed(nodes):
        for made, pixels in known[node.index].items():
            for slot, source in enumerate(node.inputs):
                if isinstance(node.layer, PixelShuffle | PixelUnshuffle):
                    for read, pixel in _shuffled(node.layer, made, pixels):
                        known[source].setdefault(read, set()).add(pixel)
                    continue
                found = None
                for read in _channels(node, slot, made):
                    found = _pixels(node, slot, pixels) if found is None else found
                    known[source][read] = known[source].get(read, set()) | found
    return set().union(*known[INPUT].values())


def _shuffled(layer: PixelShuffle | PixelUnshuffle, made: int, pixels: Pixels) -> Iterator[tuple[int, tuple[int, int]]]:
    """(channel, pixel) that each of some pixels of a channel is."""
    fy, fx = layer.factor
    for y, x in pixels:
        if isinstance(layer, PixelShuffle):
            yield (made * fy + y % fy) * fx + x % fx, (y // fy, x // fx)
        else:
            block, (i, j) = made // (fy * fx), divmod(made % (fy * fx), fx)
            yield block, (y * fy + i, x * fx + j)


def _pixels(node: Node, slot: int, pixels: Pixels) -> Pixels:
    if isinstance(node.layer, Join):
        plane, made = node.planes[slot], node.output
        return {(0, 0)} if (plane.height, plane.width) != (made.height, made.width) and pixels else pixels
    rows = {y: _inputs(node, node.y, y) for y in {y for y, _ in pixels}}
    columns = {x: _inputs(node, node.x, x) for x in {x for _, x in pixels}}
    return {(row, column) for y, x in pixels for row in rows[y] for column in columns[x]}


def _inputs(node: Node, axis: Axis, output: int) -> list[int]:
    taps = [i * axis.dilation for i in range(axis.kernel)]
    match node.layer:
        case GlobalAvgPool() | GroupNorm() | InstanceNorm():
            return list(range(axis.size_in))
        case Upsample():
            return [output // axis.stride]
        case Bilinear():
            if node.layer.corners:
                at = output * (axis.size_in - 1) / max(axis.size_out - 1, 1)
            else:
                at = (output + 0.5) * axis.size_in / axis.size_out - 0.5
            return [round(at)] if abs(at - round(at)) < 1e-9 else [floor(at), ceil(at)]
        case AdaptiveAvgPool():
            n, made = axis.size_in, axis.size_out
            return list(range(output * n // made, ((output + 1) * n + made - 1) // made))
        case Transposed():
            near = range(
                (output + axis.before - taps[-1]) // axis.stride - 1, (output + axis.before) // axis.stride + 2
            )
            return [n for n in near if output in [n * axis.stride - axis.before + tap for tap in taps]]
        case Conv() | Depthwise() | MaxPool() | AvgPool():
            return [output * axis.stride - axis.before + tap for tap in taps]
        case Pad():
            return [output - axis.before]
        case Crop():
            margin = node.layer.margin[axis is node.x] if node.y is not node.x else node.layer.margin[0]
            return [output * axis.stride + (margin if isinstance(margin, int) else margin[0])]
    return [output]  # pixel by pixel


def _channels(node: Node, slot: int, made: int) -> range | list[int]:
    """The channels of an input that one channel of the output reads."""
    inputs, layer = node.planes[slot].channels, node.layer
    match layer:
        case Conv() | Transposed() | Depthwise():
            group, size = made * node.groups // node.output.channels, inputs // node.groups
            return range(group * size, (group + 1) * size)
        case GroupNorm():
            size = inputs // layer.groups
            return range(made // size * size, (made // size + 1) * size)
        case LayerNorm():
            return range(inputs)
        case LocalResponseNorm():
            low, high = made - layer.channels // 2, made + (layer.channels - 1) // 2
            return range(max(low, 0), min(high, inputs - 1) + 1)
        case ChannelShuffle():
            order = [j * layer.groups + i for i in range(layer.groups) for j in range(inputs // layer.groups)]
            return [order.index(made)]
        case Slice():
            return [layer.first + made]
        case Cat():
            own = made - sum(plane.channels for plane in node.planes[:slot])
            return [own] if 0 <= own < inputs else []
    return [made if inputs > 1 else 0]
