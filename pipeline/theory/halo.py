"""How far the windows of a network's units reach from where these stand, and the exact windows by position.

Where a network transposes or up-samples, the window of a unit hangs on its position: on its phase, as a rule, with
which the windows repeat. A tile of outputs needs the input pixels between its own units, and the halo around them.

A unit stands where its pixel lies if the output, its units as far apart as the jump, is laid centred over the input:
unit u of m over n pixels at u*j + ((n - 1) - (m - 1)*j)/2. So it does with every padding, in a causal network for one.
"""

from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from math import gcd, lcm

import msgspec

from pipeline.stem import INPUT, Axis, Network, Node
from pipeline.theory.number import Number, number
from pipeline.theory.walk import is_one_pixel
from pipeline.theory.window import Window, window

MOST_POSITIONS = 4096
"""So many windows are looked at, for a stem whose windows do not repeat on a large plane or repeat late."""


class Halo(msgspec.Struct, frozen=True):
    """How far, in input pixels, windows reach at most beyond the place of their unit.

    heights, widths: the sizes of all exact windows, from the smallest to the largest; those of units that see nothing
    are left out.
    """

    top: Number
    bottom: Number
    left: Number
    right: Number
    heights: tuple[int, ...]
    widths: tuple[int, ...]


def halo(nodes: Network, jump_y: Fraction, jump_x: Fraction) -> Halo | None:
    """The halo of the units of the last node, which stand so many pixels apart.

    None where a window is the whole plane, where no unit sees anything, or where it would take more than MOST_POSITIONS
    windows to tell.
    """
    plane, made = nodes[0].input, nodes[-1].output
    rows = min(_period(nodes, "y") or made.height, made.height)
    columns = min(_period(nodes, "x") or made.width, made.width)
    # Rows and columns hang on each other only where kernels leave gaps, into which either may fall.
    is_gapped = any(node.geometry == "feeds" and (node.y.has_gaps or node.x.has_gaps) for node in nodes)
    if (rows * columns if is_gapped else max(rows, columns)) > MOST_POSITIONS:
        return None
    units = product(range(rows), range(columns)) if is_gapped else _diagonal(rows, columns)
    seen: list[Window] = []
    reaches: list[tuple[Fraction, Fraction, Fraction, Fraction]] = []
    for row, column in units:
        found = window(nodes, (row, column))
        if found.is_global:
            return None
        if found.height and found.width:
            y = _place(plane.height, made.height, jump_y, row)
            x = _place(plane.width, made.width, jump_x, column)
            seen.append(found)
            reaches.append((y - found.top, found.bottom - y, x - found.left, found.right - x))
    if not seen:
        return None
    top, bottom, left, right = (number(max(side)) for side in zip(*reaches, strict=True))
    heights, widths = {found.height for found in seen}, {found.width for found in seen}
    return Halo(top, bottom, left, right, tuple(sorted(heights)), tuple(sorted(widths)))


def _diagonal(rows: int, columns: int) -> Iterator[tuple[int, int]]:
    """Places in each of the rows and in each of the columns, as few as there can be."""
    return ((min(at, rows - 1), min(at, columns - 1)) for at in range(max(rows, columns)))


def _place(pixels: int, units: int, jump: Fraction, unit: int) -> Fraction:
    """Where a unit stands on a line of pixels over which so many units are centred."""
    return unit * jump + (pixels - 1 - (units - 1) * jump) / 2


def _period(nodes: Network, name: str) -> int | None:
    """After how many units of the last node the windows along an axis, "y" or "x", repeat; None where they may not."""
    periods: dict[int, int | None] = {INPUT: 1}
    for node in nodes:
        periods[node.index] = _period_behind(node, name, [periods[source] for source in node.inputs])
    return periods[nodes[-1].index]


def _period_behind(node: Node, name: str, before: list[int | None]) -> int | None:
    axis: Axis = getattr(node, name)
    known = [period for period in before if period is not None]
    if len(known) < len(before):
        return None
    match node.geometry:
        case "reads":
            return known[0] // gcd(known[0], axis.stride)
        case "feeds":
            return known[0] * axis.stride
        case "resampled":
            return known[0] * axis.stride if axis.scheme == "half_pixel" else None
        case "pixelwise":
            return known[0]
        case "join":
            return None if any(is_one_pixel(node, slot) for slot in range(len(known))) else lcm(*known)
        case _:
            return None
