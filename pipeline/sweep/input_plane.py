"""The input plane: how it is written, and which one is chosen where its sides are not."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import assert_never

import msgspec

from pipeline.errors import InputError, PlaneError, quote
from pipeline.sentence import sentence
from pipeline.stem import (
    MAX_INTEGER,
    AdaptiveAvgPool,
    Axis,
    Network,
    Node,
    Plane,
    Side,
    network,
)
from pipeline.theory import Window, window
from pipeline.theory.walk import EVERY, carried_back, channels_behind, is_one_pixel, over_all

LEAST_SIDE = 21
"""Of a chosen plane: that of the program that this one replaces."""
GLOBAL_SIDE = 224
"""Of the plane that is chosen where the window is the whole plane: that of ImageNet's networks."""
MOST_SIDES = 2048
"""How many sides are tried. What no plane of these holds, such as a residual sum that needs an even side, none may."""

NEAREST_SIDES = 64
"""How many sides are tried, in either direction, for a plane that a stem fits in place of one that it does not."""
_TEXT = re.compile(r"([0-9]{1,9})(?:x([0-9]{1,9})(?:x([0-9]{1,9}))?)?")
_MOST_CHANNELS_OF_AN_IMAGE = 4
_SLIMMEST = 8
"""Images that are taken for channels-first are at most this many times as wide as high, or as high as wide."""


class WrittenPlane(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Size of the input; sides that are left out are chosen for the stem."""

    height: Side | msgspec.UnsetType = msgspec.UNSET
    width: Side | msgspec.UnsetType = msgspec.UNSET
    channels: Side | msgspec.UnsetType = msgspec.UNSET


def written_sides(value: object) -> dict[str, int]:
    """The sides and channels that a user wrote: `21`, `224x320`, `224x224x3` or a mapping of some of the three.

    Where both sides are written, channels that are not are 1. Raises InputError for anything else, and for
    `3x224x224`, the order of PyTorch, where the channels come first.
    """
    if isinstance(value, Plane):
        return {"height": value.height, "width": value.width, "channels": value.channels}
    sides = value
    if not isinstance(value, Mapping | int | str) or isinstance(value, bool):
        raise _unreadable(value)
    if isinstance(value, int):
        sides = {"height": value, "width": value}
    elif isinstance(value, str):
        sides = _sides_of_text(value)
    try:
        plane = msgspec.convert(sides, WrittenPlane)
    except msgspec.ValidationError as error:
        raise InputError(f"input plane {quote(value)}: {sentence(error, sides, WrittenPlane)}") from None
    each = (("height", plane.height), ("width", plane.width), ("channels", plane.channels))
    found = {name: number for name, number in each if number is not msgspec.UNSET}
    if not found:
        raise InputError(
            f"input plane {quote(value)} says nothing; give a height, a width or channels, or leave it out"
        )
    return found if "channels" in found or len(found) < 2 else found | {"channels": 1}


def written_image_sides(text: str) -> tuple[int, int]:
    """(height, width) of an image as a user wrote it: `224` or `224x320`. Raises InputError for anything else."""
    match = _TEXT.fullmatch(text)
    if match is None or match[3] is not None:
        raise InputError(f"the sides of an image are written 224 or 224x320, not {quote(text)}")
    height = int(match[1])
    return height, height if match[2] is None else int(match[2])


def _sides_of_text(text: str) -> dict[str, int]:
    match = _TEXT.fullmatch(text)
    if match is None:
        raise _unreadable(text)
    height, width, channels = (int(number) if number else None for number in match.groups())
    if height is None or width is None:
        side = int(text)
        return {"height": side, "width": side}
    if channels is None:
        return {"height": height, "width": width}
    if _is_channels_first(height, width, channels):
        raise InputError(
            f"input plane {quote(text)} has its channels first, as PyTorch does; write height x width x channels, "
            f"{width}x{channels}x{height}, or a mapping if {channels} channels are meant"
        )
    return {"height": height, "width": width, "channels": channels}


def _unreadable(value: object) -> InputError:
    return InputError(f"an input plane is written 21, 224x320, 224x224x3 or as a mapping, not {quote(value)}")


def _is_channels_first(first: int, second: int, third: int) -> bool:
    """Whether `first` can only be meant as the channels of an image, second x third pixels in size.

    1x1x512 and 4x4x8 are planes whose channels come last, and so is 1x1000x12, a signal of 12 channels.
    """
    least, most = sorted((second, third))
    return first <= _MOST_CHANNELS_OF_AN_IMAGE < least and most <= _SLIMMEST * least


def input_plane(stem: str, sides: Mapping[str, int], layer: int | None = None) -> Plane:
    """The plane for a stem in canonical notation, from what `written_sides` returned; channels are 1 if not written.

    A side that is not written is chosen: the smallest odd one of at least 21 with which the window of the output's
    centre unit lies within the plane along that side, both sides alike if neither is written. Where the stem does not
    fit an odd side, the next even one is tried. It is 224 where a global layer makes the window the whole plane, or an
    adaptive pooling makes it grow with the plane, or the smallest that the stem fits if it does not fit 224. `layer`
    ends the stem behind the layer of that index; None: behind the last.

    Raises InputError where no side is found, or where the stem does not fit its channels; PlaneError where it does not
    fit both sides that are written, which names the nearest planes that it fits.
    """
    height, width, channels = sides.get("height"), sides.get("width"), sides.get("channels", 1)
    if height is None or width is None:
        return _chosen(stem, height, width, channels, layer)
    plane = Plane(height, width, channels)
    try:
        network(stem, plane, layer)
    except PlaneError as error:
        fitting = _fitting(stem, plane, layer)
        raise PlaneError(f"{error}; it fits {' and '.join(fitting)}" if fitting else str(error)) from None
    except InputError:
        pass  # not of the sides: it is raised where the config is checked, after its other fields
    return plane


def _fitting(stem: str, plane: Plane, layer: int | None) -> list[str]:
    """The nearest smaller and larger planes, as text, that a stem fits which does not fit this one.

    Layers treat rows and columns independently: each side is looked for beside another that the stem fits.
    """

    def nearest(written: int, direction: int, height: int | None = None, width: int | None = None) -> int | None:
        sides = (written + direction * by for by in range(NEAREST_SIDES))
        planes = ((side, Plane(height or side, width or side, plane.channels)) for side in sides if 2 * side >= written)
        return next((side for side, tried in planes if _fits(stem, tried, layer)), None)

    square = nearest(max(plane.height, plane.width), 1)
    if square is None:
        return []
    found = (
        (nearest(plane.height, direction, width=square), nearest(plane.width, direction, height=square))
        for direction in (-1, 1)
    )
    return [f"{height}x{width}" for height, width in found if height and width]


@lru_cache(maxsize=4096)
def _chosen(stem: str, height: int | None, width: int | None, channels: int, layer: int | None) -> Plane:
    side, why = LEAST_SIDE - 2, ""
    for _ in range(MOST_SIDES):
        side += 2
        plane = Plane(height or side, width or side, channels)
        try:
            nodes = network(stem, plane, layer)
        except PlaneError as error:
            why = str(error)
            plane = Plane(height or side + 1, width or side + 1, channels)
            if not _fits(stem, plane, layer):
                continue
            nodes = network(stem, plane, layer)
        if any(node.geometry == "global" or isinstance(node.layer, AdaptiveAvgPool) for node in nodes):
            usual = Plane(height or GLOBAL_SIDE, width or GLOBAL_SIDE, channels)
            return usual if _fits(stem, usual, layer) else plane
        seen = _seen(nodes)
        if _holds(seen, plane, height is None, width is None):
            return plane
        if all(node.geometry in ("reads", "pixelwise") for node in nodes):  # then windows are as wide on any plane
            least = max(0 if height else seen.height, 0 if width else seen.width)
        else:
            least = max(0 if height else _least(nodes, "y"), 0 if width else _least(nodes, "x"))
        if least > MAX_INTEGER:
            raise InputError(
                f"the centre unit of {quote(stem)} sees more than {MAX_INTEGER} pixels; name a plane, such as input=224"
            )
        side, why = max(side, (least - 1 | 1) - 2), f"stem {quote(stem)}: its window leaves the plane"
    raise InputError(
        f"no side from {LEAST_SIDE} to {side + 1} makes a plane that holds the window of the centre unit ({why}); "
        "name a plane, such as input=224"
    )


def _fits(stem: str, plane: Plane, layer: int | None) -> bool:
    try:
        network(stem, plane, layer)
    except InputError:
        return False
    return True


def _seen(nodes: Network) -> Window:
    """The window of the output's centre unit."""
    made = nodes[-1].output
    return window(nodes, (made.height // 2, made.width // 2))


def _holds(seen: Window, plane: Plane, rows: bool, columns: bool) -> bool:
    """Whether a window lies within the rows, and the columns, of the plane."""
    return not (rows and (seen.top < 0 or seen.bottom >= plane.height)) and not (
        columns and (seen.left < 0 or seen.right >= plane.width)
    )


def _least(nodes: Network, name: str) -> int:
    """No window of one unit of the output is narrower than this along an axis, "y" or "x", on any plane."""

    def carry(node: Node, slot: int, channels: int, seen: int) -> Iterator[tuple[int, int]]:
        least = (
            1 if node.geometry == "join" and is_one_pixel(node, slot) else _least_read(node, getattr(node, name), seen)
        )
        behind = channels_behind(node, slot, channels)
        if least and behind:
            yield behind, least

    return over_all(carried_back(nodes, {nodes[-1].index: ((EVERY, 1),)}, carry, max), max) or 0


def _least_read(node: Node, axis: Axis, seen: int) -> int:
    """How many inputs `seen` outputs of a node stand on at the least, on any plane; 0 where it may be none."""
    reach = (axis.kernel - 1) * axis.dilation
    match node.geometry:
        case "reads":
            return (seen - 1) * axis.stride + 1 + reach
        case "feeds":
            return 0 if axis.has_gaps else max(seen + reach, 0) // axis.stride
        case "resampled":
            return (seen - 1) // axis.stride + 1 if axis.scheme == "half_pixel" else 1
        case "global":
            return 1
        case "pixelwise" | "join":
            return seen
        case _:
            assert_never(node.geometry)
