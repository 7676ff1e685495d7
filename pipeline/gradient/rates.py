"""What the pieces of a config's work take: products in multiply-adds, everything else in copied numbers.

Processors differ in how quickly they multiply matrices and in how quickly they pass over numbers, so both are counted
apart, and `cost.speed` measures both.
"""

from typing import NamedTuple

import msgspec


class Effort(msgspec.Struct, frozen=True):
    """Work that takes as long as so many multiply-adds of a large float32 product and so many copied numbers.

    The numbers are float32, copied from line to line in the second-level cache; see `cost.speed`.
    """

    products: float = 0.0
    copies: float = 0.0

    def __add__(self, other: "Effort") -> "Effort":
        return Effort(self.products + other.products, self.copies + other.copies)

    def __mul__(self, times: float) -> "Effort":
        return Effort(self.products * times, self.copies * times)


class Rates(NamedTuple):
    """Copied numbers that take as long as one of each of these; of `product` and `spectral`, multiply-adds.

    Fitted to 3,062 directions of the steps of 450 random configs of `benchmarks.random_configs`, by least absolute
    logarithms of expected / measured. They were measured as processor time of a thread that had run them before, on a
    Zen 5 (52 billion multiply-adds a second), in multiply-adds throughout; a copied number takes as long as ten there.
    Numbers are of float32; those of float64 count twice. Some were measured later, beside others or the code before:
    leaky_relu, gelu_tanh, and, on an Emerald Rapids, fresh, returned, averaged and mean.
    """

    # Products of [m, k] by [k, n]: a multiply-add; each of the m * n numbers made, of the k * n read, of the m * k of
    # the matrix; the call of BLAS. An outer product (k = 1) and one with a vector (m or n = 1) by their multiply-adds.
    product: float = 1.12
    result: float = 0.76
    read: float = 0.45
    matrix: float = 0.31
    call: float = 940
    outer: float = 5.8
    vector: float = 1.7
    # Products at one frequency, of which many are one call.
    spectral: float = 2.3
    spectral_read: float = 0.22
    spectral_matrix: float = 0.45
    # Passes of a convolution over a number: any; adding up its taps; putting together what was taken apart by phase; a
    # number that is not in the cache. Beginning a contiguous line, or one of a column alone. A weight put in place.
    passed: float = 0.93
    folded: float = 1.5
    merged: float = 2.8
    far: float = 0.72
    line: float = 4.6
    piece: float = 2.3
    weight: float = 3.0
    # A number in memory that the system has to find anew, page by page, for an array too large to be kept.
    fresh: float = 3.5
    # Making the views of a step anew, in one direction.
    unbound: float = 4.0e5
    # A number of listed pixels that is copied, and one whose gradient is added to its pixel; a number of a gradient
    # that is put into a larger one, or added to another.
    cut: float = 17
    scattered: float = 66
    returned: float = 4.4
    # A number and the slope of its activation; the product of a gradient and a slope.
    relu: float = 1.1
    leaky_relu: float = 5.9
    sigmoid: float = 13
    tanh: float = 15
    gelu: float = 20
    gelu_tanh: float = 34
    silu: float = 26
    slope: float = 3.5
    # Max pooling: a number compared, taken apart by phase, and one whose gradient is added to its pixel.
    compared: float = 1.7
    split: float = 5.5
    placed: float = 22
    # Average pooling: a number added, and one read. Global: a number of the plane.
    averaged: float = 2.2
    padded: float = 1.2
    mean: float = 1.3
    # Up-sampling: a number repeated, and a pixel of one probe whose block is added up.
    repeated: float = 2.0
    block: float = 150
    # A number of a layer norm, and of a batch norm, a copy, a sum or a product; a power; a multiply-add of resampling.
    normalized: float = 11
    scaled: float = 2.2
    power: float = 25
    interpolated: float = 0.3
    # A number of a random image, of what is cut out of it, and of the weights; a number of the gradient by the input.
    drawn: float = 17
    cut_out: float = 12
    weight_drawn: float = 20
    summed: float = 12


RATES = Rates()
