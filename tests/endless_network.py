"""What a unit sees if no plane has an end, from the definition of every layer, pixel by pixel."""

from pipeline.stem import Axis, GlobalAvgPool, Group, Network, Node, Transposed, Upsample

Pixels = set[tuple[int, int]]


def seen(nodes: Network, unit: tuple[int, int]) -> Pixels:
    """The (y, x) of the input, within its plane or beyond, that the unit is connected to."""
    pixels = {unit}
    for node in reversed(nodes):
        pixels = _behind(node, pixels)
    return pixels


def _behind(node: Node, pixels: Pixels) -> Pixels:
    if isinstance(node.layer, Group):
        body = pixels
        for inner in reversed(node.body):
            body = _behind(inner, body)
        return body | (pixels if node.shortcut is None else _behind(node.shortcut, pixels))
    rows = {y: _inputs(node, node.y, y) for y in {y for y, _ in pixels}}
    columns = {x: _inputs(node, node.x, x) for x in {x for _, x in pixels}}
    return {(row, column) for y, x in pixels for row in rows[y] for column in columns[x]}


def _inputs(node: Node, axis: Axis, output: int) -> list[int]:
    taps = [i * axis.dilation for i in range(axis.kernel)]
    if isinstance(node.layer, GlobalAvgPool):
        return list(range(axis.size_in))
    if isinstance(node.layer, Upsample):
        return [output // axis.stride]
    if isinstance(node.layer, Transposed):
        near = range((output + axis.before - taps[-1]) // axis.stride - 1, (output + axis.before) // axis.stride + 2)
        return [n for n in near if output in [n * axis.stride - axis.before + tap for tap in taps]]
    return [output * axis.stride - axis.before + tap for tap in taps]
