"""PReLU and its gradient, against PyTorch, also at its kink."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
from torch.nn import functional  # noqa: E402

from pipeline.ops import prelu  # noqa: E402
from pipeline.ops.bound import run  # noqa: E402
from pipeline.ops.parameters import Parameters  # noqa: E402
from tests.pipeline.ops.torch_planes import assert_close, gradients_by_torch, made_by_torch  # noqa: E402

pytestmark = pytest.mark.usefixtures("memory")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("slopes", [None, [0.1, 0.0, -2.0]])
def test_it_is_that_of_pytorch(dtype: str, slopes: list[float] | None) -> None:
    rng = np.random.default_rng(0)
    x, g = (rng.integers(-2, 3, (5, 3, 4, 2)).astype(dtype) for _ in range(2))
    own = Parameters() if slopes is None else Parameters(np.array(slopes, dtype))
    weight = torch.tensor([0.25] * 3 if slopes is None else slopes, dtype=getattr(torch, dtype))
    bound = prelu.forward(x.copy())
    assert_close(run(bound, own), made_by_torch(lambda plane: functional.prelu(plane, weight), x))
    (right,) = gradients_by_torch(lambda plane: functional.prelu(plane, weight), g, x)
    assert_close(run(prelu.vjp(g.copy(), bound.saved), own), right)


def test_other_slopes_need_no_other_binding() -> None:
    """What the VJP needs of the forward pass does not depend on the slopes."""
    x = np.array([-1.0, 1.0, 0.0, -2.0]).reshape(2, 1, 2, 1)
    bound = prelu.forward(x)
    back = prelu.vjp(np.ones_like(x), bound.saved)
    for slope in (0.5, 2.0):
        own = Parameters(np.array([slope]))
        np.testing.assert_array_equal(run(bound, own).ravel(), [-slope, 1, 0, -2 * slope])
        np.testing.assert_array_equal(run(back, own).ravel(), [slope, 1, slope, slope])
