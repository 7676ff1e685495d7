"""Two heatmaps laid on each other by the centres of their units: their shares of the mass, difference and profiles."""

from typing import TYPE_CHECKING

import msgspec

from store.asking.pictured import Framed, Pictured

if TYPE_CHECKING:
    from pipeline.sizes import Floats


class Profile(msgspec.Struct, frozen=True, eq=False):
    """The share of the mass in each column of a heatmap.

    at: float64 [width], the distance of a column from the unit's centre in px. share: float64 [width], its sum is 1.
    """

    at: "Floats"
    share: "Floats"


class Pair(msgspec.Struct, frozen=True, eq=False):
    """Two results, a and b, to be drawn beside each other.

    difference: float64 [height, width], the share of b's mass in a pixel less that of a's, on the smallest grid that
    holds both planes; None where the centre of one unit lies on a pixel and that of the other between two. top, left:
    the distance of its first row and column from the centres, in px. profiles: of a and b, None of a dead one.
    """

    a: Pictured
    b: Pictured
    difference: "Floats | None"
    top: float
    left: float
    profiles: tuple[Profile | None, Profile | None]


def pictured_pair(a: Pictured, b: Pictured) -> Pair:
    """Lays two results on each other. A heatmap without a gradient has no shares, and the pair no difference."""
    sides = [(each.framed, each.framed.heatmap) for each in (a, b) if each.framed is not None and each.missing is None]
    profiles = (_profile(a), _profile(b))
    if len(sides) < 2:
        return Pair(a, b, None, 0.0, 0.0, profiles)
    corners = [tuple(-center for center in framed.center) for framed, _ in sides]
    top, left = (min(corner[axis] for corner in corners) for axis in (0, 1))
    places = [(corner[0] - top, corner[1] - left) for corner in corners]
    if any(not place.is_integer() for both in places for place in both):
        return Pair(a, b, None, top, left, profiles)
    import numpy as np

    ends = [
        [int(place[axis]) + heatmap.shape[axis] for place, (_, heatmap) in zip(places, sides, strict=True)]
        for axis in (0, 1)
    ]
    difference = np.zeros((max(ends[0]), max(ends[1])))
    for sign, place, (_, heatmap) in zip((-1, 1), places, sides, strict=True):
        y, x = int(place[0]), int(place[1])
        difference[y : y + heatmap.shape[0], x : x + heatmap.shape[1]] += sign * (heatmap / heatmap.sum())
    return Pair(a, b, difference, top, left, profiles)


def _profile(of: Pictured) -> Profile | None:
    import numpy as np

    framed: Framed | None = of.framed
    if framed is None or of.missing is not None:
        return None
    columns = framed.heatmap.sum(axis=0)
    at = np.arange(len(columns), dtype=np.float64) - framed.center[1]
    return Profile(np.asarray(at, dtype=np.float64), columns / columns.sum())
