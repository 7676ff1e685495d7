"""Rings: the pixels at one distance from a centre, and the mass inside each of them.

Distances are counted in half pixels, where they are integers for every centre, on a pixel or between two. So no pixel
is ever on the wrong side of a radius by rounding.
"""

from collections.abc import Callable
from functools import lru_cache, wraps
from threading import Lock

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipeline.sizes.sample import Floats

TOLERANCE = 1e-12
"""A fraction f of the mass is reached at f - 1e-12: sums of float64 may fall short of an exact share by that much."""


_KEPT_BYTES = 2**24
"""Of the rings of squares, and of discs, that are kept: those of 2,000 planes of 32x32, or of one that is larger."""

_DENSE = 32
"""Bytes for each pixel that may be spent to find the levels of its distance."""


class Rings(msgspec.Struct, frozen=True, eq=False):
    """The pixels of a crop (or of one axis of it), sorted into rings.

    ring: intp [pixels], the number of each pixel's ring, row-major. radius: float64 [rings], in pixels, growing.
    """

    ring: NDArray[np.intp]
    radius: Floats


def _kept(make: Callable[[int, int, int, int], Rings]) -> Callable[[int, int, int, int], Rings]:
    """Caches the rings of planes that come again, the latest ones, up to `_KEPT_BYTES` or one."""
    kept: dict[tuple[int, int, int, int], Rings] = {}
    lock = Lock()

    @wraps(make)
    def cached(height: int, width: int, y: int, x: int) -> Rings:
        key = height, width, y, x
        with lock:
            if (found := kept.pop(key, None)) is not None:
                kept[key] = found  # as the latest
                return found
            size = height * width * np.dtype(np.intp).itemsize
            while kept and size + sum(rings.ring.nbytes for rings in kept.values()) > _KEPT_BYTES:
                kept.pop(next(iter(kept)))  # before others are made
        made = make(*key)
        with lock:
            kept[key] = made
        return made

    return cached


@lru_cache(maxsize=32)
def axis_rings(size: int, center: int) -> Rings:
    """Rings of |x - c| on an axis; the centre in half pixels."""
    return _rings(_distance(size, center), root=False)


@_kept
def square_rings(height: int, width: int, y: int, x: int) -> Rings:
    """Rings of max(|y - cy|, |x - cx|), the border of a centred square; the centre (y, x) in half pixels."""
    return _rings(np.maximum(_distance(height, y)[:, None], _distance(width, x)), root=False)


@_kept
def disc_rings(height: int, width: int, y: int, x: int) -> Rings:
    """Rings of the Euclidean distance; the centre (y, x) in half pixels."""
    return _rings(_distance(height, y)[:, None] ** 2 + _distance(width, x) ** 2, root=True)


def mass(values: Floats, rings: Rings) -> Floats:
    """The mass inside each ring, the ring included: float64 [n, rings], never falling along a row.

    values: float64 [n, height, width] of the crop that the rings are of, or [n, size] of their axis.
    """
    n, count = len(values), len(rings.radius)
    ring = rings.ring if n == 1 else (np.arange(n, dtype=np.intp)[:, None] * count + rings.ring).ravel()
    return np.bincount(ring, values.ravel(), n * count).reshape(n, count).cumsum(axis=1)


def reached(mass: Floats, fraction: float) -> NDArray[np.intp]:
    """The number of the first ring inside which there is the fraction of all the mass, to `TOLERANCE`: intp [n].

    mass: float64 [n, rings], as the function `mass` returns it.
    """
    first: NDArray[np.intp] = np.count_nonzero(mass < (fraction - TOLERANCE) * mass[:, -1:], axis=1)
    return first


def _distance(size: int, center: int) -> NDArray[np.int64]:
    return np.abs(2 * np.arange(size, dtype=np.int64) - center)


def _rings(distance: NDArray[np.int64], root: bool) -> Rings:
    """Rings of distances in half pixels, or of their squares (`root`).

    Where levels are dense they are found by marking them, in a quarter of the memory that sorting distances takes.
    """
    least, largest = int(distance.min()), int(distance.max())
    distance -= least  # in place: nobody else has it
    if largest - least < _DENSE * distance.size:
        marked = np.zeros(largest - least + 1, bool)
        marked[distance] = True
        levels = np.flatnonzero(marked)
    else:
        levels = np.unique(distance)
    ring = np.searchsorted(levels, distance.ravel())
    levels = levels + least
    radius = np.sqrt(levels) if root else levels.astype(np.float64)
    return Rings(ring.astype(np.intp, copy=False), radius / 2)
