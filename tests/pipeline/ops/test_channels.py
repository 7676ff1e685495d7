"""Channels taken out of an array in any order, and the gradient put back where they were."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ops import channels
from pipeline.ops.bound import run

pytestmark = pytest.mark.usefixtures("memory")


@settings(max_examples=200, deadline=None)
@given(st.permutations(range(12)), st.integers(1, 12), st.booleans(), st.sampled_from(["f4", "f8"]))
def test_they_are_those_that_are_asked_for(order: list[int], count: int, is_shuffle: bool, dtype: str) -> None:
    sources = [number % 3 * 4 + number // 3 for number in range(12)][:count] if is_shuffle else order[:count]
    rng = np.random.default_rng(0)
    x, g = (rng.standard_normal((3, size, 2, 2)).astype(dtype) for size in (12, count))
    np.testing.assert_array_equal(run(channels.forward(x.copy(), sources)), x[:, sources])
    back = np.zeros_like(x)
    back[:, sources] = g
    np.testing.assert_array_equal(run(channels.vjp(g.copy(), sources, 12)), back)
