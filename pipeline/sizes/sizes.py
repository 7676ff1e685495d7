"""Every size of a heatmap, by the definition that its name has in the literature.

One heatmap gives 5 to 15 pixels for ten uniform 3x3 layers, depending on who is asked. So each size here is named,
all are read from the one stored heatmap, and one that does not exist is None with its reason.
"""

from collections.abc import Callable, Sequence
from functools import cached_property

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


def sizes(
    samples: Sequence[Sample], fraction: float = FRACTION, center: Center = "unit", columns: Sequence[str] = COLUMNS
) -> list[Sizes]:
    """The sizes of each heatmap, in pixels; `pipeline.result.Sizes` says what each column is.

    fraction: what `eff_rf`, `eff_rf_y`, `eff_square`, their ratios, `radial` and `hdr` hold of the mass, in (0, 1].
    center: where the centred sizes are centred. `unit` is the centre of the window; half-widths then run over 0, 1, ...
    or, between two pixels, over 1/2, 3/2, ... `plane` is ((H-1)/2, (W-1)/2) with integer half-widths on every plane, as
    the original program has it: where the side is even, its diameters can exceed the theoretical receptive field.
    columns: those that are computed; the others are None, and no reason says why.

    A size is the same bits whatever else is in the batch, and but for `replknet_*` it does not depend on the heatmap's
    scale. Raises InputError for a fraction outside (0, 1], and as `pipeline.sizes.batch.batches` does.
    """
    if not 0 < fraction <= 1:
        raise InputError(f"The fraction of the mass is above 0 and at most 1, not {quote(fraction)}.")
    found = [_DEAD if columns is COLUMNS else Sizes(reasons=dict.fromkeys(columns, DEAD))] * len(samples)
    for batch in batches(samples, center):
        of = _Heatmaps(batch, [samples[position] for position in batch.positions], fraction, center == "plane")
        table: Floats = np.stack([_COLUMN[name](of) for name in columns], axis=1)
        missing: list[bool] = np.logical_or.reduce(np.isnan(table), axis=1).tolist()
        for i, (position, row) in enumerate(zip(batch.positions, table.tolist(), strict=True)):
            if missing[i]:
                found[position] = _with_reasons(columns, row, of, i)
            else:
                found[position] = Sizes(**dict(zip(columns, row, strict=True)))
    return found


class _Heatmaps:
    """The heatmaps of a batch, and what several sizes are read off: each computed when it is first asked for.

    Every property is float64 [n], or as it says, NaN where there is no such size.
    """

    def __init__(self, batch: Batch, members: list[Sample], fraction: float, integer: bool) -> None:
        self.batch, self.members, self.fraction, self.integer = batch, members, fraction, integer
        self.values, self.frame = batch.values, batch.frame
        self.height, self.width, self.y, self.x = batch.frame.cropped(*batch.frame.center)

    @cached_property
    def profile_x(self) -> Floats:
        """[n, width]: the sums over columns of pixels."""
        sums: Floats = self.values.sum(axis=1)
        return sums

    @cached_property
    def profile_y(self) -> Floats:
        """[n, height]: the sums over rows of pixels."""
        sums: Floats = self.values.sum(axis=2)
        return sums

    @cached_property
    def moments_x(self) -> tuple[Floats, Floats]:
        """(centroid, standard deviation) along x, in pixels of the crop."""
        return moments(self.profile_x)

    @cached_property
    def moments_y(self) -> tuple[Floats, Floats]:
        """(centroid, standard deviation) along y, in pixels of the crop."""
        return moments(self.profile_y)

    @cached_property
    def squares(self) -> tuple[Floats, Rings]:
        """(the mass inside each centred square [n, rings], the squares)."""
        rings = square_rings(self.height, self.width, self.y, self.x)
        return mass(self.values, rings), rings

    @cached_property
    def theo_rf(self) -> Floats:
        """The width of the window; NaN where it is empty."""
        return np.array([sample.window.width or np.nan for sample in self.members], dtype=np.float64)

    @cached_property
    def theo_rf_y(self) -> Floats:
        """The height of the window; NaN where it is empty."""
        return np.array([sample.window.height or np.nan for sample in self.members], dtype=np.float64)

    @cached_property
    def eff_rf(self) -> Floats:
        """The centred interval along x that holds the fraction of the mass."""
        rings = axis_rings(self.width, self.x)
        return self.side((mass(self.profile_x, rings), rings))

    @cached_property
    def eff_rf_y(self) -> Floats:
        """The centred interval along y that holds the fraction of the mass."""
        rings = axis_rings(self.height, self.y)
        return self.side((mass(self.profile_y, rings), rings))

    @cached_property
    def center_value(self) -> Floats:
        """E(c), the mean of the neighbours of a centre between pixels; NaN for a centre outside the plane."""
        if not self.frame.on_plane:
            return np.full(len(self.values), np.nan)
        return at_center(central_row(self.values, self.y), self.x)

    @cached_property
    def luo(self) -> Floats:
        """sqrt(number of pixels with E > 0.0455 E(c)), Luo et al. 2016; NaN where E(c) is zero or outside the plane."""
        flat = self.values.reshape(len(self.values), -1)
        count = np.count_nonzero(flat > LUO_THRESHOLD * self.center_value[:, None], axis=1)
        return np.where(self.center_value > 0, np.sqrt(count), np.nan)

    @cached_property
    def fwhm(self) -> tuple[Floats, Floats]:
        """(along x on the row through the centre, along y on the column)."""
        if not self.frame.on_plane:
            return self.center_value, self.center_value
        vertical, horizontal = borders(self.frame)
        row, column = central_row(self.values, self.y), central_row(self.values.transpose(0, 2, 1), self.x)
        return fwhm(row, self.x, horizontal), fwhm(column, self.y, vertical)

    @cached_property
    def gaussians(self) -> Gaussians:
        """The Gaussian that is fitted to each heatmap inside its window."""
        windows = [(s.window.top, s.window.bottom, s.window.left, s.window.right) for s in self.members]
        top, bottom, left, right = np.array(windows).T[:, :, None]
        y, x = np.arange(*self.frame.rows), np.arange(*self.frame.columns)
        return fit_gaussians(self.values, (top <= y) & (y <= bottom), (left <= x) & (x <= right))

    @cached_property
    def has_scale(self) -> NDArray[np.bool_]:
        """bool [n]: whether a heatmap is kept at its own scale, see `pipeline.scale`."""
        return np.abs(np.log2(self.batch.unscale)) < FARTHEST

    @cached_property
    def replknet(self) -> dict[str, Floats]:
        """The area ratios of RepLKNet's script by their names in `AREAS`."""
        used = np.array([sample.used for sample in self.members], dtype=np.float64)
        scaled = self.values * (self.batch.unscale / used)[:, None, None]
        ratios = replknet_areas(scaled, self.frame, list(AREAS.values()))
        return {name: np.where(self.has_scale, ratio, np.nan) for name, ratio in zip(AREAS, ratios, strict=True)}

    def half(self, inside: tuple[Floats, Rings], fraction: float) -> Floats:
        """h, the smallest half-width with the fraction of the mass; the next integer where only those are allowed.

        inside: the mass inside each ring, [n, rings], and the rings.
        """
        half = inside[1].radius[reached(inside[0], fraction)]
        return np.ceil(half) if self.integer else half

    def side(self, inside: tuple[Floats, Rings]) -> Floats:
        """2h+1, the side of the interval or square that holds the fraction of the mass."""
        return 2 * self.half(inside, self.fraction) + 1


def _radial(of: _Heatmaps) -> Floats:
    discs = disc_rings(of.height, of.width, of.y, of.x)
    return 2 * discs.radius[reached(mass(of.values, discs), of.fraction)]


def _area(share: float) -> Callable[[_Heatmaps], Floats]:
    return lambda of: _share_of_plane(of.half(of.squares, share), of.frame)


def _replknet(name: str) -> Callable[[_Heatmaps], Floats]:
    return lambda of: of.replknet[name]


_COLUMN: dict[str, Callable[[_Heatmaps], Floats]] = {
    "eff_rf": lambda of: of.eff_rf,
    "eff_rf_y": lambda of: of.eff_rf_y,
    "eff_square": lambda of: of.side(of.squares),
    "ratio": lambda of: of.eff_rf / of.theo_rf,
    "ratio_y": lambda of: of.eff_rf_y / of.theo_rf_y,
    "radial": _radial,
    "luo": lambda of: of.luo,
    "luo_ratio": lambda of: of.luo / np.sqrt(of.theo_rf * of.theo_rf_y),
    "hdr": lambda of: _hdr(of.values, of.fraction),
    "sigma_x": lambda of: of.moments_x[1],
    "sigma_y": lambda of: of.moments_y[1],
    "centroid_x": lambda of: of.moments_x[0] + of.frame.columns[0],
    "centroid_y": lambda of: of.moments_y[0] + of.frame.rows[0],
    "fwhm_x": lambda of: of.fwhm[0],
    "fwhm_y": lambda of: of.fwhm[1],
    "participation": lambda of: of.profile_x.sum(axis=1) / np.sqrt((of.values * of.values).sum(axis=(1, 2))),
    "gauss_sigma_x": lambda of: of.gaussians.sigma_x,
    "gauss_sigma_y": lambda of: of.gaussians.sigma_y,
    "gauss_r2": lambda of: of.gaussians.r2,
    **{f"area_{name}": _area(share) for name, share in AREAS.items()},
    **{f"replknet_{name}": _replknet(name) for name in AREAS},
}
"""How each column is computed, float64 [n], NaN where a heatmap has no such size."""


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


def _with_reasons(columns: Sequence[str], row: list[float], of: _Heatmaps, i: int) -> Sizes:
    """The sizes of heatmap number i of a batch, `row` by column, and why each that is NaN does not exist."""
    values: dict[str, float] = {}
    reasons: dict[str, str] = {}
    for column, value in zip(columns, row, strict=True):
        if value == value:
            values[column] = value
        elif column in _DIVIDED_BY_WINDOW and not np.isnan(_COLUMN[_DIVIDED_BY_WINDOW[column]](of)[i]):
            reasons[column] = EMPTY
        elif column in _ABOUT_CENTER:
            reasons[column] = OUTSIDE if not of.frame.on_plane else ZERO if of.center_value[i] == 0 else BORDER
        elif column.startswith("replknet") and not of.has_scale[i]:
            reasons[column] = BEYOND
        else:
            reasons[column] = UNFIT if column.startswith("gauss") else UNREACHED
    return Sizes(**values, reasons=reasons)
