"""Max pooling with dilation, padding and ceil mode, against PyTorch."""

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
from torch.nn import functional  # noqa: E402

from pipeline.ops import maxpool  # noqa: E402
from pipeline.ops.bound import run  # noqa: E402
from tests.pipeline.ops.test_pool import axis_of  # noqa: E402
from tests.pipeline.ops.torch_planes import assert_close, gradients_by_torch, made_by_torch  # noqa: E402

pytestmark = pytest.mark.usefixtures("memory")

PAIRS = st.tuples(st.integers(1, 4), st.integers(1, 4))


@st.composite
def max_pools(draw: st.DrawFn) -> dict[str, Any]:
    kernel = draw(PAIRS)
    return {
        "kernel_size": kernel,
        "stride": draw(PAIRS),
        "dilation": draw(PAIRS),
        "padding": tuple(draw(st.integers(0, size // 2)) for size in kernel),
        "ceil_mode": draw(st.booleans()),
    }


@settings(max_examples=300, deadline=None)
@given(max_pools(), st.tuples(st.integers(5, 14), st.integers(5, 14)), st.sampled_from(["f4", "f8"]))
def test_max_pooling_and_its_gradient_are_those_of_pytorch(
    asked: dict[str, Any], sides: tuple[int, int], dtype: str
) -> None:
    for axis, side in enumerate(sides):
        assume(asked["dilation"][axis] * (asked["kernel_size"][axis] - 1) + 1 <= side + 2 * asked["padding"][axis])
    rng = np.random.default_rng(0)
    x = rng.standard_normal((sides[0], 3, sides[1], 2)).astype(dtype)

    def pooled(plane: Any) -> Any:
        return functional.max_pool2d(plane, **asked)

    right = made_by_torch(pooled, x)
    names = "kernel_size", "stride", "padding", "dilation"
    y, across = (axis_of(sides[i], right.shape[2 * i], *(asked[name][i] for name in names)) for i in (0, 1))
    bound = maxpool.forward(x.copy(), y, across)
    np.testing.assert_array_equal(run(bound), right)
    g = rng.standard_normal(right.shape).astype(dtype)
    (gradient,) = gradients_by_torch(pooled, g, x)
    assert_close(run(maxpool.vjp(g.copy(), bound.saved, y, across)), gradient)
