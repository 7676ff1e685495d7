"""The per-layer table of receptive-field arithmetic, and what the centre unit of each layer sees of the input plane.

The numbers are those of `pipeline.theory.arithmetic`; `cover` is always that of the exact window
(`pipeline.theory.window`).
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple, TypeAlias

import msgspec

from pipeline.errors import InputError
from pipeline.stem import (
    AvgPool,
    Axis,
    Convolution,
    GlobalAvgPool,
    Group,
    MaxPool,
    Network,
    Node,
    Plane,
    Residual,
    Transposed,
    Upsample,
    format_stem,
)
from pipeline.theory.arithmetic import Line, after, hull
from pipeline.theory.indices import Indices, pixels_feeding, pixels_read, span
from pipeline.theory.support import support
from pipeline.theory.window import LARGEST_WINDOW, window

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

    covered_x, covered_y: the first layer whose centre unit sees both ends of the axis, or None (by its support: taps
    on padding see nothing). idle_x, idle_y: layers that could widen what their centre unit sees along the axis, and
    cannot: the layer before covers it, or all taps but one fall on padding. pixelwise: layers that never widen
    anything (1x1, norms, activations, up-sampling, transposed kernels no larger than their stride).
    """

    plane: Plane
    rows: tuple[Row, ...]
    covered_x: int | None
    covered_y: int | None
    idle_x: tuple[int, ...]
    idle_y: tuple[int, ...]
    pixelwise: tuple[int, ...]


class _Place(NamedTuple):
    """After some layers: both axes, and what the centre unit sees of them.

    rows, columns: its clipped window (empty: last < first). all_rows, all_columns: its support reaches both ends.
    """

    y: Line
    x: Line
    rows: _Interval
    columns: _Interval
    all_rows: bool
    all_columns: bool


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
    plane = nodes[0].input
    row, column = plane.height // 2, plane.width // 2
    start = _Place(Line(), Line(), (row, row), (column, column), plane.height == 1, plane.width == 1)
    entries = list(_walk(nodes, start, [], plane))
    widening = {e.node.index for e in entries if any(_can_widen(e.node, axis) for axis in (e.node.y, e.node.x))}
    return Walk(
        plane=plane,
        rows=tuple(_row(entry, plane) for entry in entries),
        covered_x=next((e.node.index for e in entries if e.after.all_columns), None),
        covered_y=next((e.node.index for e in entries if e.after.all_rows), None),
        idle_x=tuple(e.node.index for e in entries if _idle(e.node, e.node.x, e.before.all_columns)),
        idle_y=tuple(e.node.index for e in entries if _idle(e.node, e.node.y, e.before.all_rows)),
        pixelwise=tuple(
            e.node.index for e in entries if e.node.index not in widening and not isinstance(e.node.layer, Group)
        ),
    )


def _walk(nodes: Network, place: _Place, trail: list[Node], plane: Plane) -> Iterator[_Entry]:
    """The entries of some nodes, the last of them that of the last node; `trail` holds the nodes before them."""
    all_rows: bool | None
    all_columns: bool | None
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
            all_rows = body.all_rows or beside.all_rows or None
            all_columns = body.all_columns or beside.all_columns or None
        else:
            name = format_stem((node.layer,))
            y, x = after(node, node.y, before.y), after(node, node.x, before.x)
            all_rows = _inherited(node, node.y, before.all_rows)
            all_columns = _inherited(node, node.x, before.all_columns)
        trail.append(node)
        place = _place(y, x, (all_rows, all_columns), trail, plane)
        yield _Entry(node, name, before, place)


def _sum_name(node: Node) -> str:
    if isinstance(node.layer, Residual):
        return "res sum" if node.activation == "relu" else f"res sum={node.activation}"
    return "res_pre sum"


def _place(y: Line, x: Line, known: tuple[bool | None, bool | None], trail: list[Node], plane: Plane) -> _Place:
    """The place after the last node of a trail, which goes one way through each group that is still open.

    known: whether the centre unit sees both ends of y and of x, where that needs no walk back.
    """
    made = trail[-1].output
    unit = made.height // 2, made.width // 2
    rows, columns = y.sight(unit[0]), x.sight(unit[1])
    if rows is None or columns is None:
        seen = window(tuple(trail), unit)
        rows, columns = (seen.top, seen.bottom), (seen.left, seen.right)
    rows, columns = _clipped(rows, plane.height), _clipped(columns, plane.width)
    # The support lies within the window: only where that spans the axis is a walk back needed.
    all_rows = known[0] if rows == (0, plane.height - 1) else False
    all_columns = known[1] if columns == (0, plane.width - 1) else False
    if all_rows is None or all_columns is None:
        edges = support(tuple(trail), unit).hull or (-1, -1, -1, -1)
        all_rows, all_columns = edges[:2] == (0, plane.height - 1), edges[2:] == (0, plane.width - 1)
    return _Place(y, x, rows, columns, all_rows, all_columns)


def _inherited(node: Node, axis: Axis, covered: bool) -> bool | None:
    """Whether the centre unit sees both ends of the input, by whether that of the layer before does; None: unknown."""
    taps = _pixels_read(node, axis)
    if taps & span(axis.size_in // 2, axis.size_in // 2):
        if covered:
            return True
        if len(taps) == 1:
            return False
    return None


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


def _idle(node: Node, axis: Axis, covered: bool) -> bool:
    return _can_widen(node, axis) and (covered or len(_pixels_read(node, axis)) < 2)


def _pixels_read(node: Node, axis: Axis) -> Indices:
    """The pixels of its input that the centre unit of a layer reads along an axis, padding left out."""
    if isinstance(node.layer, GlobalAvgPool):
        return span(0, axis.size_in - 1)
    unit = span(axis.size_out // 2, axis.size_out // 2)
    if isinstance(node.layer, Transposed | Upsample):
        return pixels_feeding(unit, axis)
    return pixels_read(unit, axis, node.padding_mode)


def _row(entry: _Entry, plane: Plane) -> Row:
    node, (y, x, *seen, _, _) = entry.node, entry.after
    if max(x.rf, y.rf) > LARGEST_WINDOW:
        raise InputError(
            f"the receptive field of layer {node.index} exceeds 2**53 pixels; use fewer strides or smaller kernels"
        )
    height, width = (max(last - first + 1, 0) for first, last in seen)
    windowed = isinstance(node.layer, Convolution | MaxPool | AvgPool)
    return Row(
        index=node.index,
        layer=entry.name,
        height=node.output.height,
        width=node.output.width,
        features=node.output.channels,
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
