"""Local response norm and its gradient, against PyTorch."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
from torch.nn import functional  # noqa: E402

from pipeline.ops import lrn  # noqa: E402
from pipeline.ops.bound import run  # noqa: E402
from pipeline.stem import LocalResponseNorm  # noqa: E402
from tests.pipeline.ops.torch_planes import assert_close, gradients_by_torch, made_by_torch  # noqa: E402

pytestmark = pytest.mark.usefixtures("memory")

LAYERS = st.builds(
    LocalResponseNorm,
    channels=st.integers(1, 9) | st.just(1_000_000),
    alpha=st.floats(1e-4, 10),
    beta=st.sampled_from([0.5, 0.75, 1.0, 2.0]),
    k=st.floats(0.5, 3),
)


@settings(max_examples=150, deadline=None)
@given(LAYERS, st.integers(1, 7), st.data(), st.sampled_from(["f4", "f8"]))
def test_it_is_that_of_pytorch_also_of_some_channels(
    layer: LocalResponseNorm, channels: int, data: st.DataObject, dtype: str
) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, channels, 2, 2)).astype(dtype)
    first = data.draw(st.integers(0, channels - 1))
    stop = data.draw(st.integers(first + 1, channels))

    def normed(plane: Any) -> Any:
        size = min(layer.channels, 2 * channels + 1)  # PyTorch pads by as many channels
        alpha = layer.alpha * size / layer.channels
        return functional.local_response_norm(plane, size, alpha, layer.beta, layer.k)[:, first:stop]

    low, high = max(first - layer.channels // 2, 0), min(stop + (layer.channels - 1) // 2, channels)
    read = x[:, low:high].copy()
    bound = lrn.forward(read, layer, first - low, stop - first)
    assert_close(run(bound), made_by_torch(normed, x))
    g = rng.standard_normal((3, stop - first, 2, 2)).astype(dtype)
    (right,) = gradients_by_torch(normed, g, x)
    assert_close(run(lrn.vjp(g.copy(), bound.saved, layer, first - low)), right[:, low:high])
    assert not right[:, :low].any()
    assert not right[:, high:].any()
