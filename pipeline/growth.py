"""Growth laws: how a size grows with depth, as the exponent of a power law."""

from math import sqrt

import msgspec
import numpy as np
import numpy.typing as npt

# Two-sided 95 % quantiles of Student's t by degrees of freedom (Fisher 1925); beyond, of the normal distribution.
# fmt: off
_T95 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)
# fmt: on
_NORMAL95 = 1.960


class PowerLaw(msgspec.Struct, frozen=True):
    """size = factor * x**slope, with the 95 % interval of the slope; None with fewer than three points."""

    points: int
    slope: float
    low: float | None
    high: float | None
    factor: float
    r2: float | None


def power_law(x: npt.NDArray[np.float64], size: npt.NDArray[np.float64]) -> PowerLaw | None:
    """The least-squares line through (log x, log size), all > 0; None with fewer than two different x.

    The interval is Student's t for the slope of a regression.
    """
    log_x, log_size = np.log(x), np.log(size)
    centred = log_x - log_x.mean()
    spread_x = float(centred @ centred)
    n = len(x)
    if n < 2 or spread_x <= 1e-12:
        return None
    slope = float(centred @ log_size) / spread_x
    intercept = float(log_size.mean() - slope * log_x.mean())
    residuals = log_size - intercept - slope * log_x
    left = float(residuals @ residuals)
    around = log_size - log_size.mean()
    total = float(around @ around)
    r2 = 1 - left / total if total > 0 else None
    if n < 3:
        return PowerLaw(n, slope, None, None, float(np.exp(intercept)), r2)
    quantile = _T95[n - 3] if n - 3 < len(_T95) else _NORMAL95
    half = quantile * sqrt(left / (n - 2) / spread_x)
    return PowerLaw(n, slope, slope - half, slope + half, float(np.exp(intercept)), r2)
