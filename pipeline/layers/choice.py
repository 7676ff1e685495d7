"""Which way a convolution is done, and what it then takes: arithmetic on shapes alone, without NumPy.

The choice follows from the config and from nothing else, so that it yields the same bits wherever and whenever it runs.
Efforts count multiply-adds, weighted by how much slower than one large matrix product they run, and numbers passed over
by additions and copies. The weights were measured on one x86 core; they need only tell ways apart.
"""

from functools import lru_cache
from typing import Literal, NamedTuple

from pipeline.network import Axis

Way = Literal["folded", "unfolded", "phases", "fourier"]
Shape = tuple[int, int, int, int]
"""Of a weight: kernel height and width, input channels of a group, features."""

LEAST_FOURIER = 2 * 10**7
"""Multiply-adds of the direct way below which the calls of the Fourier way are not worth their while."""

LEAST_FEATURES = 8
"""Channels or features below which products at one frequency are too thin, and windows of zeros too likely."""

PASS = 8
"""Multiply-adds that take as long as passing over one number."""


class Effort(NamedTuple):
    """Multiply-adds, as if at the rate of a large product, and numbers passed over."""

    products: float
    passes: float

    @property
    def total(self) -> float:
        """Both, in multiply-adds."""
        return self.products + PASS * self.passes


@lru_cache(maxsize=4096)
def forward_way(shape: Shape, y: Axis, across: Axis, groups: int, n: int) -> Way:
    """How the convolution of n probes is done."""
    _, _, channels, features = shape
    if is_dilated(y, across):
        return "phases"
    if _fourier_pays(shape, y, across, groups, forward_efforts(shape, y, across, groups, n)):
        return "fourier"
    if y.dilation > 1 or across.stride > 1 or across.size_out == 1 or 4 * channels <= features // groups:
        return "unfolded"
    return "folded"


@lru_cache(maxsize=4096)
def vjp_way(shape: Shape, y: Axis, across: Axis, groups: int, n: int) -> Way:
    """How its transpose is done."""
    if is_dilated(y, across):
        return "phases"
    if _fourier_pays(shape, y, across, groups, vjp_efforts(shape, y, across, groups, n)):
        return "fourier"
    if y.dilation > 1 or y.stride > 1 or across.stride > 1 or y.size_out == 1 or y.before < 0 or y.after < 0:
        return "unfolded"
    return "folded"


def is_dilated(y: Axis, across: Axis) -> bool:
    """Rows are taken apart by phase, and each phase is a convolution of its own."""
    return y.dilation > 1 and y.stride == 1 and across.stride == 1 and y.size_out > 1


def _fourier_pays(shape: Shape, y: Axis, across: Axis, groups: int, efforts: dict[Way, Effort]) -> bool:
    if groups > 1 or max(y.stride, y.dilation, across.stride, across.dilation) > 1 or min(y.before, y.after) < 0:
        return False
    if min(shape[2:]) < LEAST_FEATURES:
        return False
    direct, fourier = efforts["folded"], efforts["fourier"]
    return direct.products > LEAST_FOURIER and fourier.total < 0.8 * direct.total


def forward_efforts(shape: Shape, y: Axis, across: Axis, groups: int, n: int) -> dict[Way, Effort]:
    """What each way takes for n probes."""
    kh, kw, channels, features = shape
    taps = kh * kw * channels * features * n
    passed, made = channels * groups * n, across.size_out * features * n
    folded = Effort(1.1 * y.size_out * across.size_in * taps, y.size_out * made * kw)
    unfolded = Effort(1.5 * y.size_out * across.size_out * taps, y.size_in * across.size_out * kw * passed)
    fourier = _fourier(shape, (y.size_in, across.size_in), (y.size_out, across.size_out), n)
    return {"folded": folded, "phases": folded, "unfolded": unfolded, "fourier": fourier}


def vjp_efforts(shape: Shape, y: Axis, across: Axis, groups: int, n: int) -> dict[Way, Effort]:
    """What each way of the transpose takes for n probes."""
    kh, kw, channels, features = shape
    taps = kh * kw * channels * features * n
    made = channels * groups * n
    folded = Effort(1.1 * y.size_in * across.size_out * taps, y.size_in * across.size_in * made * kw)
    spread = kw * across.size_out * made * (y.size_out * kh * 2 + y.size_in * 3)
    unfolded = Effort(1.2 * y.size_out * across.size_out * taps, spread)
    turned = kh, kw, features, channels
    given = y.size_out + 2 * kh - 2, across.size_out
    fourier = _fourier(turned, given, (y.size_in, across.size_in), n)
    return {"folded": folded, "phases": folded, "unfolded": unfolded, "fourier": fourier}


def _fourier(shape: Shape, given: tuple[int, int], made: tuple[int, int], n: int) -> Effort:
    """Small products run at half the rate, transforms at four fifths; a copy before and after, and the check."""
    kh, kw, channels, features = shape
    q = 3 * given[1] // 2
    there, here = given[0] * given[1] * channels * n, made[0] * made[1] * features * n
    spectral = made[0] * q * kh * channels * features * n
    kernels = q * kw * kh * channels * features
    return Effort(2 * spectral + 1.25 * q * (there + here) + 2 * kernels, 2.5 * (there + here))
