"""Columns apart by phase: those a stride apart beside one another, where NumPy compares and adds them at full rate.

Of a line that begins `before` columns ahead of the array, column q + t * stride is column t of phase q. A negative
`before` leaves out the array's first columns.
"""

from pipeline.ops.bound import Calls
from pipeline.ops.buffer import Array
from pipeline.ops.lines import pixels
from pipeline.ops.passes import copied, filled
from pipeline.stem.plane import Axis


def behind(across: Axis) -> int:
    """Columns of a phase behind its last window: with them, what a tap reads of all lines is one piece of memory."""
    return (across.kernel - 1) * across.dilation // across.stride


def split(calls: Calls, x: Array, before: int, stride: int, phases: Array, beyond: float | None = 0) -> None:
    """Calls: takes x [..., columns, n] apart into phases, each [..., pitch].

    Where x has no column stands `beyond`, or anything if that is None.
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
                calls += filled(margin, beyond)
        calls.append(copied(pixels(lines[..., start * n :], stop - start, n), source))


def merge(calls: Calls, phases: Array, before: int, stride: int, made: Array) -> None:
    """Calls: puts phases, each [..., pitch], together into made [..., columns, n]; zeros where they have no column."""
    n = made.shape[-1]
    if before < 0:
        calls += filled(made[..., :-before, :])
    made, before = _ahead(made, before)
    for phase in range(stride):
        target = made[..., (phase - before) % stride :: stride, :]
        columns = 0
        if phase < len(phases):
            start = _first(phase, before, stride)
            columns = max(min(target.shape[-2], phases[phase].shape[-1] // n - start), 0)
            source = pixels(phases[phase][..., start * n :], columns, n)
            calls.append(copied(target[..., :columns, :], source))
        calls += filled(target[..., columns:, :])


def _ahead(x: Array, before: int) -> tuple[Array, int]:
    """x without the columns that come before the line, and how many columns the line has before it."""
    return (x[..., -before:, :], 0) if before < 0 else (x, before)


def _first(phase: int, before: int, stride: int) -> int:
    """The first column of a phase that is in the array."""
    return -((phase - before) // stride)
