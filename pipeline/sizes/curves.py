"""Mass curves: the fraction of a heatmap's total inside radius r, for the square, the two axes and the disc."""

from collections.abc import Sequence
from functools import lru_cache
from math import ceil, hypot

import numpy as np
from numpy.typing import NDArray

from pipeline.sizes.batch import Frame, batches
from pipeline.sizes.rings import Rings, axis_rings, disc_rings, mass, square_rings
from pipeline.sizes.sample import Center, Floats, Sample

CURVES = ("square", "x", "y", "radial")
"""The rows of a result's curves, in this order."""


def curves(samples: Sequence[Sample], center: Center = "unit") -> list[Floats | None]:
    """The four mass curves of each heatmap, None for a dead one.

    Each is float64 [4, R+1]: the share of the mass with |x-c| <= r and |y-c| <= r, with |x-c| <= r, with |y-c| <= r,
    and within the Euclidean distance r, at r = 0, 1, ..., R pixels. R is max(height, width), or the first integer that
    reaches the farthest pixel where that is more. No row falls, and each ends at exactly 1. The square is the curve
    that the original program writes. Raises InputError as `pipeline.sizes.batch.batches` does.
    """
    found: list[Floats | None] = [None] * len(samples)
    for batch in batches(samples, center):
        frame, values = batch.frame, batch.values
        height, width, y, x = frame.cropped(*frame.center)
        masses = (
            (mass(values, square_rings(height, width, y, x)), square_rings(height, width, y, x)),
            (mass(values.sum(axis=1), axis_rings(width, x)), axis_rings(width, x)),
            (mass(values.sum(axis=2), axis_rings(height, y)), axis_rings(height, y)),
            (mass(values, disc_rings(height, width, y, x)), disc_rings(height, width, y, x)),
        )
        last = _last_radius(frame)
        rows = np.stack([_at_integers(inside, rings, last) for inside, rings in masses], axis=1)
        rows /= rows[:, :, -1:]
        for position, row in zip(batch.positions, rows, strict=True):
            found[position] = row.copy()
    return found


def _at_integers(inside: Floats, rings: Rings, last: int) -> Floats:
    padded = np.concatenate([np.zeros((len(inside), 1)), inside], axis=1)
    return padded[:, _rings_within(rings, last)]


def _rings_within(rings: Rings, last: int) -> NDArray[np.intp]:
    """[last + 1]: how many rings lie within each integer radius."""
    return np.searchsorted(rings.radius, np.arange(last + 1), side="right")


def radius_count(plane: tuple[int, int], center: tuple[float, float]) -> int:
    """R+1, the number of radii of curves on a plane (height, width) about a centre (y, x)."""
    return _last(plane, center) + 1


def _last_radius(frame: Frame) -> int:
    y, x = frame.center
    return _last(frame.plane, (y / 2, x / 2))


@lru_cache(maxsize=1024)
def _last(plane: tuple[int, int], center: tuple[float, float]) -> int:
    (height, width), (y, x) = plane, center
    farthest = hypot(max(abs(y), abs(height - 1 - y)), max(abs(x), abs(width - 1 - x)))
    return max(height, width, ceil(farthest))
