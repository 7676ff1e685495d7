"""Pixel shuffle and its inverse, against PyTorch, and each as the transpose of the other."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
from torch.nn import functional  # noqa: E402

from pipeline.ops import pixelshuffle  # noqa: E402
from pipeline.ops.bound import run  # noqa: E402
from pipeline.stem import Axis  # noqa: E402
from tests.pipeline.ops.torch_planes import made_by_torch  # noqa: E402

pytestmark = pytest.mark.usefixtures("memory")

Y, X = Axis(4, 8, 2, 2), Axis(3, 6, 2, 2)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_they_are_those_of_pytorch(dtype: str) -> None:
    rng = np.random.default_rng(0)
    deep, wide = rng.standard_normal((4, 12, 3, 2)).astype(dtype), rng.standard_normal((8, 3, 6, 2)).astype(dtype)
    made = run(pixelshuffle.to_pixels(deep, wide.shape, Y, X, 0, None))
    np.testing.assert_array_equal(made, made_by_torch(lambda plane: functional.pixel_shuffle(plane, 2), deep))
    made = run(pixelshuffle.to_channels(wide, deep.shape, Y, X, 0, None))
    np.testing.assert_array_equal(made, made_by_torch(lambda plane: functional.pixel_unshuffle(plane, 2), wide))


@pytest.mark.parametrize("first", [0, 1, 3])
@pytest.mark.parametrize("before", [0, 1])
def test_of_pieces_one_is_the_transpose_of_the_other(first: int, before: int) -> None:
    """A piece begins within a block, of pixels or of channels; what only one of both has is zero."""
    rng = np.random.default_rng(0)
    y, x = Axis(4, 8 - before, 2, 2, 1, before), Axis(3, 6 - before, 2, 2, 1, before)
    deep, wide = rng.standard_normal((4, 12 - first, 3, 2)), rng.standard_normal((y.size_out, 3, x.size_out, 2))
    there = run(pixelshuffle.to_pixels(deep, wide.shape, y, x, first, None))
    back = run(pixelshuffle.to_channels(wide, deep.shape, y, x, first, None))
    assert np.vdot(there, wide) == pytest.approx(np.vdot(deep, back), rel=1e-12)
    whole = np.zeros((4, 12, 3, 2))
    whole[:, first:] = deep
    right = made_by_torch(lambda plane: functional.pixel_shuffle(plane, 2), whole)
    np.testing.assert_array_equal(there, right[before:, :, before:])
