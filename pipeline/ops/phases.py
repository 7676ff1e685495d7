"""Splits columns by phase: those a stride apart become neighbours, which NumPy compares and adds at full rate.

Of a line that begins `before` columns ahead of the array, column q + t * stride is column t of phase q. A negative
`before` leaves out the array's first columns.
"""

from pipeline.ops.bound import Calls
from pipeline.ops.buffer import Array
from pipeline.ops.lines import pixels
from pipeline.ops.passes import copy_call, fill_calls
from pipeline.stem import Axis


def columns_behind(across: Axis) -> int:
    """Returns the columns of a phase behind its last window.

    With them, what a tap reads of all lines is one piece of memory.
    """
    return (across.kernel - 1) * across.dilation // across.stride


def split(calls: Calls, x: Array, before: int, stride: int, phases: Array, beyond: float | None = 0) -> None:
    """Adds the calls that split x [..., columns, n] into phases [stride, ..., pitch] of its dtype.

    `beyond` stands where x has no column, or anything if that is None.
    """
    n = x.shape[-1]
    x, before = _ahead(x, before)
    for phase, lines in enumerate(phases):
        source = x[..., (phase - before) % stride :: stride, :]
        start = _first(phase, before, stride)
        source = source[..., : max(lines.shape[-1] // n - start, 0), :]
        stop = start + source.shape[-2]
        if beyond is not None:
            for margin in (lines[..., : start * n], lines[..., stop * n :]):
                calls += fill_calls(margin, beyond)
        calls.append(copy_call(pixels(lines[..., start * n :], stop - start, n), source))


def merge(calls: Calls, phases: Array, before: int, stride: int, out: Array) -> None:
    """Adds the calls that merge phases [phases, ..., pitch] into out [..., columns, n] of their dtype.

    There are zeros where the phases have no column.
    """
    n = out.shape[-1]
    if before < 0:
        calls += fill_calls(out[..., :-before, :])
    out, before = _ahead(out, before)
    for phase in range(stride):
        target = out[..., (phase - before) % stride :: stride, :]
        columns = 0
        if phase < len(phases):
            start = _first(phase, before, stride)
            columns = max(min(target.shape[-2], phases[phase].shape[-1] // n - start), 0)
            source = pixels(phases[phase][..., start * n :], columns, n)
            calls.append(copy_call(target[..., :columns, :], source))
        calls += fill_calls(target[..., columns:, :])


def _ahead(x: Array, before: int) -> tuple[Array, int]:
    """Returns x without the columns before the line, and how many columns the line has before x."""
    return (x[..., -before:, :], 0) if before < 0 else (x, before)


def _first(phase: int, before: int, stride: int) -> int:
    """Returns the first column of a phase that is in the array."""
    return -((phase - before) // stride)
