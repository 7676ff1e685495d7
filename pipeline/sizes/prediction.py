"""What theory says of a config beside its measurement: the window, and sizes read off the closed form."""

from functools import lru_cache
from math import sqrt

import numpy as np

from pipeline.config.config import Config, Init, Probes, Readout
from pipeline.result import Theory
from pipeline.stem.plane import Plane
from pipeline.theory.expected import expected, heatmap
from pipeline.theory.separable import Floats
from pipeline.theory.window import Window, window_of

_FRACTION = 0.9
_LUO_THRESHOLD = 0.0455
_REACHED = 1e-12


def theory_columns(config: Config) -> Theory:
    """The columns of theory of one config; configs that differ in seeds, probes and precision share one computation.

    `pred_*` are None where the closed form does not hold, where no gradient reaches the input, or (`pred_luo`) where
    the map is zero at the unit's own centre or the centre lies outside the plane. Raises InputError as `window` does.
    """
    channel = 0 if isinstance(config.readout.channel, int) else config.readout.channel
    readout = Readout(channel, config.unit, config.readout.gradient)
    return _columns(Config(config.stem, config.input, Init(config.init.kind), Probes(), readout))


@lru_cache(maxsize=4096)
def _columns(config: Config) -> Theory:
    seen = window_of(config.stem, config.input, config.unit)
    center_y, center_x = seen.center
    sigma = eff_rf = luo = None
    found = expected(config)
    if found is not None and not found.dead:
        values = heatmap(found, config)
        profile = values.sum(axis=0)
        x = np.arange(found.left, found.left + len(profile), dtype=np.float64)
        sigma, eff_rf = _sigma(profile, x), _eff_rf(profile, x, center_x)
        luo = _luo(values, found.top, found.left, seen, config.input)
    return Theory(
        theo_rf=seen.width,
        theo_rf_y=seen.height,
        center_x=center_x,
        center_y=center_y,
        saturated=seen.leaves(config.input),
        misaligned=seen.misaligned,
        is_global=seen.is_global,
        pred_sigma=sigma,
        pred_eff_rf=eff_rf,
        pred_luo=luo,
    )


def _sigma(profile: Floats, x: Floats) -> float:
    """Standard deviation about the centroid."""
    share = profile / profile.sum()
    return sqrt(share @ (x - share @ x) ** 2)


def _eff_rf(profile: Floats, x: Floats, center: float) -> float:
    """2h+1, h the smallest distance with 90 % of the mass in |x - c| <= h."""
    distance = np.abs(x - center)
    order = np.argsort(distance)
    inside = np.cumsum(profile[order])
    reached = int(np.argmax(inside >= (_FRACTION - _REACHED) * inside[-1]))
    return float(2 * distance[order][reached] + 1)


def _luo(values: Floats, top: int, left: int, seen: Window, plane: Plane) -> float | None:
    """sqrt(number of pixels above 0.0455 of the centre); a centre between pixels is the mean of its neighbours."""
    y, x = seen.center
    if not (0 <= y <= plane.height - 1 and 0 <= x <= plane.width - 1):
        return None
    rows, columns = ({int(at // 1), int(-(-at // 1))} for at in (y, x))
    height, width = values.shape
    neighbours = [
        values[row - top, column - left] if 0 <= row - top < height and 0 <= column - left < width else 0.0
        for row in rows
        for column in columns
    ]
    middle = sum(neighbours) / len(neighbours)
    return sqrt(np.count_nonzero(values > _LUO_THRESHOLD * middle)) if middle > 0 else None
