"""The per-layer table of receptive-field arithmetic, and what the centre unit of each layer sees of the input plane.

The numbers are those of `pipeline.theory.arithmetic`; `cover` is always that of the exact window
(`pipeline.theory.window`).
"""

from typing import NamedTuple, TypeAlias, assert_never

import msgspec

from pipeline.errors import InputError
from pipeline.stem import (
    INPUT,
    Add,
    AvgPool,
    Axis,
    Cat,
    Convolution,
    Crop,
    Join,
    MaxPool,
    Mul,
    Network,
    Node,
    Pad,
    Plane,
    PreResidual,
    Residual,
    Slice,
    format_stem,
)
from pipeline.theory.arithmetic import Line, after, joined
from pipeline.theory.halo import Halo, halo
from pipeline.theory.indices import Indices, pixels_feeding, pixels_read, pixels_weighed, span
from pipeline.theory.number import Number, number
from pipeline.theory.support import support
from pipeline.theory.window import LARGEST_WINDOW, window

_Interval: TypeAlias = tuple[int, int]


class Row(msgspec.Struct, frozen=True):
    """One layer of the table; lengths in input pixels, `_y` along y, the others along x.

    index: as the network numbers its nodes. height, width, features: of the plane that the layer makes. rf_min: the rf
    of the narrowest way through all branches. start: centre of the first unit's window. cover: share, 0 to 1, of the
    input plane in the window of the layer's centre unit.
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
    rf_min: Number
    rf_min_y: Number
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
    anything: 1x1, norms of a pixel, activations, padding, slices, nearest up-sampling, transposed kernels no larger
    than their stride. global_layer: the first layer over the whole plane, such as a group norm. halo: how far the
    windows of the output's units reach; None where that is the whole plane.
    """

    plane: Plane
    rows: tuple[Row, ...]
    covered_x: int | None
    covered_y: int | None
    idle_x: tuple[int, ...]
    idle_y: tuple[int, ...]
    pixelwise: tuple[int, ...]
    global_layer: int | None
    halo: Halo | None


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


def theory(nodes: Network) -> Walk:
    """The table of a network, a row for each node in the order of their index.

    Raises InputError where a receptive field exceeds 2**53 pixels.
    """
    plane = nodes[0].input
    row, column = plane.height // 2, plane.width // 2
    places = {INPUT: _Place(Line(), Line(), (row, row), (column, column), plane.height == 1, plane.width == 1)}
    for node in nodes:
        places[node.index] = _behind(node, [places[source] for source in node.inputs], nodes, plane)
    layers = [node for node in nodes if node.geometry != "join"]
    before = [places[node.inputs[0]] for node in layers]
    return Walk(
        plane=plane,
        rows=tuple(_row(node, places[node.index], plane) for node in nodes),
        covered_x=next((node.index for node in nodes if places[node.index].all_columns), None),
        covered_y=next((node.index for node in nodes if places[node.index].all_rows), None),
        idle_x=tuple(n.index for n, seen in zip(layers, before, strict=True) if _idle(n, n.x, seen.all_columns)),
        idle_y=tuple(n.index for n, seen in zip(layers, before, strict=True) if _idle(n, n.y, seen.all_rows)),
        pixelwise=tuple(node.index for node in layers if not (_can_widen(node, node.y) or _can_widen(node, node.x))),
        global_layer=next((node.index for node in nodes if node.geometry == "global"), None),
        halo=halo(nodes, places[nodes[-1].index].y.jump, places[nodes[-1].index].x.jump),
    )


def _behind(node: Node, before: list[_Place], nodes: Network, plane: Plane) -> _Place:
    """The place behind a node, from those of its inputs."""
    all_rows: bool | None
    all_columns: bool | None
    if node.geometry == "join":
        y, x = joined(node, [place.y for place in before]), joined(node, [place.x for place in before])
        all_rows = any(place.all_rows for place in before) or None
        all_columns = any(place.all_columns for place in before) or None
    else:
        y, x = after(node, node.y, before[0].y), after(node, node.x, before[0].x)
        is_known = not (isinstance(node.layer, Slice) and before[0].y.is_split)
        all_rows = _inherited(node, node.y, before[0].all_rows) if is_known else None
        all_columns = _inherited(node, node.x, before[0].all_columns) if is_known else None
    if y.is_exact or x.is_exact:
        rows, columns = _seen_by(nodes, node, (0, 0), y, x)
        y, x = y.with_first(*rows), x.with_first(*columns)
    unit = node.output.height // 2, node.output.width // 2
    rows, columns = _seen_by(nodes, node, unit, y, x)
    rows, columns = _clipped(rows, plane.height), _clipped(columns, plane.width)
    # The support lies within the window: only where that spans the axis is a walk back needed.
    all_rows = all_rows if rows == (0, plane.height - 1) else False
    all_columns = all_columns if columns == (0, plane.width - 1) else False
    if all_rows is None or all_columns is None:
        hull = support(nodes[: node.index + 1], unit).hull or (-1, -1, -1, -1)
        all_rows, all_columns = hull[:2] == (0, plane.height - 1), hull[2:] == (0, plane.width - 1)
    return _Place(y, x, rows, columns, all_rows, all_columns)


def _seen_by(nodes: Network, node: Node, unit: tuple[int, int], y: Line, x: Line) -> tuple[_Interval, _Interval]:
    """The rows and the columns of the window of a unit of a node, whose lines are given."""
    rows, columns = y.seen_by(unit[0]), x.seen_by(unit[1])
    if rows is None or columns is None:
        seen = window(nodes[: node.index + 1], unit)
        return (seen.top, seen.bottom), (seen.left, seen.right)
    return rows, columns


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
    match node.geometry:
        case "reads":
            return reach > 0
        case "feeds":
            return reach >= axis.stride
        case "resampled":
            return axis.size_in > 1 and (axis.size_in != axis.size_out)
        case "global":
            return axis.size_in > 1
        case "pixelwise" | "join":
            return False
        case _:
            assert_never(node.geometry)


def _idle(node: Node, axis: Axis, covered: bool) -> bool:
    return _can_widen(node, axis) and (covered or len(_pixels_read(node, axis)) < 2)


def _pixels_read(node: Node, axis: Axis) -> Indices:
    """The pixels of its input that the centre unit of a layer reads along an axis, padding left out."""
    unit = span(axis.size_out // 2, axis.size_out // 2)
    match node.geometry:
        case "reads":
            return pixels_read(unit, axis, node.padding_mode)
        case "feeds":
            return pixels_feeding(unit, axis)
        case "resampled":
            return pixels_weighed(unit, axis)
        case "global":
            return span(0, axis.size_in - 1)
        case "pixelwise" | "join":
            return unit
        case _:
            assert_never(node.geometry)


def _name(node: Node) -> str:
    """The layer as the table shows it: in the notation, a join by its word."""
    layer = node.layer
    if not isinstance(layer, Join):
        return f"shortcut {format_stem((layer,))}" if node.is_projection else format_stem((layer,))
    match layer:
        case Residual():
            word, usual = "res sum", "relu"
        case PreResidual():
            word, usual = "res_pre sum", "linear"
        case Add():
            word, usual = "add", "linear"
        case Cat():
            word, usual = "cat", "linear"
        case Mul():
            word, usual = "mul", "linear"
        case _:
            assert_never(layer)
    activation = "" if node.activation == usual else f"={node.activation}"
    return word + activation + (f"#{layer.mark}" if layer.mark else "")


def _row(node: Node, place: _Place, plane: Plane) -> Row:
    y, x, *seen, _, _ = place
    if max(x.rf, y.rf) > LARGEST_WINDOW:
        raise InputError(
            f"the receptive field of layer {node.index} exceeds 2**53 pixels; use fewer strides or smaller kernels"
        )
    height, width = (max(last - first + 1, 0) for first, last in seen)
    is_windowed = isinstance(node.layer, Convolution | MaxPool | AvgPool)
    strides = hasattr(node.layer, "stride") or hasattr(node.layer, "factor")
    return Row(
        index=node.index,
        layer=_name(node),
        height=node.output.height,
        width=node.output.width,
        features=node.output.channels,
        rf=number(x.rf),
        rf_y=number(y.rf),
        rf_min=number(x.rf_min),
        rf_min_y=number(y.rf_min),
        jump=number(x.jump),
        jump_y=number(y.jump),
        start=number(x.start),
        start_y=number(y.start),
        cover=height * width / (plane.height * plane.width),
        padding=number((x.rf - 1) / 2 - x.start),
        padding_y=number((y.rf - 1) / 2 - y.start),
        kernel=_kernel(node) if is_windowed else "",
        stride=_pair(str(node.y.stride), str(node.x.stride)) if strides else "",
        pad=_pair(_pad(node.y), _pad(node.x)) if is_windowed or isinstance(node.layer, Pad | Crop) else "",
    )


def _kernel(node: Node) -> str:
    dilation = _pair(str(node.y.dilation), str(node.x.dilation))
    return f"{node.y.kernel}x{node.x.kernel}" + (f"@{dilation}" if dilation != "1" else "")


def _pad(axis: Axis) -> str:
    return str(axis.before) if axis.before == axis.after else f"{axis.before}+{axis.after}"


def _pair(y: str, x: str) -> str:
    return y if y == x else f"{y}x{x}"
