"""Rings: the pixels at one distance from a centre, and the mass inside each of them.

Distances are counted in half pixels, where they are integers for every centre, on a pixel or between two. So no pixel
is ever on the wrong side of a radius by rounding.
"""

from functools import lru_cache

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipeline.sample import Floats

TOLERANCE = 1e-12
"""A fraction f of the mass is reached at f - 1e-12: sums of float64 may fall short of an exact share by that much."""


class Rings(msgspec.Struct, frozen=True, eq=False):
    """The pixels of a crop (or of one axis of it), sorted into rings.

    ring: intp [pixels], the number of each pixel's ring, row-major. radius: float64 [rings], in pixels, growing.
    """

    ring: NDArray[np.intp]
    radius: Floats


@lru_cache(maxsize=256)
def axis_rings(size: int, center: int) -> Rings:
    """Rings of |x - c| on an axis; the centre in half pixels."""
    return _rings(_distance(size, center), root=False)


@lru_cache(maxsize=16)
def square_rings(height: int, width: int, y: int, x: int) -> Rings:
    """Rings of max(|y - cy|, |x - cx|), the border of a centred square; the centre (y, x) in half pixels."""
    return _rings(np.maximum(_distance(height, y)[:, None], _distance(width, x)), root=False)


@lru_cache(maxsize=16)
def disc_rings(height: int, width: int, y: int, x: int) -> Rings:
    """Rings of the Euclidean distance; the centre (y, x) in half pixels."""
    return _rings(_distance(height, y)[:, None] ** 2 + _distance(width, x) ** 2, root=True)


def mass(values: Floats, rings: Rings) -> Floats:
    """Mass inside each ring, the ring included.

    values: [n, ...] with as many pixels as the rings have. Returns [n, rings], never falling along a row.
    """
    n, count = len(values), len(rings.radius)
    ring = rings.ring if n == 1 else (np.arange(n, dtype=np.intp)[:, None] * count + rings.ring).ravel()
    return np.bincount(ring, values.ravel(), n * count).reshape(n, count).cumsum(axis=1)


def reached(mass: Floats, fraction: float) -> NDArray[np.intp]:
    """[n]: the first ring inside which there is the fraction of all the mass, to `TOLERANCE`."""
    first: NDArray[np.intp] = np.count_nonzero(mass < (fraction - TOLERANCE) * mass[:, -1:], axis=1)
    return first


def _distance(size: int, center: int) -> NDArray[np.int64]:
    return np.abs(2 * np.arange(size, dtype=np.int64) - center)


def _rings(distance: NDArray[np.int64], root: bool) -> Rings:
    levels, ring = np.unique(distance, return_inverse=True)
    radius = np.sqrt(levels) if root else levels.astype(np.float64)
    return Rings(ring.ravel().astype(np.intp, copy=False), radius / 2)
