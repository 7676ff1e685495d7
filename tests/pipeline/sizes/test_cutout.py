"""The part of a heatmap that is drawn: window, effective square, block means and levels, worked out by hand."""

import numpy as np
import pytest

from pipeline.config import Config
from pipeline.sizes import block_means, cutout, levels
from pipeline.stem import Plane

# (stem, plane, side of the square) and the window's (top, left, height, width), centre, and square, all inclusive.
CASES = [
    # 1 + 4 * 2 = 9 pixels around (10, 10); a square of 7 reaches 3 to each side.
    ("4x3x3", Plane(21, 21), 7.0, (6, 6, 9, 9), (10.0, 10.0), (7, 13, 7, 13)),
    # The window of 41 leaves a plane of 21: what is left is the plane.
    ("20x3x3", Plane(21, 21), 5.0, (0, 0, 21, 21), (10.0, 10.0), (8, 12, 8, 12)),
    # Three rows and five columns around (4, 6).
    ("3x5", Plane(9, 13), 3.0, (3, 4, 3, 5), (4.0, 6.0), (3, 5, 5, 7)),
    # A kernel of two without padding on its right: unit (5, 5) reads 4 to 5 of each axis, with its centre between them.
    ("2x2p0", Plane(11, 11), 2.0, (5, 5, 2, 2), (5.5, 5.5), (5, 6, 5, 6)),
]


@pytest.mark.parametrize(("stem", "plane", "side", "part", "center", "square"), CASES)
def test_a_cutout_is_the_window_within_the_plane(
    stem: str,
    plane: Plane,
    side: float,
    part: tuple[int, int, int, int],
    center: tuple[float, float],
    square: tuple[int, int, int, int],
) -> None:
    heatmap = np.arange(plane.height * plane.width, dtype=np.float64).reshape(plane.height, plane.width)
    found = cutout(Config(stem, plane), heatmap, side)
    assert found is not None
    top, left, height, width = part
    assert (found.top, found.left, found.values.shape) == (top, left, (height, width))
    assert found.values[0, 0] == top * plane.width + left
    assert (found.center, found.square) == (center, square)


def test_the_square_may_stand_in_the_middle_of_the_plane() -> None:
    found = cutout(Config("3x3", Plane(6, 8)), np.ones((6, 8)), 3.0, "plane")
    assert found is not None
    # ((6 - 1) / 2, (8 - 1) / 2), and integer half-widths: |y - 2.5| <= 1 are rows 2 and 3.
    assert (found.center, found.square) == ((2.5, 3.5), (2, 3, 3, 4))
    found = cutout(Config("3x3", Plane(6, 8)), np.ones((6, 8)), None)
    assert found is not None
    assert found.square is None


def test_nothing_is_cut_out_where_the_unit_sees_nothing() -> None:
    # Four pixels feed the outputs 0, 3, 6 and 9 of ten; the unit in the middle, 5, is fed by none.
    assert cutout(Config("t1x1/3p0", Plane(4, 4)), np.zeros((4, 4)), None) is None


def test_blocks_at_the_border_are_means_of_what_they_hold() -> None:
    values = np.array([[1.0, 3.0, 5.0], [5.0, 7.0, 9.0], [2.0, 4.0, 8.0]])
    assert block_means(values, 2).tolist() == [[4.0, 7.0], [3.0, 8.0]]
    assert block_means(values, 1) is values
    assert block_means(values, 3).tolist() == [[44 / 9]]


def test_levels_tell_zero_from_the_least_value() -> None:
    values = np.array([[0.0, 1e-300, 0.5, 2.0]])
    found = levels(values)
    assert found[0, 0] == 0 < found[0, 1]
    assert found[0, 2:].tolist() == [0.25, 1.0]
    logarithmic = levels(np.array([[0.0, 1e-9, 1e-6, 1e-3, 1.0]]), log=True)
    assert logarithmic[0, 0] == 0 < logarithmic[0, 1] <= logarithmic[0, 2]
    assert logarithmic[0, 2:] == pytest.approx([0, 0.5, 1], abs=1e-15)
    assert levels(np.zeros((2, 2))).tolist() == [[0, 0], [0, 0]]
