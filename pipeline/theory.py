"""The per-layer table of receptive-field arithmetic, and what the centre unit of each layer sees of the input plane.

The numbers are those of `pipeline.arithmetic`; `cover` is always that of the exact window (`pipeline.window`).
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple, TypeAlias

import msgspec

from pipeline.arithmetic import Line, after, hull
from pipeline.errors import InputError
from pipeline.indices import feeding, read_by, span
from pipeline.network import Axis, Network, Node, Plane
from pipeline.notation import format_stem
from pipeline.stem import (
    AvgPool,
    Convolution,
    GlobalAvgPool,
    Group,
    MaxPool,
    Residual,
    Transposed,
    Upsample,
)
from pipeline.window import LARGEST_WINDOW, window

Number: TypeAlias = int | float
_Interval: TypeAlias = tuple[int, int]


class Row(msgspec.Struct, frozen=True):
    """One layer of the table; lengths in input pixels, `_y` along y, the others along x.

    index: as the network numbers its nodes. height, width, features: of the plane that the layer makes. start: centre
    of the first unit's window. cover: share, 0 to 1, of the input plane in the window of the layer's centre unit.
    padding: (rf - 1)/2 - start, how far the first window reaches beyond the plane. kernel (`@` its dilation),
    stride and pad (before, or before+after where they differ) are the layer's own, empty for layers that have none.
    """

    index: int
    layer: str
    height: int
    width: int
    features: int
    rf: Number
    rf_y: Number
    jump: Number
    jump_y: Number
    start: Number
    start_y: Number
    cover: float
    padding: Number
    padding_y: Number
    kernel: str
    stride: str
    pad: str


class Walk(msgspec.Struct, frozen=True):
    """The table, and what stands out in it; layers are named by their index.

    covered_x, covered_y: the first layer whose centre unit has the whole axis of the input in its window, or None.
    idle_x, idle_y: layers that could widen what their centre unit sees along the axis, and cannot: the layer before
    covers the axis already, or all taps but one fall on padding. pixelwise: layers that never widen anything (1x1,
    norms, activations, up-sampling, transposed kernels no larger than their stride).
    """

    plane: Plane
    rows: tuple[Row, ...]
    covered_x: int | None
    covered_y: int | None
    idle_x: tuple[int, ...]
    idle_y: tuple[int, ...]
    pixelwise: tuple[int, ...]


class _Place(NamedTuple):
    """After some layers: both axes, and the clipped intervals that the centre unit sees (empty: last < first)."""

    y: Line
    x: Line
    rows: _Interval
    columns: _Interval


class _Entry(NamedTuple):
    """One node with what lies before it and after it."""

    node: Node
    name: str
    before: _Place
    after: _Place


def theory(nodes: Network) -> Walk:
    """The table of a network, a row for each node in the order of their index.

    Raises InputError where a receptive field exceeds 2**53 pixels.
    """
    plane = nodes[0].given
    middle = plane.height // 2, plane.width // 2
    start = _Place(Line(), Line(), (middle[0], middle[0]), (middle[1], middle[1]))
    entries = list(_walk(nodes, start, [], plane))
    covered_y, idle_y = _along([(e.node, e.node.y, e.before.rows, e.after.rows) for e in entries], plane.height)
    covered_x, idle_x = _along([(e.node, e.node.x, e.before.columns, e.after.columns) for e in entries], plane.width)
    widening = {e.node.index for e in entries if any(_can_widen(e.node, axis) for axis in (e.node.y, e.node.x))}
    return Walk(
        plane=plane,
        rows=tuple(_row(entry, plane) for entry in entries),
        covered_x=covered_x,
        covered_y=covered_y,
        idle_x=idle_x,
        idle_y=idle_y,
        pixelwise=tuple(
            e.node.index for e in entries if e.node.index not in widening and not isinstance(e.node.layer, Group)
        ),
    )


def _walk(nodes: Network, place: _Place, trail: list[Node], plane: Plane) -> Iterator[_Entry]:
    """The entries of some nodes, the last of them that of the last node; `trail` holds the nodes before them."""
    for node in nodes:
        before = place
        if isinstance(node.layer, Group):
            body, beside = before, before
            for entry in _walk(node.body, before, list(trail), plane):
                yield entry
                body = entry.after
            if node.shortcut is not None:
                for entry in _walk((node.shortcut,), before, list(trail), plane):
                    yield entry._replace(name=f"shortcut {entry.name}")
                    beside = entry.after
            name = _sum_name(node)
            y, x = hull(body.y, beside.y), hull(body.x, beside.x)
        else:
            name = format_stem((node.layer,))
            y, x = after(node, node.y, before.y), after(node, node.x, before.x)
        trail.append(node)
        place = _place(y, x, node, trail, plane)
        yield _Entry(node, name, before, place)


def _sum_name(node: Node) -> str:
    if isinstance(node.layer, Residual):
        return "res sum" if node.activation == "relu" else f"res sum={node.activation}"
    return "res_pre sum"


def _place(y: Line, x: Line, node: Node, trail: list[Node], plane: Plane) -> _Place:
    """The place after a node; `trail` holds the nodes from the input to it, one way through each open group."""
    unit = node.made.height // 2, node.made.width // 2
    rows, columns = y.sight(unit[0]), x.sight(unit[1])
    if rows is None or columns is None:
        seen = window(tuple(trail), unit)
        rows, columns = (seen.top, seen.bottom), (seen.left, seen.right)
    return _Place(y, x, _clipped(rows, plane.height), _clipped(columns, plane.width))


def _clipped(interval: _Interval, size: int) -> _Interval:
    return max(interval[0], 0), min(interval[1], size - 1)


def _can_widen(node: Node, axis: Axis) -> bool:
    """Whether one unit of the layer can read several pixels along the axis."""
    reach = (axis.kernel - 1) * axis.dilation
    match node.layer:
        case Transposed():
            return reach >= axis.stride
        case _ if isinstance(node.layer, Convolution | MaxPool | AvgPool | GlobalAvgPool):
            return reach > 0
    return False


def _along(layers: list[tuple[Node, Axis, _Interval, _Interval]], size: int) -> tuple[int | None, tuple[int, ...]]:
    """(the first layer that covers the axis, the idle layers)."""
    whole = (0, size - 1)
    covered = next((node.index for node, _, _, seen in layers if seen == whole), None)
    idle = [
        node.index
        for node, axis, before, _ in layers
        if _can_widen(node, axis) and (before == whole or _pixels_read(node, axis) < 2)
    ]
    return covered, tuple(idle)


def _pixels_read(node: Node, axis: Axis) -> int:
    """How many pixels of its input the centre unit of a layer reads along an axis, padding left out."""
    if isinstance(node.layer, GlobalAvgPool):
        return axis.size_in
    unit = span(axis.size_out // 2, axis.size_out // 2)
    if isinstance(node.layer, Transposed):
        return len(feeding(unit, axis))
    return len(read_by(unit, axis, node.padding_mode))


def _row(entry: _Entry, plane: Plane) -> Row:
    node, (y, x, *seen) = entry.node, entry.after
    if max(x.rf, y.rf) > LARGEST_WINDOW:
        raise InputError(
            f"the receptive field of layer {node.index} exceeds 2**53 pixels; use fewer strides or smaller kernels"
        )
    height, width = (max(last - first + 1, 0) for first, last in seen)
    windowed = isinstance(node.layer, Convolution | MaxPool | AvgPool)
    return Row(
        index=node.index,
        layer=entry.name,
        height=node.made.height,
        width=node.made.width,
        features=node.made.channels,
        rf=_number(x.rf),
        rf_y=_number(y.rf),
        jump=_number(x.jump),
        jump_y=_number(y.jump),
        start=_number(x.start),
        start_y=_number(y.start),
        cover=height * width / (plane.height * plane.width),
        padding=_number((x.rf - 1) / 2 - x.start),
        padding_y=_number((y.rf - 1) / 2 - y.start),
        kernel=_kernel(node) if windowed else "",
        stride=_pair(str(node.y.stride), str(node.x.stride)) if windowed or isinstance(node.layer, Upsample) else "",
        pad=_pair(_pad(node.y), _pad(node.x)) if windowed else "",
    )


def _number(value: Fraction) -> Number:
    return value.numerator if value.denominator == 1 else float(value)


def _kernel(node: Node) -> str:
    dilation = _pair(str(node.y.dilation), str(node.x.dilation))
    return f"{node.y.kernel}x{node.x.kernel}" + (f"@{dilation}" if dilation != "1" else "")


def _pad(axis: Axis) -> str:
    return str(axis.before) if axis.before == axis.after else f"{axis.before}+{axis.after}"


def _pair(y: str, x: str) -> str:
    return y if y == x else f"{y}x{x}"
