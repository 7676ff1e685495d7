"""A convolution bound to its arrays: the NumPy calls that it consists of, with every view made beforehand.

Of a small layer's time most goes into making views. Where a layer is run again on the arrays that it was bound to, only
the calls are left.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from pipeline.layers.array import Array

Call = tuple[Callable[..., Any], tuple[Any, ...]]
Calls = list[Call]


class Bound(NamedTuple):
    """The calls that turn `x` (times `mask`) into `made`.

    `kernel` is where the weight goes, seen as [kh, kw, C // groups, groups, F // groups]. `slope` is that of an
    activation among the calls.
    """

    x: Array
    mask: Array | None
    kernel: Array
    made: Array
    calls: Calls
    slope: Any = None


def run(bound: Bound, weight: Array) -> Array:
    """What the layer makes with a weight."""
    bound.kernel[...] = weight.reshape(bound.kernel.shape)
    for function, arguments in bound.calls:
        function(*arguments)
    return bound.made
