"""Chooses the way of a convolution and estimates its effort: arithmetic on shapes alone, without NumPy.

The choice follows from the config and from nothing else, so that it goes the same way wherever and whenever it runs.
Efforts count multiply-adds, weighted by how much slower than one large matrix product they run, and numbers passed over
by additions and copies. The weights were measured on one x86 core; they need only tell ways apart.
"""

from functools import lru_cache
from typing import Literal, NamedTuple

from pipeline.stem import Axis

Way = Literal["folded", "winograd", "unfolded", "phases", "fourier", "windowed"]
Shape = tuple[int, int, int, int]
"""The shape of a weight: kernel height and width, input channels of a group, features."""

LEAST_FOURIER = 2 * 10**7
"""Multiply-adds of the direct way below which the calls of the Fourier way are not worth their while."""

LEAST_FEATURES = 8
"""Channels or features below which products at one frequency are too thin, and windows of zeros too likely."""

TAPS = 3
"""The width of the kernels that minimal filtering is built for."""

CALLS, CALLS_BACK = 10**6, 14 * 10**5
"""Fixed overhead of the Winograd way over the direct one, in multiply-adds: forward, and back."""

TRANSFORM = 5
"""Passes over a number that take as long as splitting or merging its columns, and its transform."""

THIN = 4
"""Features of a group below which an unfolded operand is read for too few products."""

WINDOWED, EACH = 3, 2000
"""How many times as long products of one window take as large ones, and the multiply-adds that starting one takes."""

TWO_TAPS, FOUR_TAPS = 5, 16
"""Taps across from which on two, or four, neighbours are unfolded where one channel makes one feature; see `thin`."""

SMALL_PRODUCT = 10**6
"""Multiply-adds of one product of BLAS at most; see `product`."""

DEEP = 64
"""Numbers that each output of a product is a sum of, from which on whole vectors are multiplied; see `unfolded`."""

LARGEST = 2**22
"""Bytes of an operand, or of a result, up to which a thread caches a bound layer; see `gradient.cache`."""

PASS = 8
"""Multiply-adds that take as long as passing over one number."""


class Effort(NamedTuple):
    """Multiply-adds, at the rate of a large product, and numbers that additions and copies pass over."""

    products: float
    passes: float

    @property
    def total(self) -> float:
        """Both, in multiply-adds."""
        return self.products + PASS * self.passes


@lru_cache(maxsize=4096)
def forward_way(shape: Shape, y: Axis, across: Axis, groups: int, n: int, ties: bool = False) -> Way:
    """Returns the way in which the convolution of n probes is computed; `ties` asks for equal bits of equal windows."""
    _, _, channels, features = shape
    if ties:
        return "windowed"
    if is_dilated(y, across):
        return "phases"
    direct: Way = "folded"
    if y.dilation > 1 or across.stride > 1 or across.size_out == 1 or max(channels, THIN) <= features // groups:
        direct = "unfolded"
    return _quickest(direct, shape, y, across, groups, forward_efforts(shape, y, across, groups, n))


@lru_cache(maxsize=4096)
def vjp_way(shape: Shape, y: Axis, across: Axis, groups: int, n: int) -> Way:
    """Returns the way in which its transpose is computed."""
    if is_dilated(y, across):
        return "phases"
    direct: Way = "folded"
    if y.dilation > 1 or y.stride > 1 or across.stride > 1 or y.size_out == 1 or y.before < 0 or y.after < 0:
        direct = "unfolded"
    return _quickest(direct, shape, y, across, groups, vjp_efforts(shape, y, across, groups, n))


def is_dilated(y: Axis, across: Axis) -> bool:
    """Whether rows are split by phase of the dilation, and each phase is a convolution of its own."""
    return y.dilation > 1 and y.stride == 1 and across.stride == 1 and y.size_out > 1


def is_whole_line(across: Axis) -> bool:
    """Whether there is one output, which reads every column in order: nothing is to be unfolded then."""
    return across.size_out == 1 and across.dilation == 1 and across.size_in == across.kernel and not across.before


def neighbours(taps: int) -> int:
    """How many neighbouring taps of a line are unfolded where one channel makes one feature; see `thin`."""
    return 1 if taps < TWO_TAPS else 2 if taps < FOUR_TAPS else 4


def _quickest(direct: Way, shape: Shape, y: Axis, across: Axis, groups: int, efforts: dict[Way, Effort]) -> Way:
    pads = y.before, y.after, across.before, across.after
    if groups > 1 or max(y.stride, y.dilation, across.stride, across.dilation) > 1 or min(pads) < 0:
        return direct
    if shape[1] == TAPS and across.size_out > 1 and efforts["winograd"].total < efforts[direct].total:
        return "winograd"
    fourier, folded = efforts["fourier"].total, efforts["folded"]
    if min(shape[2:]) >= LEAST_FEATURES and folded.products > LEAST_FOURIER and fourier < 0.8 * folded.total:
        return "fourier"
    return direct


def forward_efforts(shape: Shape, y: Axis, across: Axis, groups: int, n: int) -> dict[Way, Effort]:
    """Returns the effort of each way for n probes."""
    kh, kw, channels, features = shape
    rows = kh * kw * channels * features * n * y.size_out
    read_numbers, written = y.size_in * channels * groups * n, y.size_out * across.size_out * features * n
    folded = Effort(1.1 * across.size_in * rows, written * kw)
    unfolded = Effort(1.1 * across.size_out * rows, across.size_out * kw * read_numbers)
    winograd = _winograd(shape, rows, across, n, across.size_in * read_numbers + written, CALLS)
    fourier = _fourier(shape, (y.size_in, across.size_in), (y.size_out, across.size_out), n)
    windows = y.size_out * across.size_out * groups
    windowed = Effort(WINDOWED * across.size_out * rows + EACH * windows, 2 * kh * kw * channels * windows * n)
    return {
        "folded": folded,
        "phases": folded,
        "unfolded": unfolded,
        "windowed": windowed,
        "winograd": winograd,
        "fourier": fourier,
    }


def vjp_efforts(shape: Shape, y: Axis, across: Axis, groups: int, n: int) -> dict[Way, Effort]:
    """Returns the effort of each way of the transpose for n probes."""
    kh, kw, channels, features = shape
    rows = kh * kw * channels * features * n * y.size_out
    read_numbers, written = y.size_out * across.size_out * features * n, channels * groups * n
    folded = Effort(1.1 * across.size_out * rows, y.size_in * across.size_in * written * kw)
    spread = kw * across.size_out * written * (y.size_out * kh * 2 + y.size_in * 3)
    unfolded = Effort(1.2 * across.size_out * rows, spread)
    winograd = _winograd(shape, rows, across, n, read_numbers + y.size_in * across.size_in * written, CALLS_BACK)
    turned = kh, kw, features, channels
    fourier = _fourier(turned, (y.size_out, across.size_out), (y.size_in, across.size_in), n)
    return {"folded": folded, "phases": folded, "unfolded": unfolded, "winograd": winograd, "fourier": fourier}


def _winograd(shape: Shape, rows: float, across: Axis, n: int, transformed: float, calls: float) -> Effort:
    """Returns the effort of four products for two columns, where the direct way takes six, and of both transforms.

    Lines are multiplied to the end of their last cache line, of 16 numbers.
    """
    kh, _, channels, features = shape
    tiles = -(-across.size_out // 2)
    columns = -(-tiles * n // 16) * 16 / n
    products = 1.1 * rows * 4 * columns / TAPS
    return Effort(products + calls, TRANSFORM * transformed + 6 * kh * channels * features)


def _fourier(shape: Shape, read: tuple[int, int], written: tuple[int, int], n: int) -> Effort:
    """Returns the effort of the Fourier way, from planes of `read` (rows, columns) to planes of `written`.

    Small products run at half the rate, transforms at four fifths; a copy before and after, and the check for zeros.
    """
    kh, kw, channels, features = shape
    q = 3 * read[1] // 2
    there, here = read[0] * read[1] * channels * n, written[0] * written[1] * features * n
    spectral = written[0] * q * kh * channels * features * n
    kernels = q * kw * kh * channels * features
    return Effort(2 * spectral + 1.25 * q * (there + here) + 2 * kernels, 2.5 * (there + here))
