"""Local response norm and its gradient, against PyTorch."""

from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
from torch.nn import functional  # noqa: E402  # behind the question whether it is there

from pipeline.ops import lrn, lrn_scaled  # noqa: E402  # likewise
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


def _by_definition(x: np.ndarray, g: np.ndarray, layer: LocalResponseNorm, first: int) -> tuple[np.ndarray, np.ndarray]:
    """(y, the gradient by x) of one pixel's channels, [C] numbers of 60 digits; g is by the channels from first on."""
    x, share, beta = [mpmath.mpf(number) for number in x.tolist()], mpmath.mpf(layer.alpha) / layer.channels, layer.beta
    made, gradient = [], [mpmath.mpf(0)] * len(x)
    for c, of_c in enumerate(g.tolist(), first):
        read = range(max(c - layer.channels // 2, 0), min(c + (layer.channels - 1) // 2 + 1, len(x)))
        d = mpmath.mpf(layer.k) + share * sum(x[j] ** 2 for j in read)
        made.append(x[c] * d**-beta)
        gradient[c] += of_c * d**-beta
        for j in read:
            gradient[j] -= 2 * share * beta * x[j] * of_c * x[c] * d ** (-beta - 1)
    return np.array(made), np.array(gradient)


@pytest.mark.parametrize("beta", [0.25, 0.6, 0.75, 2.0, 5.0])
@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("powers", [(-300, -200), (-20, 20), (300, 400), (-1000, 1000), (990, 1020)])
def test_numbers_of_any_size_are_normed_as_by_sixty_digits(size: int, beta: float, powers: tuple[int, int]) -> None:
    """Zeros are among them, and what is next to nothing beside the largest of its probe need not be there."""
    mpmath.mp.dps = 60
    layer, rng = LocalResponseNorm(size, 0.3, beta, 0.5), np.random.default_rng(size)
    x = np.ldexp(rng.uniform(-1, 1, (1, 7, 1, 12)), rng.integers(*powers, (1, 7, 1, 12))) * (rng.random(12) > 0.2)
    x[0, :, 0, 0] = 0
    g = rng.standard_normal((1, 4, 1, 12))
    values, exponent, saved = lrn_scaled.forward(x, layer, 2, 4)
    back, power = lrn_scaled.vjp(g, saved, layer, 2)
    for n in range(12):
        made, gradient = _by_definition(x[0, :, 0, n], g[0, :, 0, n], layer, 2)
        for found, scale, right in ((values, exponent, made), (back, power, gradient)):
            least = 1e-11 * max(abs(right))
            for number, exact in zip(found[0, :, 0, n].tolist(), right, strict=True):
                assert abs(mpmath.ldexp(number, int(scale[n])) - exact) <= least
