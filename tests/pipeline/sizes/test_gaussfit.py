"""Gaussian fits against sampled Gaussians, whose parameters are known, and against SciPy's least squares."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import least_squares

from pipeline.sizes.gaussfit import fit_gaussians


def fit(heatmap, rows=None, columns=None):
    height, width = heatmap.shape
    rows = np.ones(height, dtype=bool) if rows is None else rows
    columns = np.ones(width, dtype=bool) if columns is None else columns
    found = fit_gaussians(heatmap[None], rows[None], columns[None])
    return found.sigma_x[0], found.sigma_y[0], found.r2[0]


def gaussian(height, width, my, mx, sy, sx):
    y, x = np.mgrid[:height, :width]
    return np.exp(-((y - my) ** 2) / (2 * sy**2) - (x - mx) ** 2 / (2 * sx**2))


def by_scipy(heatmap, start):
    """(sx, sy, R^2) by MINPACK's Levenberg-Marquardt on the residuals of every pixel."""
    y, x = np.mgrid[: heatmap.shape[0], : heatmap.shape[1]]

    def residuals(p):
        a, mx, my, log_sx, log_sy = p
        model = a * np.exp(-((x - mx) ** 2) * np.exp(-2 * log_sx) / 2 - (y - my) ** 2 * np.exp(-2 * log_sy) / 2)
        return (model - heatmap).ravel()

    found = least_squares(residuals, start, method="lm", xtol=1e-14, ftol=1e-14, gtol=1e-14, max_nfev=5000)
    spread = ((heatmap - heatmap.mean()) ** 2).sum()
    return np.exp(found.x[3]), np.exp(found.x[4]), 1 - 2 * found.cost / spread


@given(
    st.tuples(st.floats(6, 14), st.floats(6, 14)),
    st.tuples(st.floats(0.5, 12), st.floats(0.5, 12)),
    st.tuples(st.integers(16, 24), st.integers(16, 24)),
)
def test_a_sampled_gaussian_is_found_even_when_the_window_cuts_it(mean, sigma, shape):
    heatmap = gaussian(*shape, *mean, *sigma)
    sigma_x, sigma_y, r2 = fit(heatmap / heatmap.max())
    assert sigma_x == pytest.approx(sigma[1], rel=1e-7)
    assert sigma_y == pytest.approx(sigma[0], rel=1e-7)
    assert r2 == pytest.approx(1, abs=1e-10)


@pytest.mark.parametrize("seed", range(20))
def test_a_noisy_bell_has_the_fit_that_scipy_finds(seed):
    rng = np.random.default_rng(seed)
    height, width = rng.integers(9, 22, size=2)
    sy, sx = rng.uniform(0.15, 0.3, size=2) * (height, width)
    noise = rng.gamma(9, 1 / 9, size=(height, width))
    heatmap = gaussian(height, width, height / 2, width / 2 - 1, sy, sx) * noise
    heatmap /= heatmap.max()
    start = [1.0, width / 2 - 1, height / 2, np.log(sx), np.log(sy)]
    assert fit(heatmap) == pytest.approx(by_scipy(heatmap, start), rel=1e-6)


def test_pixels_outside_the_window_do_not_count():
    inner = gaussian(9, 11, 4.2, 5.1, 2.0, 3.0) * np.random.default_rng(0).gamma(9, 1 / 9, size=(9, 11))
    inner /= inner.max()
    plane = np.random.default_rng(1).uniform(size=(20, 20))
    plane[3:12, 5:16] = inner
    inside = np.zeros((2, 20), dtype=bool)
    inside[0, 3:12] = inside[1, 5:16] = True
    assert fit(plane, *inside) == pytest.approx(fit(inner), rel=1e-9)


@pytest.mark.parametrize(
    "heatmap",
    [
        np.zeros((9, 9)),
        np.ones((9, 9)),  # sigma would be infinite
        np.ones((3, 3)) - np.pad([[0.5]], 1),  # curved upwards
        np.pad([[1.0]], 4),  # one pixel: sigma would be zero
        np.pad([[1.0, 0.5]], 4),
        np.outer([0, 1, 0], np.hanning(9)),
        np.hanning(9)[None],
        np.hanning(9)[:, None],
        np.outer(np.hanning(9), [1, 1.0]),
        np.ones((1, 1)),
    ],
)
def test_maps_that_no_gaussian_fits_best_have_none(heatmap):
    assert np.isnan(fit(heatmap.astype(float))).all()


def test_every_map_is_fitted_as_if_it_were_alone():
    rng = np.random.default_rng(3)
    maps = rng.gamma(2, size=(40, 15, 13)) * gaussian(15, 13, 7, 6, 3, 2)
    maps[5], maps[9] = 0, 1
    maps /= maps.max(axis=(1, 2), keepdims=True).clip(1e-300)
    found = fit_gaussians(maps, np.ones((40, 15), dtype=bool), np.ones((40, 13), dtype=bool))
    alone = np.array([fit(heatmap) for heatmap in maps])
    assert np.array_equal(np.stack([found.sigma_x, found.sigma_y, found.r2], axis=1), alone, equal_nan=True)
    assert np.isnan(alone).any(axis=1).sum() < 10
