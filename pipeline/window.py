"""The window of a unit: which input pixels it could see, as unclipped intervals, walked back layer by layer.

Per axis an interval [a, b] of outputs stands on these inputs (k kernel, s stride, d dilation, p `Axis.before`):

    convolution, pooling     output o reads inputs o*s - p + i*d          [a*s - p, b*s - p + (k-1)*d]
    transposed, up-sampling  input n feeds outputs n*s - p + i*d          [ceil((a + p - (k-1)*d)/s), floor((b + p)/s)]
    global pooling           every output reads the whole plane           [0, size - 1]
    residual sum             body and shortcut                            the hull of both

Nearest up-sampling by f is the second line with k = s = f, d = 1, p = 0: [floor(a/f), floor(b/f)].
"""

from typing import NamedTuple

import msgspec

from pipeline.errors import InputError
from pipeline.network import Axis, Network, Node, Plane
from pipeline.stem import GlobalAvgPool, Group, Transposed, Upsample

LARGEST_WINDOW = 2**53
"""Above this many pixels a window's centre is no longer exact in a float64."""


class Window(msgspec.Struct, frozen=True):
    """Inclusive, unclipped bounds on the input plane, in pixels; they may leave it.

    A unit that falls between the kernels of a transposed convolution sees nothing: its height and width are 0.
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
    """What is seen of one plane. An empty sight keeps a place, so that its window still stands somewhere."""

    top: int
    bottom: int
    left: int
    right: int
    empty: bool = False
    misaligned: bool = False
    is_global: bool = False


def window(nodes: Network, unit: tuple[int, int]) -> Window:
    """The window on the input plane of the output unit (y, x), in pixels.

    Raises InputError where a side exceeds 2**53 pixels, as after dozens of strided layers on a plane of one pixel.
    """
    sight = _behind(nodes, _Sight(unit[0], unit[0], unit[1], unit[1]))
    if max(abs(bound) for bound in sight[:4]) > LARGEST_WINDOW:
        raise InputError(
            f"the unit's window spans more than 2**53 pixels after {nodes[-1].index + 1} layers; use fewer strides"
        )
    if sight.empty:
        return Window(sight.top, sight.top - 1, sight.left, sight.left - 1, sight.misaligned, sight.is_global)
    return Window(sight.top, sight.bottom, sight.left, sight.right, sight.misaligned, sight.is_global)


def _behind(nodes: Network, sight: _Sight) -> _Sight:
    for node in reversed(nodes):
        layer = node.layer
        if isinstance(layer, Group):
            sight = _hull(_behind(node.body, sight), _behind((node.shortcut,), sight) if node.shortcut else sight)
        elif isinstance(layer, GlobalAvgPool):
            sight = sight._replace(top=0, bottom=node.y.size_in - 1, left=0, right=node.x.size_in - 1, is_global=True)
        elif isinstance(layer, Transposed | Upsample):
            sight = _fed(node, sight)
        else:
            top, bottom = read(node.y, sight.top, sight.bottom)
            left, right = read(node.x, sight.left, sight.right)
            sight = _Sight(top, bottom, left, right, *sight[4:])
    return sight


def read(axis: Axis, low: int, high: int) -> tuple[int, int]:
    """The inputs, unclipped, that outputs `low` to `high` of a convolution or pool read."""
    shift = axis.before
    return low * axis.stride - shift, high * axis.stride - shift + (axis.kernel - 1) * axis.dilation


def _fed(node: Node, sight: _Sight) -> _Sight:
    top, bottom = fed(node.y, sight.top, sight.bottom)
    left, right = fed(node.x, sight.left, sight.right)
    empty = sight.empty or top > bottom or left > right
    return _Sight(min(top, bottom), bottom, min(left, right), right, empty, sight.misaligned, sight.is_global)


def fed(axis: Axis, low: int, high: int) -> tuple[int, int]:
    """The inputs, unclipped, that feed outputs `low` to `high` of a transposed convolution or an up-sampling.

    The first is beyond the last where all of the outputs are gaps between kernels.
    """
    reach = (axis.kernel - 1) * axis.dilation
    return -((reach - axis.before - low) // axis.stride), (high + axis.before) // axis.stride


def _hull(one: _Sight, other: _Sight) -> _Sight:
    """Both branches of a sum together; a branch that sees nothing adds nothing."""
    misaligned, is_global = one.misaligned or other.misaligned, one.is_global or other.is_global
    if one.empty or other.empty:
        return (other if one.empty else one)._replace(misaligned=misaligned, is_global=is_global)
    misaligned |= one.top + one.bottom != other.top + other.bottom or one.left + one.right != other.left + other.right
    return _Sight(
        min(one.top, other.top),
        max(one.bottom, other.bottom),
        min(one.left, other.left),
        max(one.right, other.right),
        False,
        misaligned,
        is_global,
    )
