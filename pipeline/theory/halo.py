"""How far the windows of a network's units reach from where these stand, and the exact windows by position.

Where a network transposes or up-samples, the window of a unit hangs on its position: on its phase, as a rule, with
which the windows repeat. A tile of outputs needs the input pixels between its own units, and the halo around them.
"""

from fractions import Fraction
from math import gcd, lcm

import msgspec

from pipeline.stem import INPUT, Axis, Network, Node
from pipeline.theory.arithmetic import Line
from pipeline.theory.number import Number, number
from pipeline.theory.walk import is_one_pixel
from pipeline.theory.window import Window, window

MOST_POSITIONS = 4096
"""So many windows are looked at, for a stem whose windows do not repeat on a large plane or repeat late."""


class Halo(msgspec.Struct, frozen=True):
    """How far, in input pixels, windows reach at most beyond the place of their unit; see `Line.place`.

    heights, widths: the sizes of all exact windows, from the smallest to the largest; those of units that see nothing
    are left out.
    """

    top: Number
    bottom: Number
    left: Number
    right: Number
    heights: tuple[int, ...]
    widths: tuple[int, ...]


def halo(nodes: Network, y: Line, x: Line) -> Halo | None:
    """The halo of the units of the last node, whose lines are given.

    None where a window is the whole plane, where no unit sees anything, or where it would take more than MOST_POSITIONS
    windows to tell.
    """
    periods = [_period(nodes, axis) for axis in ("y", "x")]
    made = nodes[-1].output
    rows, columns = (min(period or size, size) for period, size in zip(periods, (made.height, made.width), strict=True))
    if max(rows, columns) > MOST_POSITIONS:
        return None
    found: list[tuple[int, int, Window]] = []
    for at in range(max(rows, columns)):
        unit = min(at, rows - 1), min(at, columns - 1)
        seen = window(nodes, unit)
        if seen.is_global:
            return None
        if seen.height and seen.width:
            found.append((*unit, seen))
    if not found:
        return None
    return Halo(
        top=number(max(_place(y, row) - seen.top for row, _, seen in found)),
        bottom=number(max(seen.bottom - _place(y, row) for row, _, seen in found)),
        left=number(max(_place(x, column) - seen.left for _, column, seen in found)),
        right=number(max(seen.right - _place(x, column) for _, column, seen in found)),
        heights=tuple(sorted({seen.height for *_, seen in found})),
        widths=tuple(sorted({seen.width for *_, seen in found})),
    )


def _place(line: Line, unit: int) -> Fraction:
    return line.place + unit * line.jump


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
