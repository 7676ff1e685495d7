"""The sizes that theory predicts are those of the closed form's map, straight from their definitions."""

from fractions import Fraction
from math import ceil, floor, sqrt

import msgspec
import numpy as np
import pytest
from hypothesis import assume, given

from pipeline.sizes import theory_columns
from pipeline.sweep.build import build
from pipeline.theory import window
from pipeline.theory.expected import expected, heatmap
from tests.strategies import stems


@given(stems(kinds=("conv", "dw", "t", "up", "bn", "res_pre"), activations=("relu", "linear")))
def test_predictions_are_the_sizes_of_the_expected_map(drawn) -> None:
    stem, plane = drawn
    config = build({"stem": stem, "input": msgspec.to_builtins(plane)})
    found = expected(config)
    assume(found is not None and not found.dead)
    values = heatmap(found, config)
    whole = np.zeros((plane.height, plane.width))
    whole[found.top : found.top + values.shape[0], found.left : found.left + values.shape[1]] = values
    center = window(config.network, config.unit).center
    predicted = theory_columns(config)
    assert predicted.pred_eff_rf == _eff_rf(whole, center[1])
    assert predicted.pred_sigma == pytest.approx(_sigma(whole), rel=1e-9)
    assert predicted.pred_luo == pytest.approx(_luo(whole, *center))


def _eff_rf(whole, center) -> float:
    """The shortest interval about the centre that ends on pixels and holds 90 % of the mass, summed exactly."""
    columns = [sum(map(Fraction, column)) for column in whole.T.tolist()]
    enough = (Fraction(9, 10) - Fraction(1, 10**12)) * sum(columns)
    distances = [abs(x - center) for x in range(len(columns))]
    return next(
        2 * half + 1
        for half in sorted(distances)
        if sum(value for value, far in zip(columns, distances, strict=True) if far <= half) >= enough
    )


def _sigma(whole) -> float:
    """The standard deviation of x, a pixel's value being its weight."""
    x = np.arange(whole.shape[1])
    mean = np.average(x, weights=whole.sum(axis=0))
    return sqrt(np.average((x - mean) ** 2, weights=whole.sum(axis=0)))


def _luo(whole, y, x) -> float | None:
    """sqrt of the number of pixels above 0.0455 of the centre: where it is between pixels, of their mean."""
    height, width = whole.shape
    if not (0 <= y <= height - 1 and 0 <= x <= width - 1):
        return None
    middle = np.mean([whole[i, j] for i in (floor(y), ceil(y)) for j in (floor(x), ceil(x))])
    return sqrt((whole > 0.0455 * middle).sum()) if middle > 0 else None
