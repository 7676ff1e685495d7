"""Every size of a heatmap, by the definition that its name has in the literature.

One heatmap gives 5 to 15 pixels for ten uniform 3x3 layers, depending on who is asked. So each size here is named,
all are read from the one stored heatmap, and one that does not exist is None with its reason.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError, quote
from pipeline.result import Sizes
from pipeline.scale import FARTHEST
from pipeline.sizes.batch import Batch, Frame, batches
from pipeline.sizes.gaussfit import Gaussians, fit_gaussians
from pipeline.sizes.profiles import at_center, borders, central_row, fwhm, moments
from pipeline.sizes.replknet import replknet_areas
from pipeline.sizes.rings import Rings, axis_rings, disc_rings, mass, reached, square_rings
from pipeline.sizes.sample import Center, Floats, Sample

__all__ = ["Center", "Sample", "sizes"]

FRACTION = 0.9
"""The share of the mass that the columns of a stored result are about."""

LUO_THRESHOLD = 0.0455
"""1 - 0.9545, the share of a normal variable beyond two standard deviations (Luo et al. 2016, section 3)."""

AREAS = {"20": 0.2, "30": 0.3, "50": 0.5, "99": 0.99}
"""The fractions of the area ratios (Ding et al. 2022, arXiv 2203.06717)."""

DEAD = "dead"
OUTSIDE = "outside the plane"
ZERO = "centre is zero"
BORDER = "at the border"
UNFIT = "no convergence"
UNREACHED = "not reached"
EMPTY = "empty window"
BEYOND = "scale not kept"

COLUMNS = tuple(name for name in Sizes.__struct_fields__ if name != "reasons")
_DIVIDED_BY_WINDOW = {"ratio": "eff_rf", "ratio_y": "eff_rf_y", "luo_ratio": "luo"}
_ABOUT_CENTER = frozenset({"luo", "luo_ratio", "fwhm_x", "fwhm_y"})
_DEAD = Sizes(reasons=dict.fromkeys(COLUMNS, DEAD))


def sizes(samples: Sequence[Sample], fraction: float = FRACTION, center: Center = "unit") -> list[Sizes]:
    """All sizes of each heatmap, in pixels; `pipeline.result.Sizes` says what each column is.

    fraction: what `eff_rf`, `eff_rf_y`, `eff_square`, their ratios, `radial` and `hdr` hold of the mass, in (0, 1].
    center: where the centred sizes are centred. `unit` is the centre of the window; half-widths then run over 0, 1, ...
    or, between two pixels, over 1/2, 3/2, ... `plane` is ((H-1)/2, (W-1)/2) with integer half-widths on every plane, as
    the original program has it: where the side is even, its diameters can exceed the theoretical receptive field.

    A size is the same bits whatever else is in the batch, and but for `replknet_*` it does not depend on the heatmap's
    scale. Raises InputError for a fraction outside (0, 1], and as `pipeline.sizes.batch.batches` does.
    """
    if not 0 < fraction <= 1:
        raise InputError(f"The fraction of the mass is above 0 and at most 1, not {quote(fraction)}.")
    found = [_DEAD] * len(samples)
    for batch in batches(samples, center):
        members = [samples[position] for position in batch.positions]
        columns = _columns(batch, members, fraction, integer=center == "plane")
        table: Floats = np.stack([columns[name] for name in COLUMNS], axis=1)
        missing: list[bool] = np.logical_or.reduce(np.isnan(table), axis=1).tolist()
        zero, scaled = (_center_value(batch) == 0).tolist(), _has_scale(batch).tolist()
        for i, (position, row) in enumerate(zip(batch.positions, table.tolist(), strict=True)):
            if missing[i]:
                found[position] = _with_reasons(row, batch.frame.on_plane, zero[i], scaled[i])
            else:
                found[position] = Sizes(**dict(zip(COLUMNS, row, strict=True)))
    return found


def _columns(batch: Batch, members: list[Sample], fraction: float, integer: bool) -> dict[str, Floats]:
    """Every column as float64 [n], NaN where there is no such size."""
    values, frame = batch.values, batch.frame
    height, width, y, x = frame.cropped(*frame.center)
    profile_x, profile_y = values.sum(axis=1), values.sum(axis=2)
    squares = square_rings(height, width, y, x)
    in_square = mass(values, squares)
    eff_rf = _side(mass(profile_x, axis_rings(width, x)), axis_rings(width, x), fraction, integer)
    eff_rf_y = _side(mass(profile_y, axis_rings(height, y)), axis_rings(height, y), fraction, integer)
    discs = disc_rings(height, width, y, x)
    centroid_x, sigma_x = moments(profile_x)
    centroid_y, sigma_y = moments(profile_y)
    theo_rf = np.array([sample.window.width or np.nan for sample in members], dtype=np.float64)
    theo_rf_y = np.array([sample.window.height or np.nan for sample in members], dtype=np.float64)
    luo = _luo(batch)
    gaussians = _gaussians(batch, members)
    fwhm_x, fwhm_y = _fwhm(batch)
    areas = {
        f"area_{name}": _share_of_plane(_half(in_square, squares, share, integer), frame)
        for name, share in AREAS.items()
    }
    used = np.array([sample.used for sample in members], dtype=np.float64)
    known = _has_scale(batch)
    ratios = replknet_areas(values * (batch.unscale / used)[:, None, None], frame, list(AREAS.values()))
    total = profile_x.sum(axis=1)
    return {
        "eff_rf": eff_rf,
        "eff_rf_y": eff_rf_y,
        "eff_square": _side(in_square, squares, fraction, integer),
        "ratio": eff_rf / theo_rf,
        "ratio_y": eff_rf_y / theo_rf_y,
        "radial": 2 * discs.radius[reached(mass(values, discs), fraction)],
        "luo": luo,
        "luo_ratio": luo / np.sqrt(theo_rf * theo_rf_y),
        "hdr": _hdr(values, fraction),
        "sigma_x": sigma_x,
        "sigma_y": sigma_y,
        "centroid_x": centroid_x + frame.columns[0],
        "centroid_y": centroid_y + frame.rows[0],
        "fwhm_x": fwhm_x,
        "fwhm_y": fwhm_y,
        "participation": total / np.sqrt((values * values).sum(axis=(1, 2))),
        "gauss_sigma_x": gaussians.sigma_x,
        "gauss_sigma_y": gaussians.sigma_y,
        "gauss_r2": gaussians.r2,
        **areas,
        **{f"replknet_{name}": np.where(known, ratio, np.nan) for name, ratio in zip(AREAS, ratios, strict=True)},
    }


def _has_scale(batch: Batch) -> NDArray[np.bool_]:
    """[n]: whether a heatmap is kept at its own scale, see `pipeline.scale`."""
    return np.abs(np.log2(batch.unscale)) < FARTHEST


def _half(inside: Floats, rings: Rings, fraction: float, integer: bool) -> Floats:
    """h, the smallest half-width with the fraction of the mass; the next integer where only those are allowed."""
    half = rings.radius[reached(inside, fraction)]
    return np.ceil(half) if integer else half


def _side(inside: Floats, rings: Rings, fraction: float, integer: bool) -> Floats:
    """2h+1, the side of the interval or square of the half-width h."""
    return 2 * _half(inside, rings, fraction, integer) + 1


def _share_of_plane(half: Floats, frame: Frame) -> Floats:
    """[n]: the share of the plane's pixels that lie in the centred squares of half-widths [n], at most 1."""
    share = np.ones(len(half))
    for size, center in zip(frame.plane, frame.center, strict=True):
        first = np.maximum(np.ceil(center / 2 - half), 0)
        last = np.minimum(np.floor(center / 2 + half), size - 1)
        share *= (last - first + 1) / size
    return share


def _hdr(values: Floats, fraction: float) -> Floats:
    """Highest-density region: the root of the fewest pixels that hold the fraction (Hyndman 1996)."""
    descending = np.sort(values.reshape(len(values), -1), axis=1)[:, ::-1]
    inside = descending.cumsum(axis=1)
    return np.sqrt(reached(inside, fraction).astype(np.float64) + 1)


def _center_value(batch: Batch) -> Floats:
    """E(c): [n], the mean of the neighbours of a centre between pixels; NaN for a centre outside the plane."""
    if not batch.frame.on_plane:
        return np.full(len(batch.values), np.nan)
    _, _, y, x = batch.frame.cropped(*batch.frame.center)
    return at_center(central_row(batch.values, y), x)


def _luo(batch: Batch) -> Floats:
    """sqrt(number of pixels with E > 0.0455 E(c)), Luo et al. 2016; NaN where E(c) is zero or outside the plane."""
    value = _center_value(batch)
    flat = batch.values.reshape(len(value), -1)
    count = np.count_nonzero(flat > LUO_THRESHOLD * value[:, None], axis=1)
    return np.where(value > 0, np.sqrt(count), np.nan)


def _fwhm(batch: Batch) -> tuple[Floats, Floats]:
    """(along x on the row through the centre, along y on the column)."""
    if not batch.frame.on_plane:
        return _center_value(batch), _center_value(batch)
    _, _, y, x = batch.frame.cropped(*batch.frame.center)
    vertical, horizontal = borders(batch.frame)
    column = central_row(batch.values.transpose(0, 2, 1), x)
    return fwhm(central_row(batch.values, y), x, horizontal), fwhm(column, y, vertical)


def _gaussians(batch: Batch, members: list[Sample]) -> Gaussians:
    windows = [(s.window.top, s.window.bottom, s.window.left, s.window.right) for s in members]
    top, bottom, left, right = np.array(windows).T[:, :, None]
    y, x = np.arange(*batch.frame.rows), np.arange(*batch.frame.columns)
    return fit_gaussians(batch.values, (top <= y) & (y <= bottom), (left <= x) & (x <= right))


def _with_reasons(row: list[float], on_plane: bool, zero: bool, scaled: bool) -> Sizes:
    values: dict[str, float] = {}
    reasons: dict[str, str] = {}
    for column, value in zip(COLUMNS, row, strict=True):
        if value == value:
            values[column] = value
        elif _DIVIDED_BY_WINDOW.get(column) in values:
            reasons[column] = EMPTY
        elif column in _ABOUT_CENTER:
            reasons[column] = OUTSIDE if not on_plane else ZERO if zero else BORDER
        elif column.startswith("replknet") and not scaled:
            reasons[column] = BEYOND
        else:
            reasons[column] = UNFIT if column.startswith("gauss") else UNREACHED
    return Sizes(**values, reasons=reasons)
