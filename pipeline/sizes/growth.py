"""Growth laws: how a size grows with depth, as the exponent of a power law."""

import math

import msgspec
import numpy as np
import numpy.typing as npt

from pipeline.sizes.replicates import CONFIDENCE

_EQUAL = 1e-6
"""Values of x whose logarithms lie no further apart than this are one x: no slope can be told from them."""


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

    x, size: float64 [n]. The interval is that of Student's t with n - 2 degrees of freedom, for any n. Equal sizes have
    a slope of exactly 0 and no r2.
    """
    n = len(x)
    if n < 2 or np.ptp(np.log(x)) <= _EQUAL:
        return None
    mean_x, around_x = _centred(np.log(x))
    mean_size, around_size = _centred(np.log(size))
    spread_x = float(around_x @ around_x)
    slope = float(around_x @ around_size) / spread_x
    residuals = around_size - slope * around_x
    left, total = float(residuals @ residuals), float(around_size @ around_size)
    factor = float(np.exp(mean_size - slope * mean_x))
    r2 = 1 - left / total if total > 0 else None
    if n < 3:
        return PowerLaw(n, slope, None, None, factor, r2)
    half = student(n - 2) * math.sqrt(left / (n - 2) / spread_x)
    return PowerLaw(n, slope, slope - half, slope + half, factor, r2)


def line_interval(
    law: PowerLaw, x: npt.NDArray[np.float64], at: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None:
    """The 95 % interval of the mean size that a law says at other x: (low, high), float64 [m]; None without one.

    x: float64 [n], the points that the law was fitted to. at: float64 [m], > 0. In logarithms its half-width is
    t s sqrt(1/n + (log at - mean log x)^2 / S), S = sum (log x - mean)^2, and that of the slope is t s / sqrt(S).
    """
    if law.high is None:
        return None
    mean, around = _centred(np.log(x))
    half = (law.high - law.slope) * np.sqrt(around @ around / law.points + (np.log(at) - mean) ** 2)
    line = law.factor * at**law.slope
    return line * np.exp(-half), line * np.exp(half)


def _centred(values: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
    """(mean, values less their mean); equal values are exactly their mean, which a rounded sum would miss."""
    around = values - values[0]
    shift = around.mean()
    return float(values[0] + shift), around - shift


def student(freedom: float) -> float:
    """The quantile of Student's t that a two-sided interval of 95 % reaches to: that of the normal law for infinity.

    >>> round(student(3), 4), round(student(math.inf), 4)
    (3.1824, 1.96)
    """
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + CONFIDENCE) / 2))
