"""The band of one standard deviation around means, on a logarithmic axis."""

from typing import Any

import numpy as np

_DEEPEST = 4
"""A band reaches down to this part of its mean at most."""


def lower_end(mean: Any, sd: Any) -> Any:
    """The lower end of a band, above 0, as a logarithmic axis has no room for less: float64 [n], as mean and sd are."""
    return np.maximum(mean - sd, mean / _DEEPEST)
