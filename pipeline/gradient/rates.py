"""What the pieces of a config's work take, in multiply-adds of a large float32 product."""

from typing import NamedTuple


class Rates(NamedTuple):
    """Multiply-adds of a large float32 product that take as long as one of each of these.

    Fitted to 3,062 directions of the steps of 450 random configs of `benchmarks.random_configs`, by least absolute
    logarithms of expected / measured. They were measured as processor time of a thread that had run them before, on a
    Zen 5 (52 billion multiply-adds a second). Numbers are of float32; those of float64 count twice. Those of
    leaky_relu, of gelu_tanh and of the mean of a plane were measured later, beside that of silu or of the code before.
    """

    # Products of [m, k] by [k, n]: a multiply-add; each of the m * n numbers made, of the k * n read, of the m * k of
    # the matrix; the call of BLAS. An outer product (k = 1) and one with a vector (m or n = 1) by their multiply-adds.
    product: float = 1.12
    result: float = 7.7
    read: float = 4.5
    matrix: float = 3.1
    call: float = 9500
    outer: float = 59
    vector: float = 17.6
    # Products at one frequency, of which many are one call.
    spectral: float = 2.3
    spectral_read: float = 2.2
    spectral_matrix: float = 4.5
    # Passes of a convolution over a number: any; adding up its taps; putting together what was taken apart by phase; a
    # number that is not in the cache. Beginning a contiguous line, or one of a column alone. A weight put in place.
    passed: float = 9.4
    folded: float = 15
    merged: float = 28
    far: float = 7.3
    line: float = 46
    piece: float = 23
    weight: float = 30
    # Making the views of a step anew, in one direction.
    unbound: float = 4e6
    # A number that a step takes out of a larger array, that it returns to one, and that it adds to one at a time.
    cut: float = 167
    returned: float = 130
    scattered: float = 670
    # A number and the slope of its activation; the product of a gradient and a slope.
    relu: float = 11.6
    leaky_relu: float = 60
    sigmoid: float = 130
    tanh: float = 155
    gelu: float = 200
    gelu_tanh: float = 340
    silu: float = 260
    slope: float = 35
    # Max pooling: a number compared, taken apart by phase, and one whose gradient is added to its pixel.
    compared: float = 17
    split: float = 56
    placed: float = 225
    # Average pooling: a number added, and one read. Global: a number of the plane.
    averaged: float = 30
    padded: float = 12
    mean: float = 20
    # Up-sampling: a number repeated, and a pixel of one probe whose block is added up.
    repeated: float = 20
    block: float = 1500
    # A number of a layer norm, and of a batch norm, a copy, a sum or a product; a power; a multiply-add of resampling.
    normalized: float = 116
    scaled: float = 22
    power: float = 250
    interpolated: float = 3
    # A number of a random image, of what is cut out of it, and of the weights; a number of the gradient by the input.
    drawn: float = 167
    cut_out: float = 118
    weight_drawn: float = 202
    summed: float = 117


RATES = Rates()
