"""Padding, cropping and striding by their definition: output o is input o * stride - before, or zero."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ops import padding
from pipeline.ops.bound import run
from pipeline.stem import Axis

pytestmark = pytest.mark.usefixtures("memory")


@st.composite
def axes(draw: st.DrawFn) -> Axis:
    """Also such whose outputs read nothing that there is."""
    size, made, stride, before = (draw(st.integers(least, 6)) for least in (1, 1, 1, -4))
    return Axis(size, made, 1, stride, 1, before, (made - 1) * stride + 1 - before - size)


@settings(max_examples=200, deadline=None)
@given(axes(), axes(), st.sampled_from(["f4", "f8"]))
def test_each_output_is_the_pixel_where_it_stands_or_zero(y: Axis, across: Axis, dtype: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((y.size_in, 3, across.size_in, 2)).astype(dtype)
    g = rng.standard_normal((y.size_out, 3, across.size_out, 2)).astype(dtype)
    made, back = np.zeros_like(g), np.zeros_like(x)
    for p, q in np.ndindex(y.size_out, across.size_out):
        row, column = p * y.stride - y.before, q * across.stride - across.before
        if 0 <= row < y.size_in and 0 <= column < across.size_in:
            made[p, :, q] = x[row, :, column]
            back[row, :, column] = g[p, :, q]
    np.testing.assert_array_equal(run(padding.forward(x.copy(), y, across)), made)
    np.testing.assert_array_equal(run(padding.vjp(g.copy(), y, across)), back)
