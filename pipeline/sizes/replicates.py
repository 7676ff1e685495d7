"""Spread over replicates: what the draws of a group say together, and how sure they are."""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from statistics import NormalDist
from typing import NamedTuple, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from pipeline.scale import Sum, has_scale

Floats: TypeAlias = npt.NDArray[np.float64]

RESAMPLES = 2000
CONFIDENCE = 0.95
"""Of every interval in a table: of means over draws and of growth laws."""
_TAILS = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)
SEED = 20161212
"""Of the resampling; fixed, so that a table is the same each time it is printed."""

_BLOCK = 1 << 20
"""Numbers that are resampled at a time: 8 MiB of indices, or of means."""
_RESAMPLED = 1000
"""Groups of more draws than this have their interval by an expansion: resampling takes 2,000 times their draws."""
_MAX_SKEWNESS = 0.1
"""Of a mean for which the expansion is used. Its error is then below 0.01 standard errors; that of 2,000 resamples is
0.06, sqrt(p (1 - p) / 2000) over the density at the quantile p = 0.025."""


class Spread(msgspec.Struct, frozen=True):
    """Mean, standard deviation (n - 1) and 95 % interval of the mean over n draws; None where n does not allow it."""

    n: int
    mean: float | None
    sd: float | None
    low: float | None
    high: float | None


def spread(values: Floats) -> Spread:
    """The spread of the draws of one group, float64 [n], see `spreads`."""
    return spreads([values])[0]


def spreads(groups: Sequence[Floats]) -> list[Spread]:
    """The spread of each group of draws, float64 [n], NaN for a draw that has no value and is left out.

    The interval is the percentile bootstrap over draws (Efron 1979) with 2,000 resamples, seeded. For more than 1,000
    draws it is what endlessly many resamples would yield, by the expansion of Cornish and Fisher (1938), unless the
    draws are too skewed for it. Equal values have exactly their value as mean and interval, and the deviation 0.
    """
    found = [group[~np.isnan(group)] for group in groups]
    made = [Spread(len(draws), None, None, None, None) for draws in found]
    alike: dict[int, list[int]] = {}  # groups of as many draws
    for i, draws in enumerate(found):
        if len(draws) == 1:
            made[i] = Spread(1, float(draws[0]), None, None, None)
        elif len(draws):
            alike.setdefault(len(draws), []).append(i)
    for n, places in alike.items():
        step = max(1, _BLOCK // max(n, RESAMPLES))
        for start in range(0, len(places), step):
            some = places[start : start + step]
            for i, one in zip(some, _spreads(np.stack([found[i] for i in some])), strict=True):
                made[i] = one
    return made


def _spreads(draws: Floats) -> Iterator[Spread]:
    """The spreads of groups of as many draws, float64 [groups, n], n > 1."""
    least = draws.min(axis=1, keepdims=True)
    above = draws - least
    mean = np.minimum(least[:, 0] + above.mean(axis=1), draws.max(axis=1))
    low, high = least[:, 0] + _interval(above)
    for values in zip(mean, above.std(axis=1, ddof=1), low, high, strict=True):
        yield Spread(draws.shape[1], *map(float, values))


def _interval(draws: Floats) -> Floats:
    """[2, groups]: the ends of the interval of the mean of each group of draws, float64 [groups, n]."""
    if draws.shape[1] <= _RESAMPLED:
        means = _counts(draws.shape[1]).astype(np.float64) @ draws.T / draws.shape[1]
        return np.asarray(np.quantile(means, _TAILS, axis=0))
    return np.stack([_interval_of_many(group) for group in draws], axis=1)


def _interval_of_many(draws: Floats) -> Floats:
    """[2]: the same for one group of many draws, float64 [n].

    A mean of n resampled draws has their mean m, the variance v / n, and as skewness and excess kurtosis g / sqrt(n)
    and k / n. Its quantile at that of the normal distribution, z, is
    m + sqrt(v / n) (z + (z^2 - 1) g / 6 + (z^3 - 3z) k / 24 - (2z^3 - 5z) g^2 / 36), with g and k of the mean.
    """
    n, mean = len(draws), draws.mean()
    away = draws - mean
    variance = float((away * away).mean())
    if variance == 0:
        return np.full(2, mean)
    g = float((away**3).mean()) / variance**1.5 / n**0.5
    if abs(g) > _MAX_SKEWNESS:
        means = np.concatenate([draws[block].mean(axis=1) for block in _resamples(n, np.random.default_rng(SEED))])
        return np.asarray(np.quantile(means, _TAILS))
    k = (float((away**4).mean()) / variance**2 - 3) / n
    z = np.array([-1.0, 1.0]) * NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    expanded = z + (z**2 - 1) * g / 6 + (z**3 - 3 * z) * k / 24 - (2 * z**3 - 5 * z) * g**2 / 36
    return np.asarray(mean + (variance / n) ** 0.5 * expanded)


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


@lru_cache(maxsize=32)
def _counts(n: int) -> npt.NDArray[np.uint16]:
    """[resamples, n]: how often each resample takes each draw; 4 MB of a thousand draws."""
    blocks = _resamples(n, np.random.default_rng(SEED))
    rows = [np.bincount(taken, minlength=n).astype(np.uint16) for block in blocks for taken in block]
    return np.stack(rows)


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
