"""A stem on an input plane: a graph of nodes, every layer with its inputs, sizes, paddings and groups settled.

Nodes are numbered in the order in which they run: those of a group's branches, branch by branch, the projection of a
residual sum, then the join itself. The number is what `layer0.weight` in a file of weights, the random streams and the
table of `theory` count by.
"""

from fractions import Fraction
from functools import lru_cache
from math import floor

import msgspec

from pipeline.errors import InputError, PlaneError
from pipeline.stem.activations import DEFAULT_ACTIVATION, Activation
from pipeline.stem.layers import (
    MAX_INTEGER,
    SAME,
    Activate,
    Add,
    AvgPool,
    Bilinear,
    Branch,
    Cat,
    Conv,
    Convolution,
    Depthwise,
    From,
    Join,
    Layer,
    Pad,
    PaddingMode,
    Pair,
    PreResidual,
    Residual,
    Stem,
    Transposed,
    ends,
    last_convolution,
)
from pipeline.stem.node import INPUT, Geometry, Network, Node
from pipeline.stem.notation import locate, parse
from pipeline.stem.plane import MAX_SIDE, Axis, Plane
from pipeline.stem.reader import complaint
from pipeline.stem.rules import MisfitError, check_divides, rule_of, window

_MARKS_SHOWN = 8


def network(text: str, plane: Plane, layer: int | None = None) -> Network:
    """The stem `text` (in the notation) on an input plane, up to the node of index `layer` where that is given.

    Raises InputError, pointing at the character, where a layer does not fit: groups that do not divide the channels, a
    branch from a mark that is not set before; PlaneError where it does not fit the sides: a plane smaller than an
    unpadded kernel, branches that end in unequal planes.
    """
    nodes = _network(text, plane)
    return nodes if layer is None else nodes[: layer + 1]


@lru_cache(maxsize=1024)
def _network(text: str, plane: Plane) -> Network:
    builder = _Builder()
    try:
        builder.stack(parse(text), _Place(INPUT, plane))
    except MisfitError as misfit:
        raised = PlaneError if misfit.by_sides else InputError
        raise raised(complaint(text, misfit.problem, locate(text, misfit.path, misfit.field))) from None
    return tuple(builder.nodes)


def marked(nodes: Network) -> dict[str, int]:
    """The index of the node behind each mark; the last one of a name."""
    return {node.layer.mark: node.index for node in nodes if node.layer.mark is not None and not node.is_projection}


def plane_behind(layer: Layer, plane: Plane) -> Plane:
    """The plane that a layer which is no group makes of another. Raises InputError where it does not fit."""
    try:
        return _node(layer, _Place(INPUT, plane), 0).output
    except MisfitError as misfit:
        raise InputError(misfit.problem) from None


class _Place(msgspec.Struct, frozen=True):
    """What some layers made: by which node, and how far apart two of its pixels stand in the input, (y, x)."""

    node: int
    plane: Plane
    jump: tuple[Fraction, Fraction] = (Fraction(1), Fraction(1))


class _Builder:
    """Builds the nodes of a stem; the groups of the stem nest, the nodes do not."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.marks: dict[str, _Place] = {}

    def stack(self, stem: Stem, place: _Place) -> _Place:
        """The place behind the layers of a stem."""
        for position, layer in enumerate(stem):
            try:
                place = self.joined(layer, place) if isinstance(layer, Join) else self.behind(layer, place)
                if max(place.plane.height, place.plane.width) > MAX_SIDE:
                    field = "factor" if hasattr(layer, "factor") else "stride"
                    raise MisfitError(f"makes a plane of more than {MAX_SIDE} pixels a side", field)
                if place.plane.channels > MAX_INTEGER:
                    raise MisfitError(f"makes more than {MAX_INTEGER} channels", "bracket")
            except MisfitError as misfit:
                misfit.path = (position, *misfit.path)
                raise
            if layer.mark is not None:
                self.marks[layer.mark] = place
        return place

    def behind(self, layer: Layer, place: _Place) -> _Place:
        """The place behind a layer that is no group."""
        index, last = len(self.nodes), self.nodes[-1] if self.nodes else None
        if last is not None and last.layer is layer and last.index == place.node and last.output == last.input:
            node = msgspec.structs.replace(last, index=index, inputs=(place.node,))  # as most of a deep stem are
        else:
            node = _node(layer, place, index)
        return self.placed(node, place)

    def placed(self, node: Node, place: _Place) -> _Place:
        """Appends a node that is no join; returns the place behind it."""
        self.nodes.append(node)
        if node.y.stride == node.x.stride == 1:
            return _Place(node.index, node.output, place.jump)
        fills = node.geometry == "feeds" or isinstance(node.layer, Bilinear)
        by = [Fraction(1, axis.stride) if fills else Fraction(axis.stride) for axis in (node.y, node.x)]
        return _Place(node.index, node.output, (place.jump[0] * by[0], place.jump[1] * by[1]))

    def joined(self, layer: Join, place: _Place) -> _Place:
        """The place behind a group: its branches, a projection where a residual sum needs one, and the join."""
        if isinstance(layer, Residual | PreResidual):
            body = self.branch(layer.stem, place, 0, is_summed=True)
            parts = [body, self.projected(place, body)]
        else:
            is_summed = isinstance(layer, Add)
            parts = [self.branch(branch, place, number, is_summed) for number, branch in enumerate(layer.branches)]
        planes = tuple(part.plane for part in parts)
        made = _join_plane(layer, planes)
        activation: Activation = "linear" if isinstance(layer, PreResidual) else layer.activation
        y, x = Axis(made.height, made.height, 1), Axis(made.width, made.width, 1)
        inputs, index = tuple(part.node for part in parts), len(self.nodes)
        self.nodes.append(Node(index, layer, inputs, planes, made, "join", y, x, activation=activation))
        # Jumps are those of the last branch that is not a single pixel for all: the shortcut's, in a residual sum.
        alike = [part for part in parts if (part.plane.height, part.plane.width) == (made.height, made.width)]
        return _Place(index, made, alike[-1].jump)

    def branch(self, branch: Branch, place: _Place, number: int, is_summed: bool) -> _Place:
        """The place behind a branch, the one of this number, of a group that is given `place`."""
        stem = branch.stem if isinstance(branch, From) else branch
        try:
            if isinstance(branch, From):
                place = self.marked(branch.source)
            return self.stack(_with_linear_end(stem) if is_summed else stem, place)
        except MisfitError as misfit:
            misfit.path = (number, *misfit.path)
            raise

    def marked(self, mark: str) -> _Place:
        """The place of the last mark of a name."""
        if mark not in self.marks:
            last = [f"#{name}" for name in self.marks][-_MARKS_SHOWN:]
            known = f"the last before it are {', '.join(last)}" if last else "none stands before it"
            raise MisfitError(f"no mark before this branch is #{mark}; {known}", "from")
        return self.marks[mark]

    def projected(self, given: _Place, body: _Place) -> _Place:
        """The shortcut of a residual sum: what it is given, by a strided 1x1 convolution where the body changed it."""
        if body.plane == given.plane:
            return given
        y, x = (max(floor(after / before), 1) for after, before in zip(body.jump, given.jump, strict=True))
        layer = Conv((1, 1), body.plane.channels, (y, x), padding=(0, 0), activation="linear")
        node = msgspec.structs.replace(_node(layer, given, len(self.nodes)), is_projection=True)
        if node.output != body.plane:
            made, beside = (f"{plane.height}x{plane.width}" for plane in (body.plane, node.output))
            raise MisfitError(
                f"a residual sum needs equal planes, but its body ends as {made} and its shortcut as {beside}",
                by_sides=True,
            )
        return self.placed(node, given)


def _with_linear_end(branch: Stem) -> Stem:
    """A branch of a sum with no ReLU behind its last convolution, unless an activation is written there."""
    last = last_convolution(branch)
    layer = None if last is None else branch[last]
    if last is None or not isinstance(layer, Convolution) or layer.activation is not None:
        return branch
    return (*branch[:last], msgspec.structs.replace(layer, activation="linear"), *branch[last + 1 :])


def _join_plane(layer: Join, planes: tuple[Plane, ...]) -> Plane:
    """The plane of a join. Raises MisfitError where its branches do not fit each other."""
    height, width = max(plane.height for plane in planes), max(plane.width for plane in planes)
    single = () if isinstance(layer, Cat) else ((1, 1),)
    is_even = all((plane.height, plane.width) in ((height, width), *single) for plane in planes)
    channels = max(plane.channels for plane in planes)
    is_alike = isinstance(layer, Cat) or all(plane.channels in (1, channels) for plane in planes)
    if not (is_even and is_alike):
        what = "concatenation needs equal sides" if isinstance(layer, Cat) else "join needs equal planes"
        raise MisfitError(f"a {what}, but its branches end as {', '.join(map(str, planes))}", "bracket", not is_even)
    return Plane(height, width, sum(plane.channels for plane in planes) if isinstance(layer, Cat) else channels)


def _node(layer: Layer, place: _Place, index: int) -> Node:
    plane, inputs = place.plane, (place.node,)
    if isinstance(layer, Convolution):
        return _convolution(layer, plane, inputs, index)
    rule = rule_of(layer)
    channels = rule.made(layer, plane.channels)
    mode: PaddingMode = layer.padding_mode if isinstance(layer, Pad) else "zeros"
    y, x = rule.along(layer, plane.height, 0), rule.along(layer, plane.width, 1)
    for size, axis in ((plane.height, y), (plane.width, x)):
        _check_folds(mode, size, axis)
    made = Plane(y.size_out, x.size_out, channels)
    activation: Activation = layer.kind if isinstance(layer, Activate) else "linear"
    return Node(index, layer, inputs, (plane,), made, rule.geometry, y, x, padding_mode=mode, activation=activation)


def _convolution(layer: Convolution, plane: Plane, inputs: tuple[int, ...], index: int) -> Node:
    if isinstance(layer, Depthwise):
        groups, features = plane.channels, layer.features or plane.channels
        if features % groups:
            raise MisfitError(f"{features} features are no multiple of the {groups} channels before", "features")
    else:
        groups, features = layer.groups, layer.features
        check_divides(groups, plane.channels, "channels before")
        check_divides(groups, features, "features")
    mode: PaddingMode = "zeros"
    geometry: Geometry = "reads"
    if isinstance(layer, Transposed):
        geometry = "feeds"
        y, x = _transposed(plane.height, layer, 0), _transposed(plane.width, layer, 1)
    else:
        mode = layer.padding_mode
        y, x = window(layer, plane.height, 0), window(layer, plane.width, 1)
    for size, axis in ((plane.height, y), (plane.width, x)):
        _check_folds(mode, size, axis)
    made = Plane(y.size_out, x.size_out, features)
    activation = layer.activation or DEFAULT_ACTIVATION
    return Node(index, layer, inputs, (plane,), made, geometry, y, x, groups, mode, activation)


def counted_padding(node: Node) -> tuple[Pair, Pair]:
    """(before, after) of the padding that an average pooling counts, along y and x.

    None is where only pixels count, as behind padding "same". What ceil mode adds to `after` is not counted.

    Raises TypeError for a layer that it does not know.
    """
    layer = node.layer
    if not isinstance(layer, AvgPool):
        raise TypeError(f"{type(layer).__name__} counts no padding")
    if not layer.count_padding or layer.padding == SAME:
        return (0, 0), (0, 0)
    if layer.padding is None:
        y, x = ((axis.before, axis.kernel - 1 - axis.before) for axis in (node.y, node.x))
    else:
        y, x = (ends(side) for side in layer.padding)
    return y, x


def _transposed(size: int, layer: Transposed, axis: int) -> Axis:
    kernel, stride, dilation = layer.kernel[axis], layer.stride[axis], layer.dilation[axis]
    reach = dilation * (kernel - 1)
    more = layer.output_padding[axis]
    if more and more >= max(stride, dilation):
        raise MisfitError(f"output padding {more} must be less than the stride or the dilation", "output_padding")
    if layer.padding is None:
        crop = reach + 1 - stride
        before = max(crop, 0) // 2
        after = crop - before
    else:
        before, after = ends(layer.padding[axis])
    after -= more
    made = (size - 1) * stride + reach + 1 - before - after
    if made < 1:
        cropped = f"padding {before} crops all of the {made + before + after} pixels made"
        raise MisfitError(cropped, "padding", by_sides=True)
    return Axis(size, made, kernel, stride, dilation, before, after)


def _check_folds(mode: PaddingMode, size: int, axis: Axis) -> None:
    widest = max(axis.before, axis.after)
    least = {"zeros": 0, "replicate": 0, "reflect": widest + 1, "circular": widest}[mode]
    if size < least:
        raise MisfitError(
            f"{mode} padding of {widest} needs {least} pixels a side, the plane has {size}", "padding_mode", True
        )
