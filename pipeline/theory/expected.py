"""The closed form: the expected squared gradient of one unit, as a map on the input plane.

Random weights. Let g be the gradient at a layer's outputs, one unit of one channel being read out, with weights that
are independent and symmetric about zero. Given the weights of that layer and of all before it, by induction from the
readout downwards: E[g(u) g(v)] = 0 for any two different outputs, and E[g(u)^2] = V(u) whatever those weights are.
Through a convolution, the gradient at an input is the sum of w * slope(z) * g over the taps that read it: products of
two different g vanish, products of two different weights vanish (flip the sign of one filter: z and its weights flip,
and the two halves add up to E[w w'] = 0), and E[w^2 slope(z)^2] = Var(w) * (slope(z)^2 + slope(-z)^2) / 2. So V is
carried back by the convolution's box, with gain Var(w) * a from each output to each of the C_in / groups channels that
it reads, a = 1 linear, 1/2 ReLU, (1 + slope^2)/2 leaky ReLU (untrained PReLU has slope 1/4): borders, strides,
dilations, probes and widths play no part, nor does padding that folds, as it only adds taps.

- Up-sampling adds disjoint blocks of outputs; padding layers and crops move units; untrained batch norm and affine
  layers do nothing; slices, concatenations and shuffles, of channels or of pixels, only say which unit is which: all
  keep the law. What reaches a unit through several branches of a concatenation lands on different units of it, so
  their products vanish and the maps add.
- A sum adds its branches on the same units. The products of two of them vanish if on each path through one of the two
  stands a weight of mean zero that no slope of the branch depends on, and that the other one does not share: so all
  branches but one must end linearly, each in a convolution of its own. Then the maps add.
- An activation that stands alone needs the symmetry of the convolutions whose outputs it takes directly, a
  concatenation of them for one.

All else (max, avg, gap, bilinear and adaptive resampling, norms, other activations, products, res, readouts that mix
channels) has no such law here: means and interpolations, above all, leave neighbours correlated, on which the next
convolution would depend.

uniform_kernel. With linear layers only, the gradient is no random variable: every weight is positive, so the map of
|d out / d in| is the same walk with gain 1/fan_in, and V stands for its square. Every average, interpolation, linear
sum and sum of channels is as linear as a convolution, and is let through.
"""

from collections import Counter
from collections.abc import Iterator
from functools import cached_property, reduce
from itertools import combinations
from operator import or_
from typing import NamedTuple, assert_never

import msgspec
import numpy as np

from pipeline.config import Config, InitKind
from pipeline.stem import (
    INPUT,
    Activate,
    AdaptiveAvgPool,
    Add,
    Affine,
    AvgPool,
    BatchNorm,
    Bilinear,
    Cat,
    Convolution,
    GlobalAvgPool,
    GroupNorm,
    InstanceNorm,
    Layer,
    LayerNorm,
    LocalResponseNorm,
    MaxPool,
    Mul,
    Network,
    Node,
    PReLU,
    PreResidual,
    Residual,
    Upsample,
    counted_padding,
    curve,
    only_moves,
)
from pipeline.theory.separable import (
    Floats,
    Separable,
    divided,
    feeding,
    moved,
    point,
    read_by,
    scaled,
    spread_over,
    summed,
    total,
    weighed,
)
from pipeline.theory.walk import EVERY, Parts, carried_back, channels_behind, is_one_pixel

_ORIGINAL_VARIANCE = (10_000**2 - 1) / 12 / 5_000**2
"""Of one integer of -5000 .. 4999, over 5000. Its mean, -1e-4, is no zero, but adds 3e-8 to the second moment only."""
_PRELU_SLOPE = 0.25
_Sum = Add | Residual | PreResidual


class Expected(msgspec.Struct, frozen=True, eq=False):
    """V = values * 2**exponent: float64 [height, width] from pixel (top, left); zero elsewhere on the plane."""

    values: Floats
    top: int
    left: int
    exponent: int

    @property
    def dead(self) -> bool:
        """No gradient reaches the input."""
        return not self.values.any()


class _NoLawError(Exception):
    """A layer or a readout that the closed form does not hold for."""


def expected(config: Config) -> Expected | None:
    """V of a config's unit, summed over input channels, for one probe; None where there is no closed form.

    Seeds, probes and precision play no part. With `uniform_kernel`, V is the square of the exact sum of |gradient|
    over channels or, for `gradient: square`, the sum of the squares.
    """
    nodes, kind = config.network, config.init.kind
    carry = _carry_uniform if kind == "uniform_kernel" else _Random(nodes, kind).carry
    try:
        start = _start(config, nodes)
        parts = carried_back(nodes, {nodes[-1].index: start}, carry, lambda one, other: total([one, other]))[INPUT]
    except _NoLawError:
        return None
    counted = [(_count(channels, config.input.channels), found) for channels, found in parts]
    if kind == "uniform_kernel" and config.readout.gradient == "square":
        return _sum_of_squares(counted)
    maps = [scaled(found, count) for count, found in counted]
    found = maps[0] if len(maps) == 1 else total(maps)
    if kind == "uniform_kernel":
        gradient = found.array
        return Expected(gradient * gradient, found.y.first, found.x.first, 2 * found.exponent)
    return Expected(found.array, found.y.first, found.x.first, found.exponent)


def _start(config: Config, nodes: Network) -> Parts[Separable]:
    start, channel = point(*config.unit), config.readout.channel
    if isinstance(channel, int):
        return ((1 << channel if nodes[-1].output.channels > 1 else EVERY, start),)
    if config.init.kind == "uniform_kernel" and channel != "relu_sum":
        return ((EVERY, start if channel == "sum" else scaled(start, 1 / nodes[-1].output.channels)),)
    raise _NoLawError


def _count(channels: int, of: int) -> int:
    return of if channels == EVERY else channels.bit_count()


def _sum_of_squares(counted: list[tuple[int, Separable]]) -> Expected:
    """The sum over sets of channels of the squares of their maps, each times the number of its channels."""
    top, left = (min(getattr(found, name).first for _, found in counted) for name in ("y", "x"))
    arrays = [
        (count, found.array, found.y.first - top, found.x.first - left, found.exponent) for count, found in counted
    ]
    exponent = max(found.exponent for _, found in counted)
    values = np.zeros([max(array.shape[axis] + at[axis] for _, array, *at, _ in arrays) for axis in (0, 1)])
    for count, array, row, column, own in arrays:
        height, width = array.shape
        values[row : row + height, column : column + width] += count * np.ldexp(array, own - exponent) ** 2
    return Expected(values, top, left, 2 * exponent)


def _moved_back(node: Node, slot: int, seen: Separable) -> Separable:
    """The map at an input of a node: its boxes, on the actual planes, each tap with the weight 1."""
    taps = node.y.kernel * node.x.kernel
    match node.geometry:
        case "reads":
            y = read_by(seen.y, node.y, node.padding_mode)
            return moved(seen, y, read_by(seen.x, node.x, node.padding_mode), taps)
        case "feeds":
            return moved(seen, feeding(seen.y, node.y), feeding(seen.x, node.x), taps)
        case "resampled":
            return moved(seen, weighed(seen.y, node.y), weighed(seen.x, node.x), 1)
        case "global":
            return moved(seen, spread_over(seen.y, node.y), spread_over(seen.x, node.x), 1)
        case "pixelwise":
            return seen
        case "join" if is_one_pixel(node, slot):
            return moved(seen, summed(seen.y), summed(seen.x), node.output.height * node.output.width)
        case "join":
            return seen
        case _:
            assert_never(node.geometry)


def _fed(node: Node, channels: int) -> Iterator[tuple[int, int]]:
    """For a convolution: sets of its input channels, and how many of some channels of its output read each of them."""
    groups, made = node.groups, node.output.channels // node.groups
    if groups == 1 or channels == EVERY:
        yield EVERY, _count(channels, node.output.channels) if groups == 1 else made
        return
    counts = Counter(at // made for at, bit in enumerate(reversed(format(channels, "b"))) if bit == "1")
    read = node.input.channels // groups
    for count in set(counts.values()):
        chosen = ("1" * read if counts[group] == count else "0" * read for group in reversed(range(groups)))
        yield int("".join(chosen), 2), count


def _carry_uniform(node: Node, slot: int, channels: int, seen: Separable) -> Iterator[tuple[int, Separable]]:
    """|d out / d in| at an input of a linear node whose weights are all 1 / fan_in."""
    layer = node.layer
    if node.activation != "linear":
        raise _NoLawError
    behind = _moved_back(node, slot, _shared(node, seen) if isinstance(layer, AvgPool) else seen)
    if isinstance(layer, Convolution):
        for some, count in _fed(node, channels):
            yield some, scaled(behind, count / node.fan_in)
        return
    match layer:
        case GlobalAvgPool():
            behind = scaled(behind, 1 / (node.y.size_in * node.x.size_in))
        case (
            AvgPool()
            | Activate()
            | Upsample()
            | Bilinear()
            | AdaptiveAvgPool()
            | Cat()
            | Add()
            | Residual()
            | PreResidual()
        ):
            pass
        case _ if _is_identity(layer):
            pass
        case MaxPool() | Mul() | LayerNorm() | GroupNorm() | InstanceNorm() | LocalResponseNorm() | PReLU():
            raise _NoLawError
        case _:
            raise _unknown(node)
    yield from _handed_on(node, slot, channels, behind)


def _shared(node: Node, seen: Separable) -> Separable:
    """The map at the outputs of an average pooling, each divided by the number of pixels that count in its window."""
    y, x = counted_padding(node)
    return moved(seen, divided(seen.y, node.y, y), divided(seen.x, node.x, x), 1)


def _handed_on(node: Node, slot: int, channels: int, behind: Separable) -> Iterator[tuple[int, Separable]]:
    """The map at an input of a layer that hands channels on; a single channel that a sum adds to all gets all maps."""
    if isinstance(node.layer, _Sum) and node.planes[slot].channels < node.output.channels:
        yield EVERY, scaled(behind, _count(channels, node.output.channels))
        return
    read = channels_behind(node, slot, channels)
    if read:
        yield read, behind


class _Random:
    """Carries V back over a network with random weights of a kind."""

    def __init__(self, nodes: Network, kind: InitKind) -> None:
        self.nodes = nodes
        self.kind = kind

    @cached_property
    def origins(self) -> "dict[int, _Origin]":
        """Where what each node makes comes from."""
        found = {INPUT: _Origin(0, None, False)}
        for node in self.nodes:
            found[node.index] = _origin(node, [found[source] for source in node.inputs])
        return found

    def carry(self, node: Node, slot: int, channels: int, seen: Separable) -> Iterator[tuple[int, Separable]]:
        """V at an input of a node, for sets of its channels, from V of some channels of the node."""
        layer = node.layer
        if isinstance(layer, Convolution):
            gain, behind = variance(self.kind, node) * _slope(node), _moved_back(node, slot, seen)
            for some, count in _fed(node, channels):
                yield some, scaled(behind, gain * count)
            return
        gain = 1.0
        match layer:
            case _ if isinstance(layer, Upsample) or _is_identity(layer):
                pass
            case Activate() | PReLU():
                if not _is_linear(node) and not self.origins[node.inputs[0]].is_symmetric:
                    raise _NoLawError
                gain = _slope(node)
            case Cat():
                if not _is_linear(node):
                    raise _NoLawError
            case Add() | Residual() | PreResidual():
                if not (_is_linear(node) and self.is_uncorrelated(node)):
                    raise _NoLawError
            case MaxPool() | AvgPool() | GlobalAvgPool() | AdaptiveAvgPool() | Bilinear() | Mul():
                raise _NoLawError
            case LayerNorm() | GroupNorm() | InstanceNorm() | LocalResponseNorm():
                raise _NoLawError
            case _:
                raise _unknown(node)
        behind = _moved_back(node, slot, seen if gain == 1 else scaled(seen, gain))
        yield from _handed_on(node, slot, channels, behind)

    def is_uncorrelated(self, node: Node) -> bool:
        """Whether of any two branches of a sum one ends in convolutions of its own, and linearly."""
        return all(
            _ends_apart(one, other) or _ends_apart(other, one)
            for one, other in combinations([self.origins[source] for source in node.inputs], 2)
        )


class _Origin(NamedTuple):
    """Where what a node makes comes from; sets of nodes are bits of an integer.

    behind: the node and all that it hangs on. ends: the linear convolutions that all paths to it end in, None where one
    ends otherwise. is_symmetric: it hands on what linear convolutions make, each unit by itself, and nothing else.
    """

    behind: int
    ends: int | None
    is_symmetric: bool


def _origin(node: Node, inputs: list[_Origin]) -> _Origin:
    own = 1 << node.index
    behind = reduce(or_, (origin.behind for origin in inputs), own)
    if isinstance(node.layer, Convolution):
        return _Origin(behind, own if _is_linear(node) else None, _is_linear(node))
    ends: int | None = 0
    for origin in inputs:
        ends = None if ends is None or origin.ends is None else ends | origin.ends
    hands_on = _is_identity(node.layer) or (isinstance(node.layer, Activate | Cat) and _is_linear(node))
    adds = isinstance(node.layer, Upsample) or (isinstance(node.layer, _Sum) and _is_linear(node))
    return _Origin(
        behind, ends if hands_on or adds else None, hands_on and all(origin.is_symmetric for origin in inputs)
    )


def _ends_apart(one: _Origin, other: _Origin) -> bool:
    return one.ends is not None and not one.ends & other.behind


def _unknown(node: Node) -> TypeError:
    return TypeError(f"the closed form does not know {type(node.layer).__name__}; say here whether its law holds")


def _is_identity(layer: Layer) -> bool:
    """Whether an untrained layer hands every unit on as it is."""
    return isinstance(layer, BatchNorm | Affine) or only_moves(layer)


def _is_linear(node: Node) -> bool:
    return node.activation == "linear" and not isinstance(node.layer, PReLU)


def variance(kind: InitKind, node: Node) -> float:
    """Var(w) of a convolution's weights, where they are independent and symmetric about zero.

    `neural_api` is, but for the lowest of its 10,000 steps. Raises where they are not: orthogonal filters depend on
    each other, and those of a file are what they are.
    """
    fan_out = node.y.kernel * node.x.kernel * node.output.channels / node.groups
    match kind:
        case "lecun_uniform" | "lecun_normal":
            return 1 / node.fan_in
        case "he_uniform" | "he_normal":
            return 2 / node.fan_in
        case "glorot_uniform" | "glorot_normal":
            return 2 / (node.fan_in + fan_out)
        case "normal":
            return 1.0
        case "neural_api":
            return 3 / node.fan_in * _ORIGINAL_VARIANCE
        case _:
            raise _NoLawError


def _slope(node: Node) -> float:
    """The mean of slope(z)^2 and slope(-z)^2, where it is the same for all z."""
    name, numbers = ("leaky_relu", (_PRELU_SLOPE,)) if isinstance(node.layer, PReLU) else curve(node.activation)
    match name:
        case "linear":
            return 1.0
        case "relu":
            return 0.5
        case "leaky_relu":
            return (1 + numbers[0] ** 2) / 2
        case _:
            raise _NoLawError


def heatmap(found: Expected, config: Config) -> Floats:
    """The heatmap that a measured one tends to, up to a factor: float64 [height, width] of the box of `found`.

    It is sqrt(V) for abs and relu (in wide layers), and V for square (Luo et al. 2016, section 2).
    """
    return found.values if config.readout.gradient == "square" else np.sqrt(found.values)
