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
    Zen 5 (52 billion multiply-adds a second), in multiply-adds throughout. For a copied number 5.9 of these stand, by
    the median of 470 random configs on an Emerald Rapids (70 billion), where fresh, returned, averaged and mean were
    measured, too. Numbers are of float32; those of float64 count twice. leaky_relu and gelu_tanh were measured later,
    beside silu and the code before.
    """

    # Products of [m, k] by [k, n]: a multiply-add; each of the m * n numbers made, of the k * n read, of the m * k of
    # the matrix; the call of BLAS. An outer product (k = 1) and one with a vector (m or n = 1) by their multiply-adds.
    product: float = 1.12
    result: float = 1.3
    read: float = 0.76
    matrix: float = 0.53
    call: float = 1600
    outer: float = 10
    vector: float = 3.0
    # Products at one frequency, of which many are one call.
    spectral: float = 2.3
    spectral_read: float = 0.37
    spectral_matrix: float = 0.76
    # Passes of a convolution over a number: any; adding up its taps; putting together what was taken apart by phase; a
    # number that is not in the cache. Beginning a contiguous line, or one of a column alone. A weight put in place.
    passed: float = 1.6
    folded: float = 2.5
    merged: float = 4.7
    far: float = 1.2
    line: float = 7.8
    piece: float = 3.9
    weight: float = 5.1
    # A number in memory that the system has to find anew, page by page, for an array too large to be kept.
    fresh: float = 6.0
    # Making the views of a step anew, in one direction.
    unbound: float = 6.8e5
    # A number of listed pixels that is copied, and one whose gradient is added to its pixel; a number of a gradient
    # that is put into a larger one, or added to another.
    cut: float = 28
    scattered: float = 110
    returned: float = 7.5
    # A number and the slope of its activation; the product of a gradient and a slope.
    relu: float = 2.0
    leaky_relu: float = 10
    sigmoid: float = 22
    tanh: float = 26
    gelu: float = 34
    gelu_tanh: float = 58
    silu: float = 44
    slope: float = 5.9
    # Max pooling: a number compared, taken apart by phase, and one whose gradient is added to its pixel.
    compared: float = 2.9
    split: float = 9.5
    placed: float = 38
    # Average pooling: a number added, and one read. Global: a number of the plane.
    averaged: float = 3.8
    padded: float = 2.0
    mean: float = 2.2
    # Up-sampling: a number repeated, and a pixel of one probe whose block is added up.
    repeated: float = 3.4
    block: float = 250
    # A number of a layer norm, and of a batch norm, a copy, a sum or a product; a power; a multiply-add of resampling.
    normalized: float = 20
    scaled: float = 3.7
    power: float = 42
    interpolated: float = 0.51
    # A number of a random image, of what is cut out of it, and of the weights; a number of the gradient by the input.
    drawn: float = 28
    cut_out: float = 20
    weight_drawn: float = 34
    summed: float = 20


RATES = Rates()
