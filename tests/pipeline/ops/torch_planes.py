"""Arrays of the kernel, [rows, channels, columns, n], as PyTorch has them, [n, channels, rows, columns], and back."""

from collections.abc import Callable, Sequence

import numpy as np
import torch


def to_torch(x: np.ndarray) -> torch.Tensor:
    return torch.tensor(np.ascontiguousarray(x.transpose(3, 1, 0, 2)))


def from_torch(x: torch.Tensor) -> np.ndarray:
    return x.detach().permute(2, 1, 3, 0).numpy()


def made_by_torch(function: Callable[..., torch.Tensor], *operands: np.ndarray) -> np.ndarray:
    return from_torch(function(*map(to_torch, operands)))


def gradients_by_torch(
    function: Callable[..., torch.Tensor], g: np.ndarray, *operands: np.ndarray
) -> Sequence[np.ndarray]:
    """The gradient by each operand, from the gradient g by what the function makes of them."""
    leaves = [to_torch(operand).requires_grad_() for operand in operands]
    return [from_torch(one) for one in torch.autograd.grad(function(*leaves), leaves, to_torch(g))]


def assert_close(found: np.ndarray, right: np.ndarray) -> None:
    """They are of one shape and type and differ by rounding only: 1e-12 of the largest, in float32 1e-5."""
    assert (found.shape, found.dtype) == (right.shape, right.dtype)
    tolerance = 1e-12 if found.dtype == np.float64 else 1e-5
    np.testing.assert_allclose(found, right, rtol=tolerance, atol=tolerance * np.abs(right).max(initial=0))
