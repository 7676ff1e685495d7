"""What is read off the profiles of heatmaps: centroid, standard deviation and full width at half maximum."""

import numpy as np
from numpy.typing import NDArray

from pipeline.sizes.batch import Frame
from pipeline.sizes.sample import Floats


def moments(profile: Floats) -> tuple[Floats, Floats]:
    """(mean, standard deviation), each float64 [n], of the rows of `profile`, float64 [n, size], in pixel indices.

    mean = sum(w x) / sum(w), variance = sum(w (x - mean)^2) / sum(w), in two passes: nothing cancels.
    """
    share = profile / profile.sum(axis=1, keepdims=True)
    index = np.arange(profile.shape[1], dtype=np.float64)
    mean = (share * index).sum(axis=1)
    variance = (share * (index - mean[:, None]) ** 2).sum(axis=1)
    return mean, np.sqrt(variance)


def central_row(values: Floats, center: int) -> Floats:
    """The row through the centre, or the mean of the two rows around it: float64 [n, width].

    values: float64 [n, height, width]. center: y in half pixels.
    """
    return values[:, center // 2] if center % 2 == 0 else (values[:, center // 2] + values[:, center // 2 + 1]) / 2


def at_center(row: Floats, center: int) -> Floats:
    """The value at the centre, or the mean of its two neighbours: float64 [n].

    row: float64 [n, width]. center: x in half pixels.
    """
    return row[:, center // 2] if center % 2 == 0 else (row[:, center // 2] + row[:, center // 2 + 1]) / 2


def fwhm(row: Floats, center: int, closed: tuple[bool, bool]) -> Floats:
    """Full width at half maximum in pixels, float64 [n]: from the first crossing of half the centre's value on the left
    to the first on the right, by linear interpolation between pixels.

    row: float64 [n, width]. center: in half pixels, on the row. closed: whether the row ends, on the left and on the
    right, at the border of the plane; elsewhere zeros follow. NaN where a side has no crossing before the border or the
    centre is zero.
    """
    value = at_center(row, center)
    # Both sides start at the centre itself, so that a centre between two pixels is a sample like any other.
    left = row[:, (center - 1) // 2 :: -1] if center > 0 else row[:, :0]
    right = row[:, center // 2 + 1 :]
    first = 1.0 - 0.5 * (center % 2)
    width = _crossing(value, left, first, closed[0]) + _crossing(value, right, first, closed[1])
    return np.where(value > 0, width, np.nan)


def borders(frame: Frame) -> tuple[tuple[bool, bool], tuple[bool, bool]]:
    """Whether the crop ends at the border of the plane: ((top, bottom), (left, right))."""
    (height, width), (top, bottom), (left, right) = frame.plane, frame.rows, frame.columns
    return (top == 0, bottom == height), (left == 0, right == width)


def _crossing(value: Floats, side: Floats, first: float, closed: bool) -> Floats:
    """Distance from the centre to the first crossing on a side: [n, pixels] outwards, the first at distance `first`."""
    n = len(value)
    ends = [value[:, None], side] if closed else [value[:, None], side, np.zeros((n, 1))]
    path = np.concatenate(ends, axis=1)
    distance = np.concatenate([[0.0], first + np.arange(path.shape[1] - 1)])
    below: NDArray[np.bool_] = path <= value[:, None] / 2
    after = below.argmax(axis=1)
    crosses = below.any(axis=1) & (after > 0)
    after = np.where(crosses, after, min(1, path.shape[1] - 1))
    index, before = np.arange(n), np.maximum(after - 1, 0)
    high, low = path[index, before], path[index, after]
    fall = np.where(crosses, high - low, 1.0)
    share = (high - value / 2) / fall
    return np.where(crosses, distance[before] + share * (distance[after] - distance[before]), np.nan)
