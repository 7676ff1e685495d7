"""Norms over the channels, over groups of them and over the plane, against PyTorch."""

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
from torch.nn import functional  # noqa: E402

from pipeline.ops import norm  # noqa: E402
from pipeline.ops.bound import run  # noqa: E402
from pipeline.ops.parameters import Parameters  # noqa: E402
from pipeline.stem import Axis  # noqa: E402
from tests.pipeline.ops.torch_planes import assert_close, gradients_by_torch, made_by_torch  # noqa: E402

pytestmark = pytest.mark.usefixtures("memory")

SHAPE = 5, 6, 4, 3
WHOLE = Axis(5, 5, 1), Axis(4, 4, 1)


def drawn(dtype: str) -> tuple[np.ndarray, np.ndarray, Parameters]:
    """x, a gradient, and a weight and a bias, with a mean that is far from zero."""
    rng = np.random.default_rng(0)
    x, g = rng.standard_normal(SHAPE).astype(dtype) * 3 + 20, rng.standard_normal(SHAPE).astype(dtype)
    return x, g, Parameters(*(rng.standard_normal(6).astype(dtype) for _ in range(2)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("epsilon", [1e-5, 0.1])
@pytest.mark.parametrize("is_trained", [False, True])
def test_layer_norm_and_its_gradient(dtype: str, epsilon: float, is_trained: bool) -> None:
    x, g, own = drawn(dtype)
    own = own if is_trained else Parameters()

    def normed(plane: Any) -> Any:
        weight, bias = (None if one is None else torch.tensor(one) for one in (own.weight, own.bias))
        return functional.layer_norm(plane.permute(0, 2, 3, 1), (6,), weight, bias, epsilon).permute(0, 3, 1, 2)

    bound = norm.layer_forward(x.copy(), epsilon)
    assert_close(run(bound, own), made_by_torch(normed, x))
    (right,) = gradients_by_torch(normed, g, x)
    assert_close(run(norm.layer_vjp(g.copy(), bound.saved), own), right)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("groups", [1, 2, 3, 6])
@pytest.mark.parametrize("epsilon", [1e-5, 0.1])
@pytest.mark.parametrize("is_trained", [False, True])
def test_group_norm_and_its_gradient(dtype: str, groups: int, epsilon: float, is_trained: bool) -> None:
    """With a group for each channel it is instance norm."""
    x, g, own = drawn(dtype)
    own = own if is_trained else Parameters()

    def normed(plane: Any) -> Any:
        weight, bias = (None if one is None else torch.tensor(one) for one in (own.weight, own.bias))
        if groups == 6:
            return functional.instance_norm(plane, weight=weight, bias=bias, eps=epsilon)
        return functional.group_norm(plane, groups, weight, bias, epsilon)

    bound = norm.group_forward(x.copy(), *WHOLE, groups, epsilon)
    assert_close(run(bound, own), made_by_torch(normed, x))
    (right,) = gradients_by_torch(normed, g, x)
    assert_close(run(norm.group_vjp(g.copy(), bound.saved, *WHOLE), own), right)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("groups", [1, 3, 6])
def test_some_pixels_of_a_group_norm_are_those_of_the_whole(dtype: str, groups: int) -> None:
    """Output o of an axis that begins `-before` pixels on is pixel o - before; g is zero around what is asked for."""
    x, g, own = drawn(dtype)
    y, across = Axis(5, 2, 1, before=-2, after=-1), Axis(4, 1, 1, before=0, after=-3)
    whole = norm.group_forward(x.copy(), *WHOLE, groups)
    asked = norm.group_forward(x.copy(), y, across, groups)
    assert_close(run(asked, own), run(whole, own)[2:4, :, :1])
    alone = np.zeros_like(g)
    alone[2:4, :, :1] = g[2:4, :, :1]
    back = run(norm.group_vjp(g[2:4, :, :1].copy(), asked.saved, y, across), own)
    assert_close(back, run(norm.group_vjp(alone, whole.saved, *WHOLE), own))


def test_group_norm_of_a_large_plane_keeps_its_digits_in_float32() -> None:
    """Of 2**20 numbers around 1000 in float32 the mean is off by some roundings of 1000, not by their hundreds."""
    x = (np.random.default_rng(0).standard_normal((64, 4, 256, 16)) + 1000).astype("f4")
    axes = Axis(64, 64, 1), Axis(256, 256, 1)
    single, double = (run(norm.group_forward(one, *axes, 1)) for one in (x, x.astype("f8")))
    np.testing.assert_allclose(single, double, atol=10 * 2**-24 * 1000)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_affine_layer_is_a_batch_norm_without_statistics(dtype: str) -> None:
    x, g, own = drawn(dtype)
    weight, bias = (np.asarray(one)[:, None, None] for one in (own.weight, own.bias))
    assert_close(run(norm.batch_forward(x.copy()), own), x * weight + bias)
    assert_close(run(norm.batch_vjp(g.copy()), own), g * weight)
