"""Joins, and the way back to each of their operands, against PyTorch."""

from functools import reduce
from operator import add, mul
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from pipeline.ops import join  # noqa: E402
from pipeline.ops.bound import run  # noqa: E402
from tests.pipeline.ops.torch_planes import assert_close, gradients_by_torch, made_by_torch  # noqa: E402

pytestmark = pytest.mark.usefixtures("memory")

WHOLE, PIXEL, CHANNEL, NUMBER = (5, 3, 4, 2), (1, 3, 1, 2), (5, 1, 4, 2), (1, 1, 1, 2)
OPERANDS = [[WHOLE], [WHOLE, WHOLE], [WHOLE, PIXEL], [CHANNEL, WHOLE], [PIXEL, CHANNEL], [WHOLE, PIXEL, NUMBER, WHOLE]]
"""Shapes of operands: one of a single pixel stands for all, and one of a single channel."""


def drawn(shapes: list[tuple[int, ...]], dtype: str) -> list[np.ndarray]:
    rng = np.random.default_rng(len(shapes))
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shapes", OPERANDS)
@pytest.mark.parametrize("place", [None, 0])
def test_sums_and_their_gradients(shapes: list[Any], dtype: str, place: int | None) -> None:
    g, *operands = drawn([WHOLE, *shapes], dtype)
    total = lambda *parts: reduce(add, parts)  # noqa: E731
    assert_close(run(join.add_forward(operands, place)), made_by_torch(total, *operands))
    for operand, right in zip(operands, gradients_by_torch(total, g, *operands), strict=True):
        assert_close(run(join.add_vjp(g, operand.shape, place)), right)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shapes", OPERANDS)
@pytest.mark.parametrize("place", [None, 0])
def test_products_and_their_gradients(shapes: list[Any], dtype: str, place: int | None) -> None:
    """With a zero among the factors, by which nothing may be divided."""
    g, *operands = drawn([WHOLE, *shapes], dtype)
    operands[-1][0, 0, 0, 0] = 0
    product = lambda *parts: reduce(mul, parts)  # noqa: E731
    bound = join.mul_forward([operand.copy() for operand in operands], place)
    assert_close(run(bound), made_by_torch(product, *operands))
    for slot, right in enumerate(gradients_by_torch(product, g, *operands)):
        assert_close(run(join.mul_vjp(g, bound.saved, slot, place)), right)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("channels", [[3], [1, 4], [2, 3, 1]])
def test_concatenations_and_their_gradients(channels: list[int], dtype: str) -> None:
    g, *operands = drawn([(5, sum(channels), 4, 2), *((5, count, 4, 2) for count in channels)], dtype)
    joined = lambda *parts: torch.cat(parts, dim=1)  # noqa: E731
    assert_close(run(join.cat_forward(operands, 0)), made_by_torch(joined, *operands))
    first = 0
    for operand, right in zip(operands, gradients_by_torch(joined, g, *operands), strict=True):
        assert_close(join.cat_vjp(g, first, operand.shape[1]), right)
        first += operand.shape[1]
