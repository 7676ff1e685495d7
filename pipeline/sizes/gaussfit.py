"""Gaussians fitted to heatmaps by least squares, all heatmaps of a batch at once.

The model is M = A gx(x) gy(y) on the clipped window, no offset, every pixel with the same weight. Three things make it
cheap. It is separable, so each sum over pixels is a product of E with two short bases, Y' E X. It is the exponential
of a polynomial,

    log M = log A + bx u + by v - qx u^2 - qy v^2,     sigma = s / sqrt(2 q),

whose derivatives are M times the monomials p = (u, v, -u^2, -v^2), so all of gradient and Hessian are moments of E M
and of M^2 up to the fourth order (u, v: coordinates about the centroid of E in units s). And A is linear: its best
value makes sum(E M) = sum(M^2) = T, and eliminating it leaves four unknowns. With E1, E2 the means under the weights
M^2 / T and E M / T, and e = 2 E1 - E2, half the sum of squares has, in units of T,

    gradient  E1[p] - E2[p]        Hessian  e[p p'] - e[p] e[p]'.

Newton's step is damped as by Levenberg (1944) and Marquardt (1963) wherever the Hessian is not positive definite or the
step does not lower the sum of squares. Half of it is (sum E^2 - (sum E g)^2 / sum g^2) / 2 with g = M / A.
"""

from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipeline.sizes.profiles import moments
from pipeline.sizes.sample import Floats

_STEPS = 60
_DAMPING = 0.1  # to begin with: noisy maps in small windows start too far off for the whole of Newton's step
_SETTLED = 1e-12  # length (length + damping), in units of s: the order of the step after this one
_SLACK = 1e-14  # of the explained share: what rounding may take from it at the minimum

_NARROWEST = 0.2
"""Sigmas below this many pixels are not resolved: a pixel away the model has fallen under 4e-6 of its peak, its square
under 2e-11, and the sum of squares no longer says anything of sigma."""

_FLATTEST = 1e-6
"""A fit whose logarithm bends by less than this across the window is flat: its sigma is rounding, or infinite."""

# p = (u, v, -u^2, -v^2), as powers of v and u; and the products p_i p_j, as places in a flat 5 x 5 table of moments.
_U = np.array([1, 0, 2, 0])
_V = np.array([0, 1, 0, 2])
_SIGN = np.array([1.0, 1.0, -1.0, -1.0])[:, None]
_FIRST = 5 * _V + _U
_SECOND = _FIRST[:, None] + _FIRST

Flags: TypeAlias = NDArray[np.bool_]


class Gaussians(msgspec.Struct, frozen=True, eq=False):
    """Fits of [n] heatmaps: standard deviations in pixels and R^2, NaN where the fit does not converge."""

    sigma_x: Floats
    sigma_y: Floats
    r2: Floats


class _Grids(msgspec.Struct, frozen=True, eq=False):
    """Heatmaps on their grids: e [n, h, w]; powers 0 .. 4 of u [n, 5, w] and v [n, 5, h], zero outside the window."""

    e: Floats
    u: Floats
    v: Floats

    def pick(self, which: Flags) -> "_Grids":
        return _Grids(self.e[which], self.u[which], self.v[which])


class _State(msgspec.Struct, frozen=True, eq=False):
    """At parameters p [4, n]: (sum E g)^2 / sum g^2 [n], and moments [25, n] under M^2 / T and E M / T."""

    p: Floats
    explained: Floats
    model: Floats
    data: Floats

    def pick(self, which: Flags) -> "_State":
        return _State(self.p[:, which], self.explained[which], self.model[:, which], self.data[:, which])

    def overwrite(self, which: Flags, other: "_State") -> None:
        np.copyto(self.p, other.p, where=which)
        np.copyto(self.explained, other.explained, where=which)
        np.copyto(self.model, other.model, where=which)
        np.copyto(self.data, other.data, where=which)


def fit_gaussians(values: Floats, rows: Flags, columns: Flags) -> Gaussians:
    """Least squares of A, mx, my, sx and sy for each heatmap over its own window.

    values: float64 [n, height, width], >= 0, maxima near one. rows [n, height] and columns [n, width]: the pixels of
    each clipped window. R^2 is 1 - sum((E - M)^2) / sum((E - mean E)^2) over the window.

    A fit is NaN where the window is narrower than three pixels on an axis (two do not tell a mean from a sigma), where
    it is flat or curved upwards (the best sigma is infinite), or where it shrinks below the grid.
    """
    n = len(values)
    sigma_x, sigma_y, r2 = (np.full(n, np.nan) for _ in range(3))
    pixels = np.count_nonzero(rows, axis=1), np.count_nonzero(columns, axis=1)
    e = values * rows[:, :, None] * columns[:, None, :]
    live = (pixels[0] >= 3) & (pixels[1] >= 3) & e.any(axis=(1, 2))
    if not live.any():
        return Gaussians(sigma_x, sigma_y, r2)
    positions = np.flatnonzero(live)
    e, counts = e[live], (pixels[0] * pixels[1])[live]
    v, scale_y = _grid(e.sum(axis=2), rows[live])
    u, scale_x = _grid(e.sum(axis=1), columns[live])
    # Steps that go nowhere overflow or divide by zero, and are refused; a fit that ends there is NaN all the way.
    with np.errstate(all="ignore"):
        p, explained = _minimum(_Grids(e, u, v))
        found_x, found_y = scale_x / np.sqrt(2 * p[2]), scale_y / np.sqrt(2 * p[3])
        squares = (e * e).sum(axis=(1, 2))
        spread = squares - e.sum(axis=(1, 2)) ** 2 / counts
        found_r2 = 1 - np.maximum(squares - explained, 0) / spread
        bends = (pixels[1][live] / found_x) ** 2 / 8, (pixels[0][live] / found_y) ** 2 / 8
    good = (np.minimum(*bends) > _FLATTEST) & (np.minimum(found_x, found_y) >= _NARROWEST) & (spread > 0)
    positions = positions[good]
    sigma_x[positions], sigma_y[positions], r2[positions] = found_x[good], found_y[good], found_r2[good]
    return Gaussians(sigma_x, sigma_y, r2)


def _grid(profile: Floats, inside: Flags) -> tuple[Floats, Floats]:
    """Powers 0 .. 4 of the coordinate about the centroid, [n, 5, size], zero outside, and the unit of length s [n]."""
    mean, sigma = moments(profile)
    scale = np.maximum(sigma, 0.35)
    powers = np.empty((len(profile), 5, profile.shape[1]))
    powers[:, 0] = inside
    powers[:, 1] = (np.arange(profile.shape[1]) - mean[:, None]) / scale[:, None] * inside
    np.multiply(powers[:, 1], powers[:, 1], out=powers[:, 2])
    np.multiply(powers[:, 2, None], powers[:, 1:3], out=powers[:, 3:])
    return powers, scale


def _minimum(grids: _Grids) -> tuple[Floats, Floats]:
    """(parameters [4, n], explained [n]) at the minimum of the sum of squares; NaN where none is found."""
    n = len(grids.e)
    found, explained = np.full((4, n), np.nan), np.full(n, np.nan)
    positions = np.arange(n)
    damping = np.full(n, _DAMPING)
    state = _state(grids, np.repeat([[0.0], [0.0], [0.5], [0.5]], n, axis=1))
    for _ in range(_STEPS):
        step, downhill = _step(state, damping)
        trial = _state(grids, state.p + step)
        better = downhill & (trial.explained >= state.explained * (1 - _SLACK))
        state.overwrite(better, trial)
        length = np.abs(step).max(axis=0)
        settled = better & (length * (length + damping) < _SETTLED)
        # Beyond 1e12 no step is left to take; beyond q = 1e3 a sigma is long below the grid, or a millionth of itself.
        lost = ~settled & ((damping > 1e12) | (state.p[2:].max(axis=0) > 1e3))
        damping = np.where(better, np.where(damping < 1e-3, 0.0, damping / 5), np.maximum(damping * 10, _DAMPING))
        over = settled | lost
        if over.any():
            found[:, positions[settled]], explained[positions[settled]] = state.p[:, settled], state.explained[settled]
            going = ~over
            if not going.any():
                break
            grids, state = grids.pick(going), state.pick(going)
            positions, damping = positions[going], damping[going]
    return found, explained


def _state(grids: _Grids, p: Floats) -> _State:
    bx, by, qx, qy = p[:, :, None]
    gx = np.exp((bx - qx * grids.u[:, 1]) * grids.u[:, 1])
    gy = np.exp((by - qy * grids.v[:, 1]) * grids.v[:, 1])
    x, y = grids.u * gx[:, None], grids.v * gy[:, None]
    data = ((y @ grids.e) @ x.transpose(0, 2, 1)).reshape(-1, 25).T
    model_x, model_y = (x @ gx[:, :, None])[:, :, 0].T, (y @ gy[:, :, None])[:, :, 0].T
    model = (model_y[:, None] * model_x).reshape(25, -1)
    explained = data[0] ** 2 / model[0]
    return _State(p, explained, model / model[0], data / data[0])


def _step(state: _State, damping: Floats) -> tuple[Floats, Flags]:
    """(step [4, n], whether the damped Hessian is positive definite, so that the step goes downhill [n])."""
    model, mixed = state.model, 2 * state.model - state.data
    # The signs of u^2 and v^2 are left out of the matrix and put on both sides of the equation instead.
    mean = mixed[_FIRST]
    hessian = mixed[_SECOND] - mean[:, None] * mean
    for i in range(4):
        hessian[i, i] += damping * (model[_SECOND[i, i]] - model[_FIRST[i]] ** 2)
    solution, positive = _solved(hessian, (state.data - model)[_FIRST])
    return _SIGN * solution, positive


def _solved(matrix: Floats, right: Floats) -> tuple[Floats, Flags]:
    """x [4, n] of the systems [4, 4, n] x = [4, n], eliminated without pivoting, and whether every pivot is positive.

    That is so exactly for positive definite matrices, the only ones whose solution is used.
    """
    system = np.concatenate([matrix, right[:, None]], axis=1)
    for k in range(3):
        factor = system[k + 1 :, k] / system[k, k]
        system[k + 1 :, k + 1 :] -= factor[:, None] * system[k, k + 1 :]
    solution = system[:, 4]
    for k in reversed(range(4)):
        solution[k] /= system[k, k]
        solution[:k] -= system[:k, k] * solution[k]
    positive: Flags = (system[0, 0] > 0) & (system[1, 1] > 0) & (system[2, 2] > 0) & (system[3, 3] > 0)
    return solution, positive
