"""The window of a unit: the smallest rectangle around the input pixels that it would see if no plane had an end.

Per axis an interval [a, b] of outputs stands on these inputs (k kernel, s stride, d dilation, p `Axis.before`):

    convolution, pooling     output o reads inputs o*s - p + i*d          [a*s - p, b*s - p + (k-1)*d]
    transposed, up-sampling  input n feeds outputs n*s - p + i*d          [ceil((a + p - (k-1)*d)/s), floor((b + p)/s)]
    bilinear, adaptive       each output has a window of its own          from the first of a's to the last of b's
    over the whole plane     every output reads all of it                 [0, size - 1]
    sums, products, cat      output o reads o of every input              [a, b], or [0, 0] of a single pixel

Padding layers and crops are the first line with k = 1, a crop with p below zero. Nearest up-sampling by f is the second
with k = s = f, d = 1, p = 0: [floor(a/f), floor(b/f)]. What reaches a layer from several others has the hull of all.

Where the kernels of a transposed convolution leave gaps (s > 1, and k < s or d > 1), some of its outputs are fed by
less than the second line says, or by nothing, and which ones are depends on all the outputs between a and b. So from
the unit to the last such layer on the way back the exact sets of pixels are carried (as by `pipeline.theory.support`,
on planes that do not end), and from there on their hull, which all other layers carry exactly.
"""

from collections.abc import Iterator
from functools import lru_cache, partial
from typing import NamedTuple, assert_never

import msgspec

from pipeline.config import Config
from pipeline.errors import InputError
from pipeline.stem import Axis, Geometry, Network, Node, Plane, network, resample
from pipeline.theory.indices import Indices, feeding, read_by, span, weighed
from pipeline.theory.support import Product, Products, hull, union, union_of
from pipeline.theory.walk import carried_back, channels_behind, is_one_pixel, one_channel, over_all

LARGEST_SET = 2**26
"""As many indices may lie between the first and the last of a set that is carried exactly: it takes a bit for each."""

LARGEST_WINDOW = 2**53
"""Above this many pixels a window's centre is no longer exact in a float64."""


class Window(msgspec.Struct, frozen=True):
    """Inclusive, unclipped bounds on the input plane, in pixels; they may leave it.

    A unit that falls between the kernels of a transposed convolution sees nothing: its height and width are 0, and its
    centre is between the two pixels around the place where the unit stands.
    """

    top: int
    bottom: int
    left: int
    right: int
    misaligned: bool = False
    is_global: bool = False

    @property
    def height(self) -> int:
        """The theoretical receptive field along y."""
        return self.bottom - self.top + 1

    @property
    def width(self) -> int:
        """The theoretical receptive field along x."""
        return self.right - self.left + 1

    @property
    def center(self) -> tuple[float, float]:
        """(y, x) of the unit's own centre; between two pixels where the window is even."""
        return (self.top + self.bottom) / 2, (self.left + self.right) / 2

    def leaves(self, plane: Plane) -> bool:
        """Whether the window reaches beyond the plane: the result is `saturated`."""
        return self.top < 0 or self.left < 0 or self.bottom >= plane.height or self.right >= plane.width


class _Seen(NamedTuple):
    """The pixels that are seen of one plane."""

    products: Products
    misaligned: bool = False
    is_global: bool = False


class _Sight(NamedTuple):
    """The hull of the pixels that are seen of one plane."""

    top: int
    bottom: int
    left: int
    right: int
    misaligned: bool = False
    is_global: bool = False


def window_of(config: Config) -> Window:
    """The window of a config's unit, in pixels; see `window`."""
    return _window_of(config.stem, config.input, config.layer, config.unit, config.readout.channel)


@lru_cache(maxsize=1024)
def _window_of(stem: str, plane: Plane, layer: int | None, unit: tuple[int, int], channel: int | str) -> Window:
    return window(network(stem, plane, layer), unit, channel)


def window(nodes: Network, unit: tuple[int, int], channel: int | str = "sum") -> Window:
    """The window on the input plane, for all of its channels, of the output unit (y, x), in pixels.

    channel: that of the unit; a reduction such as "sum" stands for all of them, whose windows may differ: theirs is the
    hull. Raises InputError where a side exceeds 2**53 pixels, as after dozens of strided layers on a plane of one
    pixel, or 2**26 pixels behind a transposed convolution with gaps.
    """
    (y, x), channels, last = unit, one_channel(channel), nodes[-1].index
    gaps = next((node.index for node in nodes if node.geometry == "feeds" and _has_gaps(node)), len(nodes))
    start = _Seen(((span(y, y), span(x, x)),))
    seen = carried_back(nodes[gaps:], {last: ((channels, start),)}, _endless, _merged)
    reached = {
        index: tuple((some, _Sight(*_edges(what.products), *what[1:])) for some, what in parts)
        for index, parts in seen.items()
    }
    is_blind = not reached
    if is_blind:
        reached = {last: ((channels, _Sight(y, y, x, x)),)}  # where it stands, though it sees nothing
    sight = over_all(carried_back(nodes if is_blind else nodes[:gaps], reached, _behind, _hull), _hull)
    if sight is None:
        raise AssertionError("every unit hangs on the input")
    if max(abs(bound) for bound in sight[:4]) > LARGEST_WINDOW:
        raise InputError(f"the unit's window spans more than 2**53 pixels after {len(nodes)} layers; use fewer strides")
    if is_blind:
        top, left = (sight.top + sight.bottom) // 2 + 1, (sight.left + sight.right) // 2 + 1
        return Window(top, top - 1, left, left - 1, False, sight.is_global)
    return Window(*sight)


def _has_gaps(node: Node) -> bool:
    return node.y.has_gaps or node.x.has_gaps


def _edges(products: Products) -> tuple[int, int, int, int]:
    edges = hull(products)
    if edges is None:
        raise AssertionError("no set that is carried is empty")
    return edges


def _endless(node: Node, slot: int, channels: int, seen: _Seen) -> Iterator[tuple[int, _Seen]]:
    """What some outputs read, or are fed by, on planes that go on without end; nothing where they see nothing."""
    products = union(_endless_product(node, slot, product) for product in seen.products)
    behind = channels_behind(node, slot, channels)
    if products and behind:
        yield behind, _Seen(products, seen.misaligned, seen.is_global or node.geometry == "global")


def _endless_product(node: Node, slot: int, product: Product) -> Product:
    if node.geometry == "pixelwise":
        return product
    if node.geometry == "join":
        return (span(0, 0), span(0, 0)) if is_one_pixel(node, slot) else product
    return _endless_axis(node, product[0], node.y), _endless_axis(node, product[1], node.x)


def _endless_axis(node: Node, outputs: Indices, axis: Axis) -> Indices:
    low, high = _inputs(node.geometry, axis, outputs.first, outputs.last)
    reach = (axis.kernel - 1) * axis.dilation
    if max(high - low, outputs.last - outputs.first + reach if node.geometry == "feeds" else 0) > LARGEST_SET:
        raise InputError(
            f"the window of layer {node.index} spans more than 2**26 pixels behind a transposed convolution with gaps; "
            "use fewer strides or smaller kernels"
        )
    match node.geometry:
        case "reads":
            return read_by(outputs, axis)
        case "feeds":
            return feeding(outputs, axis)
        case "resampled":
            return weighed(outputs, axis)
        case _:
            return span(low, high)


def _merged(one: _Seen, other: _Seen) -> _Seen:
    middles = [(top + bottom, left + right) for top, bottom, left, right in map(_edges, (one.products, other.products))]
    return _Seen(
        union_of(one.products, other.products),
        one.misaligned or other.misaligned or middles[0] != middles[1],
        one.is_global or other.is_global,
    )


def _behind(node: Node, slot: int, channels: int, sight: _Sight) -> tuple[tuple[int, _Sight], ...]:
    """What some outputs of a node see of one of its inputs."""
    behind = channels_behind(node, slot, channels)
    return ((behind, _sight_behind(node, slot, sight)),) if behind else ()


def _sight_behind(node: Node, slot: int, sight: _Sight) -> _Sight:
    if node.geometry == "pixelwise":
        return sight
    top, bottom, left, right, misaligned, is_global = sight
    if node.geometry == "join":
        return _Sight(0, 0, 0, 0, misaligned, is_global) if is_one_pixel(node, slot) else sight
    inputs = read if node.geometry == "reads" else partial(_inputs, node.geometry)
    rows, columns = inputs(node.y, top, bottom), inputs(node.x, left, right)
    return _Sight(*rows, *columns, misaligned, is_global or node.geometry == "global")


def _inputs(geometry: Geometry, axis: Axis, low: int, high: int) -> tuple[int, int]:
    """The first and the last input that outputs `low` to `high` see along an axis, where there are no gaps."""
    match geometry:
        case "reads":
            return read(axis, low, high)
        case "feeds":
            return fed(axis, low, high)
        case "resampled":
            return resample.taps(axis, low).first, resample.taps(axis, high).last
        case "global":
            return 0, axis.size_in - 1
        case "pixelwise" | "join":
            return low, high
        case _:
            assert_never(geometry)


def read(axis: Axis, low: int, high: int) -> tuple[int, int]:
    """The inputs, unclipped, that outputs `low` to `high` of a convolution or pool read."""
    shift = axis.before
    return low * axis.stride - shift, high * axis.stride - shift + (axis.kernel - 1) * axis.dilation


def fed(axis: Axis, low: int, high: int) -> tuple[int, int]:
    """The inputs, unclipped, that feed outputs `low` to `high` of a transposed convolution or an up-sampling.

    Exact where the kernels leave no gaps.
    """
    reach = (axis.kernel - 1) * axis.dilation
    return -((reach - axis.before - low) // axis.stride), (high + axis.before) // axis.stride


def _hull(one: _Sight, other: _Sight) -> _Sight:
    """All that reaches some units of a plane."""
    misaligned = one.top + one.bottom != other.top + other.bottom or one.left + one.right != other.left + other.right
    return _Sight(
        min(one.top, other.top),
        max(one.bottom, other.bottom),
        min(one.left, other.left),
        max(one.right, other.right),
        one.misaligned or other.misaligned or misaligned,
        one.is_global or other.is_global,
    )
