"""A stem on an input plane: every layer with its sizes, paddings, groups and shortcuts settled.

Nodes are numbered in the order in which they run: the layers of a residual body, its projection, then the sum itself.
The number is what `layer0.weight` in a file of weights, the random streams and the table of `theory` count by.
"""

from collections.abc import Iterable
from functools import lru_cache
from math import prod
from typing import Protocol, Self, TypeVar

import msgspec

from pipeline.errors import InputError, PlaneError
from pipeline.stem.layers import (
    DEFAULT_ACTIVATION,
    Activate,
    Activation,
    AvgPool,
    Conv,
    Convolution,
    Depthwise,
    GlobalAvgPool,
    Group,
    Layer,
    MaxPool,
    PaddingMode,
    PreResidual,
    Residual,
    Stem,
    Transposed,
    Upsample,
    last_convolution,
)
from pipeline.stem.notation import locate, parse
from pipeline.stem.plane import MAX_SIDE, Axis, Plane
from pipeline.stem.reader import complaint


class Node(msgspec.Struct, frozen=True):
    """One layer in its place: the planes of its input and output, and its geometry along both axes."""

    index: int
    layer: Layer
    input: Plane
    output: Plane
    y: Axis
    x: Axis
    groups: int = 1
    padding_mode: PaddingMode = "zeros"
    activation: Activation = "linear"
    body: "tuple[Node, ...]" = ()
    shortcut: "Node | None" = None

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """(kernel height, kernel width, input channels of one group, features) of a convolution."""
        return self.y.kernel, self.x.kernel, self.input.channels // self.groups, self.output.channels

    @property
    def fan_in(self) -> int:
        """Inputs that one output unit of a convolution weighs, borders aside."""
        return prod(self.weight_shape[:3])


Network = tuple[Node, ...]


class _MisfitError(Exception):
    """A layer that does not fit its input: what is wrong, and the field of the layer that says so.

    by_sides: whether it may fit a plane of other sides.
    """

    def __init__(self, problem: str, field: str = "kernel", by_sides: bool = False) -> None:
        super().__init__(problem)
        self.problem = problem
        self.field = field
        self.by_sides = by_sides
        self.path: tuple[int, ...] = ()


@lru_cache(maxsize=1024)
def network(text: str, plane: Plane) -> Network:
    """The stem `text` (in the notation) on an input plane.

    Raises InputError, pointing at the character, where a layer does not fit: groups that do not divide the channels;
    PlaneError where it does not fit the sides: a plane smaller than an unpadded kernel, a residual sum of unequal
    planes.
    """
    try:
        return _stack(parse(text), plane, 0)
    except _MisfitError as misfit:
        raised = PlaneError if misfit.by_sides else InputError
        raise raised(complaint(text, misfit.problem, locate(text, misfit.path, misfit.field))) from None


class Nested(Protocol):
    """What may hold others of its kind, as a residual sum holds its body and its projection."""

    @property
    def body(self) -> "tuple[Self, ...]":
        """The layers of the body."""

    @property
    def shortcut(self) -> "Self | None":
        """The projection of the shortcut, where there is one."""


_N = TypeVar("_N", bound=Nested)


def walk(nodes: Iterable[_N]) -> list[_N]:
    """All nodes, or steps, in the order in which they run, those inside residual groups included."""
    found: list[_N] = []
    for node in nodes:
        if node.body:
            found.extend(walk(node.body))
        if node.shortcut is not None:
            found.append(node.shortcut)
        found.append(node)
    return found


def _stack(stem: Stem, plane: Plane, index: int) -> Network:
    nodes: list[Node] = []
    for position, layer in enumerate(stem):
        try:
            node = _again(nodes, layer, plane, index) or (
                _group(layer, plane, index) if isinstance(layer, Group) else _node(layer, plane, index)
            )
            if max(node.output.height, node.output.width) > MAX_SIDE:
                field = "factor" if isinstance(layer, Upsample) else "stride"
                raise _MisfitError(f"makes a plane of more than {MAX_SIDE} pixels a side", field)
        except _MisfitError as misfit:
            misfit.path = (position, *misfit.path)
            raise
        nodes.append(node)
        plane, index = node.output, node.index + 1
    return tuple(nodes)


def _again(nodes: list[Node], layer: Layer, plane: Plane, index: int) -> Node | None:
    """The node before, one place on, where it is of the same layer on the same plane, as most of a deep stem are."""
    if nodes and nodes[-1].layer is layer and nodes[-1].input == plane and not isinstance(layer, Group):
        return msgspec.structs.replace(nodes[-1], index=index)
    return None


def _node(layer: Layer, plane: Plane, index: int) -> Node:
    match layer:
        case Conv() | Depthwise() | Transposed():
            return _convolution(layer, plane, index)
        case MaxPool() | AvgPool():
            y, x = _window(plane.height, layer, 0), _window(plane.width, layer, 1)
        case Upsample():
            y, x = (
                Axis(size, size * factor, factor, factor)
                for size, factor in zip((plane.height, plane.width), layer.factor, strict=True)
            )
        case GlobalAvgPool():
            y, x = (Axis(size, 1, size) for size in (plane.height, plane.width))
        case _:
            y, x = (Axis(size, size, 1) for size in (plane.height, plane.width))
    activation: Activation = layer.kind if isinstance(layer, Activate) else "linear"
    return Node(index, layer, plane, Plane(y.size_out, x.size_out, plane.channels), y, x, activation=activation)


def _convolution(layer: Convolution, plane: Plane, index: int) -> Node:
    if isinstance(layer, Depthwise):
        groups, features = plane.channels, layer.features or plane.channels
        if features % groups:
            raise _MisfitError(f"{features} features are no multiple of the {groups} channels before", "features")
    else:
        groups, features = layer.groups, layer.features
        for number, what in ((plane.channels, "channels before"), (features, "features")):
            if number % groups:
                raise _MisfitError(f"{groups} groups do not divide the {number} {what}", "groups")
    mode: PaddingMode = "zeros"
    if isinstance(layer, Transposed):
        y, x = _transposed(plane.height, layer, 0), _transposed(plane.width, layer, 1)
    else:
        mode = layer.padding_mode
        y, x = _window(plane.height, layer, 0), _window(plane.width, layer, 1)
    for size, axis in ((plane.height, y), (plane.width, x)):
        _check_folds(mode, size, axis)
    made = Plane(y.size_out, x.size_out, features)
    return Node(index, layer, plane, made, y, x, groups, mode, layer.activation or DEFAULT_ACTIVATION)


def _window(size: int, layer: Conv | Depthwise | MaxPool | AvgPool, axis: int) -> Axis:
    kernel, stride = layer.kernel[axis], layer.stride[axis]
    dilation = 1 if isinstance(layer, MaxPool | AvgPool) else layer.dilation[axis]
    reach = dilation * (kernel - 1)
    if layer.padding is None:
        before = reach // 2
        after = reach - before
    else:
        before = after = layer.padding[axis]
        if isinstance(layer, MaxPool | AvgPool) and before >= kernel:
            raise _MisfitError(f"padding {before} leaves pooling windows of {kernel} without a pixel", "padding")
    room = size + before + after - reach - 1
    if room < 0:
        extent = f"a kernel that spans {reach + 1}"
        name = ("height", "width")[axis]
        raise _MisfitError(f"{extent} does not fit a plane of {name} {size} padded by {before + after}", by_sides=True)
    return Axis(size, room // stride + 1, kernel, stride, dilation, before, after)


def _transposed(size: int, layer: Transposed, axis: int) -> Axis:
    kernel, stride, dilation = layer.kernel[axis], layer.stride[axis], layer.dilation[axis]
    reach = dilation * (kernel - 1)
    if layer.padding is None:
        crop = reach + 1 - stride
        before = max(crop, 0) // 2
        after = crop - before
    else:
        before = after = layer.padding[axis]
    made = (size - 1) * stride + reach + 1 - before - after
    if made < 1:
        cropped = f"padding {before} crops all of the {made + before + after} pixels made"
        raise _MisfitError(cropped, "padding", by_sides=True)
    return Axis(size, made, kernel, stride, dilation, before, after)


def _check_folds(mode: PaddingMode, size: int, axis: Axis) -> None:
    widest = max(axis.before, axis.after)
    least = {"zeros": 0, "replicate": 0, "reflect": widest + 1, "circular": widest}[mode]
    if size < least:
        raise _MisfitError(
            f"{mode} padding of {widest} needs {least} pixels a side, the plane has {size}", "padding_mode", True
        )


def _group(group: Residual | PreResidual, plane: Plane, index: int) -> Node:
    body = _stack(_with_linear_end(group.stem), plane, index)
    made, index = body[-1].output, body[-1].index + 1
    strides = _stride_product([node.y for node in body], body), _stride_product([node.x for node in body], body)
    shortcut = None
    if made != plane:
        projection = Conv((1, 1), made.channels, strides, padding=(0, 0), activation="linear")
        shortcut = _convolution(projection, plane, index)
        index += 1
        if shortcut.output != made:
            ends = f"{made.height}x{made.width} and its shortcut as {shortcut.output.height}x{shortcut.output.width}"
            raise _MisfitError(f"a residual sum needs equal planes, but its body ends as {ends}", by_sides=True)
    activation: Activation = group.activation if isinstance(group, Residual) else "linear"
    y = Axis(plane.height, made.height, 1, strides[0])
    x = Axis(plane.width, made.width, 1, strides[1])
    return Node(index, group, plane, made, y, x, activation=activation, body=body, shortcut=shortcut)


def _with_linear_end(body: Stem) -> Stem:
    """The body of a residual group with no ReLU behind its last convolution, unless an activation is written there."""
    last = last_convolution(body)
    layer = None if last is None else body[last]
    if last is None or not isinstance(layer, Convolution) or layer.activation is not None:
        return body
    return (*body[:last], msgspec.structs.replace(layer, activation="linear"), *body[last + 1 :])


def _stride_product(axes: list[Axis], body: Network) -> int:
    """How far apart in the group's input two neighbouring outputs are; 1 where up-sampling outweighs striding."""
    down, up = 1, 1
    for node, axis in zip(body, axes, strict=True):
        if isinstance(node.layer, Transposed | Upsample):
            up *= axis.stride
        else:
            down *= axis.stride
    return max(down // up, 1)
