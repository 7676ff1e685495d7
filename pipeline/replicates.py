"""Spread over replicates: what the draws of a group say together, and how sure they are."""

from collections.abc import Iterable
from functools import lru_cache

import msgspec
import numpy as np
import numpy.typing as npt

RESAMPLES = 2000
CONFIDENCE = 0.95
_SEED = 20161212  # of the resampling; fixed, so that a table is the same each time it is printed


class Spread(msgspec.Struct, frozen=True):
    """Mean, standard deviation (n - 1) and 95 % interval of the mean over n draws; None where n does not allow it."""

    n: int
    mean: float | None
    sd: float | None
    low: float | None
    high: float | None


def spread(values: npt.NDArray[np.float64]) -> Spread:
    """The spread of draws [n], NaN for a draw that has no value (it is left out, and n counts the others).

    The interval is the percentile bootstrap over draws (Efron 1979) with 2,000 resamples, seeded.
    """
    found = values[~np.isnan(values)]
    n = len(found)
    if n == 0:
        return Spread(0, None, None, None, None)
    mean = float(found.mean())
    if n == 1:
        return Spread(1, mean, None, None, None)
    means = found[_resamples(n)].mean(axis=1)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(means, [tail, 1 - tail]).tolist()
    return Spread(n, mean, float(found.std(ddof=1)), low, high)


@lru_cache(maxsize=32)
def _resamples(n: int) -> npt.NDArray[np.intp]:
    """[resamples, n]: which draws each resample takes."""
    return np.random.default_rng(_SEED).integers(n, size=(RESAMPLES, n))


def mean_map(heatmaps: Iterable[npt.NDArray[np.float64]], squared: bool) -> npt.NDArray[np.float64] | None:
    """The mean over a group of its heatmaps [height, width], or of their squares, read one by one; None of none.

    This is how the paper averages: over draws first, then the size of the mean (Luo et al. 2016, section 3). With one
    probe and one input channel the mean of squares is the mean squared gradient, which has a closed form.
    """
    total: npt.NDArray[np.float64] | None = None
    n = 0
    for n, heatmap in enumerate(heatmaps, 1):  # noqa: B007  # their number is what is left of it
        part = heatmap * heatmap if squared else heatmap
        total = part.copy() if total is None else np.add(total, part, out=total)
    return None if total is None else total / n
