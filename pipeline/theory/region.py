"""The region of the input plane that one unit sees: its window, clipped and not, and its support."""

from fractions import Fraction

import msgspec

from pipeline.errors import InputError
from pipeline.stem import Network
from pipeline.theory.number import Number, number
from pipeline.theory.support import support
from pipeline.theory.window import window


class Region(msgspec.Struct, frozen=True):
    """What a unit of the output sees of the input plane; rows and columns are inclusive pixel indices.

    0 is the centre of the first pixel. channel: None for all of them. top to right: the window, as if the plane had no
    end; height and width: its size, 0 where the unit sees nothing. clipped_top to clipped_right: its part on the plane;
    None where there is none. seen_top to seen_right: the hull of the pixels that can change the unit, those that
    padding copies among them; None where the unit is dead. pixels: how many they are.
    """

    unit_y: int
    unit_x: int
    channel: int | None
    height: int
    width: int
    center_y: Number
    center_x: Number
    top: int
    bottom: int
    left: int
    right: int
    clipped_top: int | None
    clipped_bottom: int | None
    clipped_left: int | None
    clipped_right: int | None
    seen_top: int | None
    seen_bottom: int | None
    seen_left: int | None
    seen_right: int | None
    pixels: int
    saturated: bool
    misaligned: bool
    is_global: bool


def region(nodes: Network, unit: tuple[int, int], channel: int | None = None) -> Region:
    """The region that the output unit (y, x) of a channel sees, or those of all channels together.

    Raises InputError for a unit or a channel that the output does not have, and as `window` does.
    """
    plane, made = nodes[0].input, nodes[-1].output
    if not (0 <= unit[0] < made.height and 0 <= unit[1] < made.width):
        raise InputError(
            f"there is no unit {unit[0]},{unit[1]} in an output of {made.height} x {made.width}; "
            f"rows go from 0 to {made.height - 1}, columns from 0 to {made.width - 1}"
        )
    if channel is not None and not 0 <= channel < made.channels:
        raise InputError(f"there is no channel {channel} in an output of {made.channels}; they go from 0")
    which = "sum" if channel is None else channel
    seen, matters = window(nodes, unit, which), support(nodes, unit, which)
    top, bottom = max(seen.top, 0), min(seen.bottom, plane.height - 1)
    left, right = max(seen.left, 0), min(seen.right, plane.width - 1)
    clipped = (top, bottom, left, right) if top <= bottom and left <= right else None
    return Region(
        unit_y=unit[0],
        unit_x=unit[1],
        channel=channel,
        height=seen.height,
        width=seen.width,
        center_y=number(Fraction(seen.center[0])),
        center_x=number(Fraction(seen.center[1])),
        top=seen.top,
        bottom=seen.bottom,
        left=seen.left,
        right=seen.right,
        **_named("clipped", clipped),
        **_named("seen", matters.hull),
        pixels=sum(len(rows) * len(columns) for rows, columns in matters.products),
        saturated=seen.leaves(plane),
        misaligned=seen.misaligned,
        is_global=seen.is_global,
    )


def _named(what: str, edges: tuple[int, int, int, int] | None) -> dict[str, int | None]:
    sides = ("top", "bottom", "left", "right")
    return {f"{what}_{side}": edge for side, edge in zip(sides, edges or (None,) * 4, strict=True)}
