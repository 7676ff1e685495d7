"""The effort of a convolution of some probes, way by way; see `rates`.

It is what the modules of `pipeline.ops` do, counted: products of BLAS and how thin they are, numbers and lines that
are passed over, and those among them that lie beyond the cache. A product of [m, k] by [k, n] takes longer for each
number that it makes (m * n), that it reads (k * n), and of its matrix (m * k), and each product takes a call.
"""

from functools import lru_cache
from math import ceil, exp, prod

from pipeline.gradient.rates import RATES, Effort
from pipeline.gradient.scratch import Bulk, phases
from pipeline.ops.choice import DEEP, SMALL_PRODUCT, Way, forward_way, is_whole_line, neighbours, vjp_way
from pipeline.ops.span import rows_at_once
from pipeline.stem import Axis

_CACHE = 2**21
"""Bytes beyond which a result is no longer in the second-level cache when it is read."""
_VECTORS = 32
"""Numbers of two vectors."""
_OUTER = 1.5
"""Depth of a product below which it is one."""
_ZERO = 2.0**-24
"""The chance that a weight drawn uniformly is exactly zero, so that no transform is taken; see `conv.exact_way`."""


def forward(own: Bulk, ties: bool = False) -> Effort:
    """Returns the effort of a convolution; `ties` asks for equal bits of equal windows."""
    return _by(forward_way(own.shape, own.y, own.x, own.groups, own.n, ties), own, False)


def back(own: Bulk, masked: bool) -> Effort:
    """Returns the effort of its transpose; `masked`: the gradient is multiplied by a mask first."""
    copied = Effort()
    if masked or own.groups > 1:
        lines = own.y.size_out * own.shape[3]
        copied = passed(own, lines * own.x.size_out * own.n, lines)
    return copied + _by(vjp_way(own.shape, own.y, own.x, own.groups, own.n), own, True)


def passed(own: Bulk, numbers: float, lines: float = 0) -> Effort:
    """Returns the effort of passing over numbers in so many contiguous lines."""
    return Effort(copies=_wide(own) * RATES.passed * numbers + RATES.line * lines)


def _wide(own: Bulk) -> float:
    """Returns how many float32 numbers one number is."""
    return own.item / 4


def _by(way: Way, own: Bulk, turned: bool) -> Effort:
    """Returns the effort of one way, or of its transpose."""
    numbers = prod(own.shape)
    direct = _transposed if turned else _direct
    placed = Effort(copies=_wide(own) * RATES.weight * numbers)
    match way:
        case "folded" | "unfolded":
            return placed + direct(own, way)
        case "phases":
            return _phases(own, turned)
        case "windowed":
            return placed + _windowed(own)
        case "winograd":
            transformed = placed * 3 + _winograd(own, turned)
        case "fourier":
            transformed = _fourier(own, turned)
    share = exp(-_ZERO * numbers)  # of the kernels that hold no zero
    return placed + transformed * share + direct(own, "folded") * (1 - share)


def _direct(own: Bulk, way: Way) -> Effort:
    """Returns the effort of a convolution, folded or unfolded."""
    kh, kw, channels, features = own.shape
    y, x, n, groups = own.y, own.x, own.n, own.groups
    lines, each = y.size_in * channels * groups, features // groups
    copied = passed(own, lines * x.size_in * n, lines) if groups > 1 else Effort()
    if way == "folded":
        return copied + _folded(own, (y.size_out, each, x.size_out), (y.size_in, channels, x.size_in))
    whole, size = is_whole_line(x), x.size_out * n
    pieces = x.size_out if x.stride > 1 else 1
    if y.dilation > 1:
        spread = Effort() if whole else passed(own, lines * kw * size, lines * kw * pieces)
        met = pairs(y)  # taps that read padding are left out
        added = passed(own, 2 * met * features * size, met)
        return copied + spread + added + _products(own, groups * met, each, kw * channels, size)
    total = _products(own, groups * y.size_out, each, kh * kw * channels, size)
    if whole:
        return copied + total + copied
    line = groups * channels * kw * size
    at = rows_at_once(y.size_out, line * own.item * y.stride)
    blocks = -(-y.size_out // at)
    rows = min(y.size_in, (at - 1) * y.stride + kh)  # those that two blocks read are unfolded twice
    total += passed(own, blocks * rows * line, blocks * rows * groups * channels * kw * pieces)
    total += _beyond(own, rows * line, 2 * blocks * rows * line)
    if kh * kw * channels >= DEEP and size % _VECTORS:
        total += passed(own, y.size_out * features * size, y.size_out * features)
    return copied + total


def _transposed(own: Bulk, way: Way) -> Effort:
    """Returns the effort of the transpose of a convolution, folded or unfolded."""
    kh, kw, channels, features = own.shape
    y, x, n, groups = own.y, own.x, own.n, own.groups
    each, size = features // groups, x.size_out * n
    if way == "folded":
        return _folded(own, (y.size_in, channels, x.size_in), (y.size_out, each, x.size_out))
    whole = is_whole_line(x) and groups == 1
    rows = min(y.size_in, (y.size_out - 1) * y.stride + (kh - 1) * y.dilation + 1)
    lines = groups * rows * kw * channels
    line = size + (0 if whole else (kw - 1) * x.dilation // x.stride * n)
    if y.size_out > 1 and y.dilation == 1:
        taps = 1 if kh <= y.stride else pairs(y) / rows
        total = _products(own, groups * rows, kw * channels, taps * each, size)
        at = y.stride * rows_at_once(-(-rows // y.stride), y.stride * lines // rows * line * own.item)
    else:
        total = _products(own, groups * y.size_out, kh * kw * channels, each, size)
        at = rows
        if y.size_out > 1 or y.dilation > 1 or rows < kh:
            spread = kh * y.size_out * groups * kw * channels * line
            total += passed(own, 2 * spread, kh * y.size_out * groups) + _beyond(own, spread, 3 * spread)
    block = lines // rows * at * line
    if whole:
        return total + _beyond(own, block, lines * size)
    pieces = groups * rows * channels * (x.size_in if x.stride > 1 else 1)
    merged = RATES.folded * lines * line + RATES.merged * groups * rows * channels * x.size_in * n
    total += Effort(copies=_wide(own) * merged + RATES.line * lines + RATES.piece * pieces)
    return total + _beyond(own, block, lines * (line - size))


def _folded(own: Bulk, result: tuple[int, int, int], operand: tuple[int, int, int]) -> Effort:
    """Returns the effort of the folded way.

    result, operand: (rows, features of a group, columns) and (rows, channels of a group, columns).
    """
    (rows, features, columns), (height, channels, width) = result, operand
    near = neighbours(own.shape[1]) if features == channels == 1 else 1
    far, size = -(-own.shape[1] // near), width * own.n
    total = _products(own, own.groups * rows, far * features, pairs(own.y) / rows * channels * near, size)
    if near > 1:
        total += passed(own, own.groups * height * near * size, own.groups * height * near)
    if far > 1 or columns != width or own.x.before or own.x.after:
        lines = own.groups * rows * features * far
        total += passed(own, lines * columns * own.n, lines)
    return total


def _phases(own: Bulk, turned: bool) -> Effort:
    """Returns the effort of rows that are split by phase: a convolution without dilation for each, bound every time."""
    _, _, channels, features = own.shape
    y, x = own.y, own.x
    lines = (y.size_in + y.before + y.after) * channels * own.groups
    numbers = 2 * lines * x.size_in + (0 if turned else y.size_out * features * x.size_out)
    total = passed(own, numbers * own.n, lines)
    for phase, count in phases(y).items():
        one = own._replace(y=phase)
        total += (Effort(copies=RATES.unbound) + (back(one, False) if turned else forward(one))) * count
    return total


def _windowed(own: Bulk) -> Effort:
    kh, kw, channels, features = own.shape
    windows, depth = own.y.size_out * own.x.size_out * own.groups, kh * kw * channels
    return _products(own, windows, features // own.groups, depth, own.n) + Effort(copies=RATES.piece * windows * depth)


def _winograd(own: Bulk, turned: bool) -> Effort:
    """Returns the effort of four products for two columns, and of the transforms of operand and result."""
    _, _, channels, features = own.shape
    y, x = own.y, own.x
    rows, filters = (y.size_in, channels) if turned else (y.size_out, features)
    read = pairs(y) / rows * (features if turned else channels)
    size = -(-(-(-x.size_out // 2) * own.n) // 16) * 16
    lines = y.size_in * channels, y.size_out * features
    numbers = (lines[0] * x.size_in + lines[1] * x.size_out) * own.n
    return _products(own, 4 * rows, filters, read, size) + passed(own, 6 * numbers, 4 * sum(lines))


def _fourier(own: Bulk, turned: bool) -> Effort:
    """Returns the effort of products at each frequency, and of the transforms of operand, kernel and result."""
    kh, kw, channels, features = own.shape
    ends = (own.y.size_in, own.x.size_in, channels), (own.y.size_out, own.x.size_out, features)
    operand, result = ends[::-1] if turned else ends
    q = 3 * operand[1] // 2
    count, depth = q * result[0], pairs(own.y) / result[0] * operand[2]
    multiplied = RATES.spectral * result[2] * depth * own.n
    read = RATES.spectral_read * depth * own.n + RATES.spectral_matrix * result[2] * depth
    total = Effort(multiplied, read) * (_wide(own) * count)
    total += _products(own, operand[0], q, operand[1], operand[2] * own.n)
    total += _products(own, result[0], result[1], q, result[2] * own.n)
    total += _products(own, 1, q, kw, kh * channels * features)
    numbers = 2 * own.n * (prod(operand) + prod(result))
    return (
        total + passed(own, numbers, operand[0] * operand[2] + result[0] * result[2]) + Effort(copies=RATES.unbound / 3)
    )


def _products(own: Bulk, count: float, m: float, k: float, n: float) -> Effort:
    """Returns the effort of so many products of [m, k] by [k, n].

    NumPy computes those with k = 1 itself, number by number.
    """
    multiplied, large, calls = m * k * n, 0.0, 1
    if k < _OUTER:
        copies = RATES.outer * multiplied
    elif m == 1 or n == 1:
        copies = RATES.vector * multiplied
    else:
        large = RATES.product * multiplied
        copies = RATES.result * m * n + RATES.read * k * n + RATES.matrix * m * k
        calls = max(1, ceil(multiplied / SMALL_PRODUCT))
    if m * k * own.item > _CACHE:
        copies += RATES.far * m * k
    return Effort(large, copies) * (_wide(own) * count) + Effort(copies=RATES.call * calls * count)


def _beyond(own: Bulk, numbers: float, passes: float) -> Effort:
    """Returns what passes over a block of so many numbers take longer where it is larger than the cache."""
    return Effort(copies=_wide(own) * RATES.far * passes if numbers * own.item > _CACHE else 0)


@lru_cache(maxsize=4096)
def pairs(axis: Axis) -> int:
    """Returns how many pairs of an output and a tap read a pixel, and not padding."""
    if axis.before <= 0 and axis.after <= 0:
        return axis.size_out * axis.kernel
    met = 0
    for tap in range(axis.kernel):
        pixel = tap * axis.dilation - axis.before
        last = min(axis.size_out - 1, (axis.size_in - 1 - pixel) // axis.stride)
        met += max(0, last + 1 - max(0, -(pixel // axis.stride)))
    return max(met, 1)
