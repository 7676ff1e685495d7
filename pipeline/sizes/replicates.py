"""Spread over replicates: what the draws of a group say together, and how sure they are."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from pipeline.scale import Sum, has_scale

RESAMPLES = 2000
CONFIDENCE = 0.95
"""Of every interval in a table: of means over draws and of growth laws."""
SEED = 20161212
"""Of the resampling; fixed, so that a table is the same each time it is printed."""

_BLOCK = 1 << 20
"""Draws that are taken at a time: 8 MiB of indices."""
_KEPT_DRAWS = 500
"""Groups of at most this many draws share their resamples: 8 MiB for each size of group."""


class Spread(msgspec.Struct, frozen=True):
    """Mean, standard deviation (n - 1) and 95 % interval of the mean over n draws; None where n does not allow it."""

    n: int
    mean: float | None
    sd: float | None
    low: float | None
    high: float | None


def spread(values: npt.NDArray[np.float64]) -> Spread:
    """The spread of draws, float64 [n], NaN for a draw that has no value (it is left out, and n counts the others).

    The interval is the percentile bootstrap over draws (Efron 1979) with 2,000 resamples, seeded. Equal values have
    exactly their value as mean and interval, and the deviation 0.
    """
    found = values[~np.isnan(values)]
    n = len(found)
    if n == 0:
        return Spread(0, None, None, None, None)
    if n == 1:
        return Spread(1, float(found[0]), None, None, None)
    least, above = float(found.min()), found - found.min()
    mean, tail = exact_mean(found), (1 - CONFIDENCE) / 2
    low, high = (least + np.quantile(_resampled_means(above), [tail, 1 - tail])).tolist()
    return Spread(n, mean, float(above.std(ddof=1)), low, high)


def exact_mean(values: npt.NDArray[np.float64]) -> float:
    """The mean of float64 [n], n > 0: exactly their value where they are equal, never outside of them.

    It is summed above the least value: equal ones are zeros there, which no sum rounds.
    """
    least, above = float(values.min()), values - values.min()
    return min(least + float(above.mean()), float(values.max()))


def difference_interval(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> tuple[float, float] | None:
    """The 95 % interval of mean(second) - mean(first) of two groups that no pairs join; None of fewer than 2 values.

    The groups are float64 [n] and [m], NaN where a draw has no value and is left out. The interval is the percentile
    bootstrap as in `spread`; each group is resampled by itself (Efron and Tibshirani 1993, section 8.3). Equal values
    have exactly their difference.
    """
    first, second = (values[~np.isnan(values)] for values in (first, second))
    if min(len(first), len(second)) < 2:
        return None
    rng = np.random.default_rng(SEED)
    means, least = [], []
    for values in (first, second):
        above = values - values.min()
        least.append(float(values.min()))
        means.append(np.concatenate([above[block].mean(axis=1) for block in _resamples(len(values), rng)]))
    tail = (1 - CONFIDENCE) / 2
    low, high = (least[1] - least[0] + np.quantile(means[1] - means[0], [tail, 1 - tail])).tolist()
    return low, high


def _resampled_means(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """[resamples]: the mean of each resample of the draws [n]."""
    n = len(values)
    blocks = _kept_resamples(n) if n <= _KEPT_DRAWS else _resamples(n, np.random.default_rng(SEED))
    return np.concatenate([values[block].mean(axis=1) for block in blocks])


@lru_cache(maxsize=16)
def _kept_resamples(n: int) -> tuple[npt.NDArray[np.intp], ...]:
    return tuple(_resamples(n, np.random.default_rng(SEED)))


def _resamples(n: int, rng: np.random.Generator) -> Iterator[npt.NDArray[np.intp]]:
    """Which draws each resample takes, [some resamples, n] at a time: many draws need no memory for all of them."""
    step = max(1, _BLOCK // n)
    for start in range(0, RESAMPLES, step):
        yield rng.integers(n, size=(min(step, RESAMPLES - start), n))


class Replicate(NamedTuple):
    """A draw's heatmap, float64 [height, width], and how many probes went into it."""

    heatmap: npt.NDArray[np.float64]
    used: int


def mean_map(replicates: Iterable[Replicate], squared: bool) -> npt.NDArray[np.float64] | None:
    """The mean over draws of each one's heatmap per probe, E / used, or of its square; None of no draws.

    Returns float64 [height, width]. Every draw has the same weight, whatever its probes; one whose gradients are all
    zero counts too. Draws are read one by one, in the order in which they come: sort them, and the mean is the same
    bits. It is carried with a power of two, so that squares neither vanish nor overflow; where the mean itself would,
    it comes back multiplied by one. Heatmaps so far from 1 that they are kept at another scale have no mean: None.

    This is how the paper averages: over draws first, then the size of the mean (Luo et al. 2016, section 3). With one
    probe and one input channel the mean of squares is the mean squared gradient, which has a closed form.
    """
    total: Sum | None = None
    n, is_known = 0, True
    for n, replicate in enumerate(replicates, 1):  # noqa: B007  # their number is what is left of it
        total = total or Sum(replicate.heatmap.shape)
        total.add(*_per_probe(replicate, squared))
        is_known = is_known and has_scale(replicate.heatmap)
    return None if total is None or (n > 1 and not is_known) else total.over(n)


def _per_probe(replicate: Replicate, squared: bool) -> tuple[npt.NDArray[np.float64], int]:
    """E / used, or its square, over a power of two that brings it near one; and that power's exponent."""
    exponent = int(np.frexp(replicate.heatmap.max())[1])
    part = np.ldexp(replicate.heatmap, -exponent) / replicate.used
    return (part * part, 2 * exponent) if squared else (part, exponent)
