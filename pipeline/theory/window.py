"""The window of a unit: the smallest rectangle around the input pixels that it would see if no plane had an end.

Per axis an interval [a, b] of outputs stands on these inputs (k kernel, s stride, d dilation, p `Axis.before`):

    convolution, pooling     output o reads inputs o*s - p + i*d          [a*s - p, b*s - p + (k-1)*d]
    transposed, up-sampling  input n feeds outputs n*s - p + i*d          [ceil((a + p - (k-1)*d)/s), floor((b + p)/s)]
    global pooling           every output reads the whole plane           [0, size - 1]
    residual sum             body and shortcut                            the hull of both

Nearest up-sampling by f is the second line with k = s = f, d = 1, p = 0: [floor(a/f), floor(b/f)].

Where the kernels of a transposed convolution leave gaps (s > 1, and k < s or d > 1), some of its outputs are fed by
less than the second line says, or by nothing, and which ones are depends on all the outputs between a and b. So from
the unit to the last such layer on the way back the exact sets of pixels are carried (`pipeline.theory.support`, on
planes that do not end), and from there on their hull, which all other layers carry exactly.
"""

from functools import lru_cache
from typing import NamedTuple

import msgspec

from pipeline.errors import InputError
from pipeline.stem import Axis, GlobalAvgPool, Group, Network, Node, Plane, Transposed, Upsample, network, walk
from pipeline.theory.indices import Indices, feeding, read_by, span
from pipeline.theory.support import Product, hull, seen_by

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


class _Sight(NamedTuple):
    """The hull of what is seen of one plane."""

    top: int
    bottom: int
    left: int
    right: int
    misaligned: bool = False
    is_global: bool = False


@lru_cache(maxsize=1024)
def window_of(stem: str, plane: Plane, unit: tuple[int, int]) -> Window:
    """The window of a unit of a stem on a plane, in pixels; see `window`."""
    return window(network(stem, plane), unit)


def window(nodes: Network, unit: tuple[int, int]) -> Window:
    """The window on the input plane of the output unit (y, x), in pixels.

    Raises InputError where a side exceeds 2**53 pixels, as after dozens of strided layers on a plane of one pixel, or
    2**26 pixels behind a transposed convolution with gaps.
    """
    sight = _Sight(unit[0], unit[0], unit[1], unit[1])
    gaps = next((position for position, node in enumerate(nodes) if _has_gaps(node)), len(nodes))
    seen = seen_by(nodes[gaps:], unit, _endless)
    edges = hull(seen.products)
    if edges is not None:
        is_global = any(isinstance(node.layer, GlobalAvgPool) for node in walk(nodes[gaps:]))
        sight = _behind(nodes[:gaps], _Sight(*edges, seen.misaligned, is_global))
    else:
        sight = _behind(nodes, sight)  # where it stands, though it sees nothing
    if max(abs(bound) for bound in sight[:4]) > LARGEST_WINDOW:
        raise InputError(
            f"the unit's window spans more than 2**53 pixels after {nodes[-1].index + 1} layers; use fewer strides"
        )
    if edges is None:
        top, left = (sight.top + sight.bottom) // 2 + 1, (sight.left + sight.right) // 2 + 1
        return Window(top, top - 1, left, left - 1, seen.misaligned, sight.is_global)
    return Window(*sight)


def _has_gaps(node: Node) -> bool:
    if isinstance(node.layer, Group):
        return any(map(_has_gaps, node.body))
    return isinstance(node.layer, Transposed) and (node.y.has_gaps or node.x.has_gaps)


def _endless(node: Node, product: Product) -> Product:
    """What a product of outputs reads, or is fed by, on planes that go on without end."""
    return _endless_axis(node, product[0], node.y), _endless_axis(node, product[1], node.x)


def _endless_axis(node: Node, outputs: Indices, axis: Axis) -> Indices:
    is_global, is_fed = isinstance(node.layer, GlobalAvgPool), isinstance(node.layer, Transposed | Upsample)
    between = axis.size_in if is_global else (outputs.last - outputs.first) * (1 if is_fed else axis.stride)
    if between + (axis.kernel - 1) * axis.dilation > LARGEST_SET:
        raise InputError(
            f"the window of layer {node.index} spans more than 2**26 pixels behind a transposed convolution with gaps; "
            "use fewer strides or smaller kernels"
        )
    if is_global:
        return span(0, axis.size_in - 1)
    return feeding(outputs, axis) if is_fed else read_by(outputs, axis)


def _behind(nodes: Network, sight: _Sight) -> _Sight:
    for node in reversed(nodes):
        layer = node.layer
        if isinstance(layer, Group):
            sight = _hull(_behind(node.body, sight), _behind((node.shortcut,), sight) if node.shortcut else sight)
        elif isinstance(layer, GlobalAvgPool):
            sight = sight._replace(top=0, bottom=node.y.size_in - 1, left=0, right=node.x.size_in - 1, is_global=True)
        else:
            carry = fed if isinstance(layer, Transposed | Upsample) else read
            rows, columns = carry(node.y, sight.top, sight.bottom), carry(node.x, sight.left, sight.right)
            sight = _Sight(*rows, *columns, sight.misaligned, sight.is_global)
    return sight


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
    """Both branches of a sum together."""
    misaligned = one.top + one.bottom != other.top + other.bottom or one.left + one.right != other.left + other.right
    return _Sight(
        min(one.top, other.top),
        max(one.bottom, other.bottom),
        min(one.left, other.left),
        max(one.right, other.right),
        one.misaligned or other.misaligned or misaligned,
        one.is_global or other.is_global,
    )
