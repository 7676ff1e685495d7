"""What the pieces of a config's work take, in multiply-adds of a large float32 product."""

from typing import NamedTuple


class Rates(NamedTuple):
    """Multiply-adds of a large float32 product that take as long as one of each of these.

    REPLACE

    Convolutions: a multiply-add of a product, a number that one makes, that it reads, and of its matrix; the same of
    products at one frequency; a multiply-add of an outer product, and of one with a vector; a call of BLAS; a number
    that is passed over, a line of such numbers, a column that is taken apart; a number whose taps are added up, and one
    that is merged from phases; a number beyond the cache; a weight that is put in place; a byte of memory that is asked
    of the system anew; making the views of a step.
    """

    product: float = 1.05
    made: float = 8.6
    read: float = 6
    matrix: float = 3.6
    spectral: float = 1.44
    spectral_read: float = 12.3
    spectral_matrix: float = 6.2
    outer: float = 65
    vector: float = 15
    call: float = 14e3
    passed: float = 12
    line: float = 43
    piece: float = 118
    folded: float = 11
    merged: float = 25
    far: float = 5
    weight: float = 40
    fresh: float = 10
    unbound: float = 5e6
    cut: float = 170
    returned: float = 110
    scattered: float = 870
    relu: float = 5.5
    leaky_relu: float = 216
    sigmoid: float = 166
    tanh: float = 150
    gelu: float = 345
    silu: float = 285
    slope: float = 32
    compared: float = 15
    apart: float = 57
    placed: float = 222
    averaged: float = 15
    padded: float = 31
    repeated: float = 19
    block: float = 1365
    mean: float = 133
    normalized: float = 190
    scaled: float = 22
    drawn: float = 190
    taken: float = 152
    weight_drawn: float = 224
    summed: float = 116


RATES = Rates()
