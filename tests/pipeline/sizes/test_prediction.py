"""The sizes that theory predicts are those that a heatmap like the closed form's would have."""

import msgspec
import numpy as np
import pytest
from hypothesis import assume, given

from pipeline.sizes.prediction import theory_columns
from pipeline.sizes.sizes import Sample, sizes
from pipeline.sweep.build import build
from pipeline.theory.expected import expected, heatmap
from pipeline.theory.window import window
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
    seen = window(config.network, config.unit)
    (measured,) = sizes([Sample(whole, seen.center, seen)])
    predicted = theory_columns(config)
    assert predicted.pred_eff_rf == measured.eff_rf
    assert predicted.pred_luo == measured.luo
    assert predicted.pred_sigma == pytest.approx(measured.sigma_x, rel=1e-9)
