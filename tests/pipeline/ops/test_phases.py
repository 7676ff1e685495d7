"""Columns apart by phase of a stride, and together again."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ops.bound import Calls, perform
from pipeline.ops.phases import merge, split

SIDES = {
    "columns": st.integers(1, 9),
    "n": st.integers(1, 3),
    "before": st.integers(-3, 4),
    "stride": st.integers(1, 4),
    "count": st.integers(1, 4),
    "width": st.integers(1, 12),
    "seed": st.integers(0, 2**32 - 1),
}


def line(x: np.ndarray, before: int, length: int, beyond: float) -> np.ndarray:
    """The line that begins `before` columns ahead of x, pixel by pixel."""
    made = np.full((*x.shape[:-2], length, x.shape[-1]), beyond)
    for column in range(length):
        if 0 <= column - before < x.shape[-2]:
            made[..., column, :] = x[..., column - before, :]
    return made


@given(**SIDES)
def test_splitting_puts_every_column_in_its_phase(columns, n, before, stride, count, width, seed):
    x = np.random.default_rng(seed).standard_normal((2, 3, columns, n))
    phases = np.full((min(count, stride), 2, 3, width * n), np.nan)
    calls: Calls = []
    split(calls, x, before, stride, phases, -7.0)
    perform(calls)
    whole = line(x, before, stride * (width + 1), -7.0)
    for phase, lines in enumerate(phases):
        expected = whole[..., phase::stride, :][..., :width, :]
        np.testing.assert_array_equal(lines.reshape(2, 3, width, n), expected)


@given(**SIDES)
def test_merging_takes_every_column_from_its_phase(columns, n, before, stride, count, width, seed):
    phases = np.random.default_rng(seed).standard_normal((min(count, stride), 2, 3, width * n))
    made = np.full((2, 3, columns, n), np.nan)
    calls: Calls = []
    merge(calls, phases, before, stride, made)
    perform(calls)
    for column in range(columns):
        position, phase = divmod(column + before, stride)
        exists = column + before >= 0 and phase < len(phases) and position < width
        expected = phases[phase].reshape(2, 3, width, n)[..., position, :] if exists else 0
        np.testing.assert_array_equal(made[..., column, :], np.broadcast_to(expected, (2, 3, n)))
