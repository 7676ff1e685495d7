"""Adding what the taps of a window give back to the columns that it read: the transpose of unfolding."""

from collections.abc import Iterable

import numpy as np

from pipeline.layers.array import Array
from pipeline.layers.bound import Calls
from pipeline.layers.buffer import scratch
from pipeline.layers.lines import items
from pipeline.layers.span import tap
from pipeline.network import Axis


def refold(calls: Calls, taps: Iterable[Array], across: Axis, made: Array) -> None:
    """Calls: made[..., o*s + j*d - before, n] += taps[j][..., o, n]; made is zero.

    Columns that a stride lies between are added up beside one another, where NumPy is quick, and then put in their
    places. `taps` may append to the calls what makes each of them.
    """
    stride = across.stride
    *sides, columns, n = made.shape
    beside = made[..., None, :, :]
    if stride > 1:
        beside = scratch("beside", (*sides, stride, -(-columns // stride), n), made.dtype)
        calls.append((beside.fill, (0,)))
    for j, given in enumerate(taps):
        outputs, inputs = tap(across, j)
        if outputs.stop > outputs.start:
            first = inputs.start // stride
            added = beside[..., inputs.start % stride, first : first + outputs.stop - outputs.start, :]
            calls.append((np.add, (added, given[..., outputs, :], added)))
    if stride > 1:
        for phase in range(min(stride, columns)):
            target = items(made)[..., phase::stride]
            calls.append((np.copyto, (target, items(beside)[..., phase, : target.shape[-1]])))
