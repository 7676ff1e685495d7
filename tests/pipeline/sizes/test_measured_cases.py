"""Sizes that were measured by PyTorch's gradients, on stems that once were measured wrongly."""

import pytest

from pipeline.sizes import sample_of, sizes
from pipeline.sweep.build import build
from tests.heatmaps import heatmap_of


def measured(stem, plane):
    config = build({"stem": stem, "input": plane})
    found = heatmap_of(config)
    return sizes([sample_of(config, found.values, found.n_nan)])[0]


@pytest.mark.usefixtures("memory")
def test_wide_layers_of_large_kernels_see_33_pixels():
    """What the second layer reads has more bytes than a thread keeps: its margins are memory that nobody filled."""
    assert measured("1x1:512 4x13x13", 101).eff_rf == 33


@pytest.mark.parametrize(("plane", "luo"), [(21, 21.0), ("224x224x3", 33.4)])
def test_a_plane_that_cuts_off_is_as_large_as_luo(plane, luo):
    assert measured("7x7/2:64 max3x3/2 2xres(2x3x3:64)", plane).luo == pytest.approx(luo, abs=0.05)
