"""Passes over arrays of any layout do what their plain form in NumPy does."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ops import passes
from pipeline.ops.bound import perform


@st.composite
def views(draw: st.DrawFn) -> tuple[tuple[int, ...], list[slice], list[int]]:
    """The shape of an array, a box of it and an order of its axes."""
    shape = draw(st.lists(st.integers(1, 5), min_size=1, max_size=5))
    box = []
    for size in shape:
        start, stop = draw(st.integers(0, size)), draw(st.integers(0, size))
        box.append(slice(start, max(start, stop), draw(st.integers(1, 2))))
    if draw(st.booleans()):
        box[-1] = slice(None)  # whole lines
    axes = list(range(len(shape)))
    return tuple(shape), box, draw(st.permutations(axes)) if draw(st.booleans()) else axes


def seen(
    view: tuple[tuple[int, ...], list[slice], list[int]], rng: np.random.Generator, dtype: str = "f4"
) -> tuple[np.ndarray, np.ndarray]:
    """(an array, the view of it)."""
    shape, box, axes = view
    whole = (10 * rng.standard_normal(shape)).astype(dtype)
    return whole, whole[tuple(box)].transpose(axes)


SEEDS = st.integers(0, 2**32 - 1)


@given(views(), st.sampled_from(("f4", "f8", "i1")), st.booleans(), SEEDS)
def test_copying_changes_the_target_alone(view, dtype, contiguous, seed):
    rng = np.random.default_rng(seed)
    whole, target = seen(view, rng, dtype)
    source = (10 * rng.standard_normal(target.shape)).astype(dtype)
    if not contiguous:
        source = np.repeat(source[..., None], 2, axis=-1)[..., 0]
    expected = whole.copy()
    expected[tuple(view[1])].transpose(view[2])[...] = source
    perform([passes.copy_call(target, source)])
    np.testing.assert_array_equal(whole, expected)


@given(views(), st.sampled_from((0, -np.inf, 2.5)), SEEDS)
def test_filling_changes_the_target_alone(view, value, seed):
    whole, target = seen(view, np.random.default_rng(seed))
    expected = whole.copy()
    expected[tuple(view[1])] = value
    perform(passes.fill_calls(target, value))
    np.testing.assert_array_equal(whole, expected)


@given(views(), st.booleans(), SEEDS)
def test_masking_is_a_product_with_the_mask(view, without, seed):
    rng = np.random.default_rng(seed)
    whole, target = seen(view, rng)
    x = rng.standard_normal(target.shape).astype("f4")
    mask = None if without else rng.random(target.shape) < 0.5
    expected = whole.copy()
    expected[tuple(view[1])].transpose(view[2])[...] = x if mask is None else x * mask
    perform(passes.mask_calls(target, x, mask))
    np.testing.assert_array_equal(whole, expected)


@pytest.mark.parametrize("features", [4, 64])
@pytest.mark.parametrize("axes", [(0, 1, 2, 3, 4), (0, 1, 3, 2, 4), (4, 0, 1, 2, 3)])
def test_a_weight_is_put_where_the_kernel_has_it(features, axes):
    """Small ones number by number, large ones line by line; also a weight of which rows are left out."""
    weight = np.random.default_rng(0).standard_normal((5, 3, 8, 2 * features)).astype("f4")[::2]
    shape = 3, 3, 8, 2, features
    kernel = np.zeros([shape[axis] for axis in axes], "f4").transpose(np.argsort(axes))
    passes.weight_setter(kernel)(weight)
    np.testing.assert_array_equal(kernel, weight.reshape(shape))
