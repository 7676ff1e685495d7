"""Average pooling and what its windows count, against PyTorch: padding, ceil mode, and both ways of counting."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
from torch.nn import functional  # noqa: E402

from pipeline.ops import pool  # noqa: E402
from pipeline.ops.bound import run  # noqa: E402
from pipeline.stem import Axis, counted_pixels  # noqa: E402
from tests.pipeline.ops.torch_planes import assert_close, gradients_by_torch, made_by_torch  # noqa: E402

pytestmark = pytest.mark.usefixtures("memory")


def axis_of(size: int, made: int, kernel: int, stride: int, padding: int, dilation: int = 1) -> Axis:
    """An axis of a pool that makes so many outputs, as PyTorch says."""
    after = (made - 1) * stride + dilation * (kernel - 1) + 1 - size - padding
    return Axis(size, made, kernel, stride, dilation, padding, after)


@st.composite
def average_pools(draw: st.DrawFn) -> dict[str, Any]:
    kernel = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    return {
        "kernel_size": kernel,
        "stride": draw(st.tuples(st.integers(1, 4), st.integers(1, 4))),
        "padding": tuple(draw(st.integers(0, size // 2)) for size in kernel),
        "ceil_mode": draw(st.booleans()),
        "count_include_pad": draw(st.booleans()),
    }


@settings(max_examples=200, deadline=None)
@given(average_pools(), st.tuples(st.integers(5, 9), st.integers(5, 9)), st.sampled_from(["f4", "f8"]))
def test_average_pooling_and_its_gradient_are_those_of_pytorch(
    asked: dict[str, Any], sides: tuple[int, int], dtype: str
) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((sides[0], 3, sides[1], 2)).astype(dtype)

    def averaged(plane: Any) -> Any:
        return functional.avg_pool2d(plane, **asked)

    right = made_by_torch(averaged, x)
    shapes = zip(sides, right.shape[::2], asked["kernel_size"], asked["stride"], asked["padding"], strict=True)
    y, across = (axis_of(*shape) for shape in shapes)
    ends = [(side, side) if asked["count_include_pad"] else (0, 0) for side in asked["padding"]]
    counted = pool.Counts(
        *(counted_pixels(axis, range(axis.size_out), end) for axis, end in zip((y, across), ends, strict=True))
    )
    assert_close(run(pool.average_forward(x.copy(), y, across, counted)), right)
    g = rng.standard_normal(right.shape).astype(dtype)
    (gradient,) = gradients_by_torch(averaged, g, x)
    assert_close(run(pool.average_vjp(g.copy(), y, across, counted)), gradient)


def test_of_some_outputs_the_same_pixels_count_as_of_all() -> None:
    axis = axis_of(8, 5, 3, 2, 1)
    assert counted_pixels(axis, range(5), (1, 1)) == (3, 3, 3, 3, 2)
    assert counted_pixels(axis, range(5), (0, 0)) == (2, 3, 3, 3, 1)
    assert counted_pixels(axis, range(3, 5), (0, 0)) == (3, 1)
