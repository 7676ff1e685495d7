"""The high-contribution area ratio as the script that came with RepLKNet computes it."""

import numpy as np

from pipeline.sizes.batch import Frame
from pipeline.sizes.rings import TOLERANCE, mass, square_rings
from pipeline.sizes.sample import Floats


def replknet_areas(values: Floats, frame: Frame, fractions: list[float]) -> list[Floats]:
    """(2h+1)^2 / (H*W), h = 1 .. H//2-1 the smallest whose square holds over a fraction of B = log10(E / used + 1).

    The square is centred at (H//2, W//2) and lies on the plane. On a plane higher than wide the script goes on to
    squares wider than the plane: their slices wrap around, and its ratio exceeds 1. There the ratio is NaN.

    values: E / used, float64 [n, height, width] of the frame's crop, not rescaled: the logarithm makes the ratio depend
    on the units of E, which is why it is kept for comparison only. Returns one [n] for each fraction, NaN where no such
    square exceeds it. A share that is exactly the fraction does not exceed it, however the sums are rounded.

    Source: Ding et al. 2022, arXiv 2203.06717, `erf/analyze_erf.py`.
    """
    height, width = frame.plane
    rings = square_rings(*frame.cropped(2 * (height // 2), 2 * (width // 2)))
    inside = mass(np.log10(values + 1), rings)
    with np.errstate(invalid="ignore"):
        share = inside / inside[:, -1:]
    largest = min(height // 2 - 1, (width - 1) // 2)
    areas = []
    for fraction in fractions:
        above = share > fraction + TOLERANCE
        half = np.maximum(rings.radius[above.argmax(axis=1)], 1)
        exists = above.any(axis=1) & (half <= largest)
        areas.append(np.where(exists, (2 * half + 1) ** 2 / (height * width), np.nan))
    return areas
