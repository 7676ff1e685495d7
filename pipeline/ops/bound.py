"""A step bound to its arrays: the NumPy calls that it consists of, with every view made beforehand.

Of a small layer's time most goes into making views. Where a layer is run again on the arrays that it was bound to, only
the calls are left.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from pipeline.ops import buffer
from pipeline.ops.buffer import Array
from pipeline.ops.parameters import NO_PARAMETERS, Parameters

Call = tuple[Callable[..., Any], tuple[Any, ...]]
Calls = list[Call]
Start = Callable[[Parameters], None]


class Bound(NamedTuple):
    """NumPy calls that compute `out` from `x`, both [rows, channels, columns, n] and float32 or float64.

    start: is called with the parameters before the calls and puts them where the calls read them. suits: tells whether
    the step can be started with other parameters: they have a bias if these have one, and a weight that is multiplied
    in the same way; None if it can be started with any. saved: the arrays that the VJP of this operation needs. slope:
    the slope of the activation among the calls, as `activation.bind` returns it. inner: the number of calls that
    `start` makes, if they are many.
    """

    x: Array
    out: Array
    calls: Calls
    start: Start | None = None
    suits: Callable[[Parameters], bool] | None = None
    saved: Any = None
    slope: Any = None
    inner: int = 0


def run(bound: Bound, parameters: Parameters = NO_PARAMETERS) -> Array:
    """Runs a step with its parameters and returns its `out`, float32 or float64 [rows, channels, columns, n]."""
    if buffer.poisoning and not np.may_share_memory(bound.out, bound.x):
        buffer.poison(bound.out)
    apply(bound, parameters)
    if buffer.poisoning:
        buffer.release()
    return bound.out


def apply(bound: Bound, parameters: Parameters) -> None:
    """Runs a step, or one of the steps that another step consists of."""
    if bound.start is not None:
        bound.start(parameters)
    perform(bound.calls)


def perform(calls: Calls) -> None:
    """Makes the calls, in their order."""
    for function, arguments in calls:
        function(*arguments)
