"""Bilinear up-sampling and adaptive pooling by matrices, against PyTorch, whole and in pieces."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
from torch.nn import functional  # noqa: E402

from pipeline.ops import resample  # noqa: E402
from pipeline.ops.bound import run  # noqa: E402
from pipeline.stem import Axis, clipped, taps  # noqa: E402
from tests.pipeline.ops.torch_planes import assert_close, gradients_by_torch, made_by_torch  # noqa: E402

pytestmark = pytest.mark.usefixtures("memory")

SIDES = st.tuples(st.integers(1, 9), st.integers(1, 9))
FACTORS = st.tuples(st.integers(1, 4), st.integers(1, 4))


def resampled_by(scheme: str, factors: tuple[int, int]) -> Any:
    if scheme == "adaptive":
        return lambda plane: functional.adaptive_avg_pool2d(plane, factors)
    return lambda plane: functional.interpolate(
        plane, scale_factor=factors, mode="bilinear", align_corners=scheme == "corners"
    )


def axes_of(scheme: Any, sides: tuple[int, int], factors: tuple[int, int]) -> list[Axis]:
    if scheme == "adaptive":
        return [Axis(side, factor, 1, scheme=scheme) for side, factor in zip(sides, factors, strict=True)]
    return [Axis(side, side * factor, 2, factor, scheme=scheme) for side, factor in zip(sides, factors, strict=True)]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["half_pixel", "corners", "adaptive"]), SIDES, FACTORS, st.sampled_from(["f4", "f8"]))
def test_it_is_that_of_pytorch(scheme: str, sides: tuple[int, int], factors: tuple[int, int], dtype: str) -> None:
    """Also through views, which no product may take for contiguous."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((sides[0], 6, sides[1], 2)).astype(dtype)
    by_torch = resampled_by(scheme, factors)
    right = made_by_torch(by_torch, x[:, 1:4])
    g = rng.standard_normal((len(right), 6, *right.shape[2:])).astype(dtype)
    y, across = (resample.matrix(axis, range(axis.size_out)) for axis in axes_of(scheme, sides, factors))
    assert_close(run(resample.forward(x[:, 1:4], y, across)), right)
    (gradient,) = gradients_by_torch(by_torch, g[:, 1:4], x[:, 1:4])
    assert_close(run(resample.vjp(g[:, 1:4], y, across)), gradient)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["half_pixel", "corners", "adaptive"]), SIDES, FACTORS, st.data())
def test_a_piece_is_that_of_the_whole(
    scheme: str, sides: tuple[int, int], factors: tuple[int, int], data: st.DataObject
) -> None:
    x = np.random.default_rng(0).standard_normal((sides[0], 2, sides[1], 2))
    axes = axes_of(scheme, sides, factors)
    whole = run(resample.forward(x, *(resample.matrix(axis, range(axis.size_out)) for axis in axes)))
    outputs, reads = [], []
    for axis in axes:
        first = data.draw(st.integers(0, axis.size_out - 1))
        stop = data.draw(st.integers(first + 1, axis.size_out))
        outputs.append(range(first, stop))
        windows = [clipped(taps(axis, output), axis.size_in) for output in outputs[-1]]
        reads.append(slice(windows[0].first, max(window.last for window in windows) + 1))
    matrices = [resample.matrix(axis, some) for axis, some in zip(axes, outputs, strict=True)]
    piece = run(resample.forward(x[reads[0], :, reads[1]], *matrices))
    np.testing.assert_allclose(
        piece, whole[outputs[0].start : outputs[0].stop, :, outputs[1].start : outputs[1].stop], rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize("order", ["rows first", "columns first"])
def test_the_cheaper_axis_comes_first_and_its_transpose_is_the_gradient(order: str) -> None:
    """<g, A x> = <A' g, x> whichever axis comes first."""
    rng = np.random.default_rng(0)
    many, few = rng.standard_normal((2, 9)), rng.standard_normal((9, 2))
    y, across = (many, few) if order == "rows first" else (few, many)
    x, g = rng.standard_normal((y.shape[1], 3, across.shape[1], 2)), rng.standard_normal((len(y), 3, len(across), 2))
    made, back = run(resample.forward(x, y, across)), run(resample.vjp(g, y, across))
    assert_close(made, np.einsum("ar,bc,rkcn->akbn", y, across, x))
    assert np.vdot(g, made) == pytest.approx(np.vdot(back, x), rel=1e-12)
