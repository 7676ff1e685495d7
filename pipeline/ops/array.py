"""The array type of the kernel, float32 or float64, and views of it."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.floating[Any]]


def view(a: Array, start: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> Array:
    """The numbers of a contiguous array from `start` on, with strides in numbers; they may overlap."""
    item = a.itemsize
    return np.ndarray(shape, a.dtype, a, start * item, tuple(stride * item for stride in strides))
