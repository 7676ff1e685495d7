"""The closed form: the expected squared gradient of one unit, as a map on the input plane.

Random weights. Let g be the gradient at a layer's outputs, one unit of one channel being read out, with weights that
are independent and symmetric about zero. Given the weights of that layer and of all before it, by induction from the
readout downwards: E[g(u) g(v)] = 0 for any two different outputs, and E[g(u)^2] = V(u) whatever those weights are.
Through a convolution, the gradient at an input is the sum of w * slope(z) * g over the taps that read it: products of
two different g vanish, products of two different weights vanish (flip the sign of one filter: z and its weights flip,
and the two halves add up to E[w w'] = 0), and E[w^2 slope(z)^2] = Var(w) * (slope(z)^2 + slope(-z)^2) / 2. So V is
carried back by the convolution's box, with gain Var(w) * a from each of the C_in / groups channels that an output
reads, a = 1 linear, 1/2 ReLU, (1 + slope^2)/2 leaky ReLU: borders, strides, dilations, probes and widths play no
part, nor does padding that folds, as it only adds taps. Only V summed over channels is needed, as every output feeds
equally many inputs.

- Up-sampling adds disjoint blocks of outputs, and untrained batch norm does nothing: both keep the law.
- x + F(x): the branches' products vanish if each path through F has a weight of mean zero that no slope depends on,
  so F must end linearly, in a convolution. Then the maps add, and a projection is one more convolution.
- An activation that stands alone needs the symmetry of the convolution whose outputs it takes directly.

All else (max, avg, gap, layer norm, other activations, res, readouts that mix channels) has no such law here.

uniform_kernel. With linear layers only, the gradient is no random variable: every weight is positive, so the map of
|d out / d in| is the same walk with gain 1/(kh*kw) a layer, and V stands for its square. Average and global pooling,
linear res and sums of channels are as linear as convolutions, and are let through.
"""

import msgspec
import numpy as np

from pipeline.config import Config, InitKind, Readout
from pipeline.stem import (
    LEAKY_SLOPE,
    Activate,
    AvgPool,
    BatchNorm,
    Convolution,
    GlobalAvgPool,
    Group,
    Network,
    Node,
    PreResidual,
    Residual,
    Transposed,
    Upsample,
)
from pipeline.theory.separable import Floats, Separable, feeding, moved, point, read_by, scaled, spread_over, total

_MEAN_SQUARE_SLOPE = {"linear": 1.0, "relu": 0.5, "leaky_relu": (1 + LEAKY_SLOPE**2) / 2}
_ORIGINAL_VARIANCE = (10_000**2 - 1) / 12 / 5_000**2
"""Of one integer of -5000 .. 4999, over 5000. Its mean, -1e-4, is no zero, but adds 3e-8 to the second moment only."""


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
    over channels; for `gradient: square` it is None where the channels differ, as behind a depthwise first layer.
    """
    nodes, kind = config.network, config.init.kind
    try:
        if kind == "uniform_kernel":
            found = _behind(nodes, _start(config.readout, nodes, config.unit, kind), kind)
            if config.readout.gradient == "square" and not _alike(nodes, not isinstance(config.readout.channel, int)):
                return None
            gradient = found.array
            return Expected(gradient * gradient, found.y.first, found.x.first, 2 * found.exponent)
        found = _behind(nodes, _start(config.readout, nodes, config.unit, kind), kind)
    except _NoLawError:
        return None
    return Expected(found.array, found.y.first, found.x.first, found.exponent)


def _start(readout: Readout, nodes: Network, unit: tuple[int, int], kind: InitKind) -> Separable:
    start = point(*unit)
    if isinstance(readout.channel, int):
        return start
    if kind == "uniform_kernel" and readout.channel != "relu_sum":
        return scaled(start, nodes[-1].output.channels) if readout.channel == "sum" else start
    raise _NoLawError


def _behind(nodes: Network, seen: Separable, kind: InitKind) -> Separable:
    for position in reversed(range(len(nodes))):
        node = nodes[position]
        gain = _uniform_gain(node) if kind == "uniform_kernel" else _random_gain(nodes, position, kind)
        if isinstance(node.layer, Group):
            shortcut = seen if node.shortcut is None else _behind((node.shortcut,), seen, kind)
            seen = total([_behind(node.body, seen, kind), shortcut])
        else:
            seen = _carried(node, seen if gain == 1 else scaled(seen, gain))
    return seen


def _carried(node: Node, seen: Separable) -> Separable:
    """The map at the node's input: its box, on the actual planes."""
    if isinstance(node.layer, GlobalAvgPool):
        return moved(seen, spread_over(seen.y, node.y), spread_over(seen.x, node.x), 1)
    taps = node.y.kernel * node.x.kernel
    if isinstance(node.layer, Transposed | Upsample):
        return moved(seen, feeding(seen.y, node.y), feeding(seen.x, node.x), taps)
    y = read_by(seen.y, node.y, node.padding_mode)
    return moved(seen, y, read_by(seen.x, node.x, node.padding_mode), taps)


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


def _random_gain(nodes: Network, position: int, kind: InitKind) -> float:
    node = nodes[position]
    match node.layer:
        case _ if isinstance(node.layer, Convolution):
            return node.input.channels // node.groups * variance(kind, node) * _slope(node)
        case BatchNorm() | Upsample():
            return 1.0
        case Activate():
            if node.activation != "linear" and not _ends_linearly(nodes[:position], BatchNorm):
                raise _NoLawError
            return _slope(node)
        case PreResidual() if _ends_linearly(node.body, BatchNorm, Upsample, PreResidual):
            return 1.0
    raise _NoLawError


def _slope(node: Node) -> float:
    slope = _MEAN_SQUARE_SLOPE.get(node.activation)
    if slope is None:
        raise _NoLawError
    return slope


def _ends_linearly(nodes: Network, *through: type) -> bool:
    """Whether a linear convolution comes last, but for the identity and for layers of the kinds `through`."""
    for node in reversed(nodes):
        if isinstance(node.layer, Convolution) or node.shortcut is not None:
            return node.activation == "linear"  # a projection makes both branches of a sum convolutions
        if not (isinstance(node.layer, through) or (isinstance(node.layer, Activate) and node.activation == "linear")):
            return False
    return False


def _uniform_gain(node: Node) -> float:
    match node.layer:
        case BatchNorm() | Upsample() | Activate() | Residual() | PreResidual():
            gain = 1.0
        case GlobalAvgPool():
            gain = 1 / (node.y.size_in * node.x.size_in)
        case _ if isinstance(node.layer, Convolution | AvgPool):
            gain = 1 / (node.y.kernel * node.x.kernel)  # (C_in / groups) weights of 1 / fan_in
        case _:
            raise _NoLawError
    if node.activation != "linear":
        raise _NoLawError
    return gain


def _alike(nodes: Network, alike: bool) -> bool:
    """Whether all channels before the nodes have the same gradient, given whether those behind them do."""
    if nodes[-1].output.channels == 1:
        alike = True
    for node in reversed(nodes):
        if isinstance(node.layer, Group):
            alike = _alike(node.body, alike) and (node.shortcut is not None or alike)
        elif isinstance(node.layer, Convolution) and node.groups == 1:
            alike = True
        alike = alike or node.input.channels == 1
    return alike


def heatmap(found: Expected, config: Config) -> Floats:
    """The heatmap that a measured one tends to, up to a factor: float64 [height, width] of the box of `found`.

    It is sqrt(V) for abs and relu (in wide layers), and V for square (Luo et al. 2016, section 2).
    """
    return found.values if config.readout.gradient == "square" else np.sqrt(found.values)
