"""The n-fold self-convolution of a box, in exact arithmetic: the heatmap of n linear layers of uniform kernels.

Luo et al. 2016 derive it; the numbers were computed with integers and fractions, apart from this code.
"""

from typing import NamedTuple


class Convolved(NamedTuple):
    """`layers` boxes of `kernel` pixels convolved with each other.

    window: side of the result in px. sigma: its deviation along an axis, px. square_50, square_90: sides of the centred
    squares with that share of the sum. axis_90: side of the centred interval of a profile. luo: root of the number of
    pixels above 4.55 % of the largest. luo_root: the same of the square-rooted result. share: the centre's of the sum.
    """

    kernel: int
    layers: int
    window: int
    sigma: float
    square_50: int
    square_90: int
    axis_90: int
    luo: float
    luo_root: float
    share: float


BOXES = [
    Convolved(3, 1, 3, 0.816497, 3, 3, 3, 3.0000, 3.0000, 1 / 9),
    Convolved(3, 2, 5, 1.154701, 3, 5, 5, 5.0000, 5.0000, 1 / 9),
    Convolved(3, 4, 9, 1.632993, 5, 7, 7, 7.0000, 9.0000, 361 / 6561),
    Convolved(3, 10, 21, 2.581989, 7, 11, 9, 11.7047, 15.5242, 0.02298858),
    Convolved(3, 20, 41, 3.651484, 9, 15, 13, 16.1555, 22.7376, 0.01171402),
    Convolved(3, 40, 81, 5.163978, 11, 21, 17, 22.7376, 31.9531, 0.00591251),
    Convolved(5, 4, 17, 2.828427, 7, 11, 11, 12.6886, 16.4012, 0.018496),
    Convolved(9, 1, 9, 2.581989, 7, 9, 9, 9.0000, 9.0000, 1 / 81),
]
