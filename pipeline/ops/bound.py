"""A step bound to its arrays: the NumPy calls that it consists of, with every view made beforehand.

Of a small layer's time most goes into making views. Where a layer is run again on the arrays that it was bound to, only
the calls are left.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from pipeline.ops.array import Array

Call = tuple[Callable[..., Any], tuple[Any, ...]]
Calls = list[Call]


class Bound(NamedTuple):
    """The calls that turn `x`, and what was `given` to a VJP by its forward, into `made`.

    `weigh` puts a weight [kh, kw, C // groups, F] where the calls read it. What a forward saves for its VJP is `saved`,
    and `slope` is that of an activation among its calls.
    """

    x: Array
    given: Any
    weigh: Callable[[Any], None] | None
    made: Array
    calls: Calls
    saved: Any = None
    slope: Any = None


def run(bound: Bound, weight: Array | None = None) -> Array:
    """What the layer makes, with a weight if it has one."""
    if bound.weigh is not None:
        bound.weigh(weight)
    perform(bound.calls)
    return bound.made


def perform(calls: Calls) -> None:
    """Makes the calls, in their order."""
    for function, arguments in calls:
        function(*arguments)
