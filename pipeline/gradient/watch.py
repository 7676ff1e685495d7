"""Notices where numbers become too small or too large for their type on the way through the steps.

A number below the smallest normal one loses digits, or is zero. The processor notes each product that does, and NumPy
asks it after every call (`np.errstate(under="call")`, a few nanoseconds each). So an ordinary pass is proved to have
lost nothing at no cost; where something was lost, what the step made is looked at. It is right as long as the numbers
of a probe add up to much: what each of them lost is then less than 2**-54 of that (2**-600 in float64).

An overflow may not show in what a pass makes: a rectifier makes zero of minus infinity. So one blurs all probes.
"""

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.ops.buffer import Array

LEAST: dict[np.dtype[Any], float] = {np.dtype(np.float32): 2.0**-80, np.dtype(np.float64): 2.0**-400}
"""A probe whose magnitudes add up to less may have lost digits.

In float32 the sum of 2**16 products, of which each is off by half the smallest number, 2**-150, is off by 2**-134. In
float64 the square of a gradient has to be a number, too.
"""


class Watch:
    """Notes what was lost in a pass of n probes. NumPy calls it where a number is too small or too large."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.is_raised = False  # since a step's result was looked at last
        self.was_raised = False
        self.lost: npt.NDArray[np.bool_] | None = None  # [n], None while there is none

    def __call__(self, kind: str, flag: int) -> None:
        self.is_raised = self.was_raised = True
        if kind == "overflow":
            self.lost = np.ones(self.n, np.bool_)

    def look_at(self, result: Array) -> None:
        """Notes the probes that may have lost digits in the result of a step.

        result: float32 or float64 [rows, C, columns, n].
        """
        self.is_raised = False
        lost = ~(total_magnitude(result, self.n) >= LEAST[result.dtype])
        self.lost = lost if self.lost is None else self.lost | lost


def total_magnitude(result: Array, n: int) -> Array:
    """Returns the sum of each probe's magnitudes, [n] of the dtype of `result`, NaN where one is.

    result: float32 or float64 [rows, C, columns, n]. A product with ones takes a third of the time of a reduction over
    so short lines.
    """
    magnitudes = np.absolute(result).reshape(-1, n)
    total: Array = np.matmul(_ones(len(magnitudes), result.dtype), magnitudes)
    return total


@lru_cache(maxsize=64)
def _ones(size: int, dtype: np.dtype[Any]) -> Array:
    return np.ones(size, dtype)
