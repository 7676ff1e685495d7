"""Products are cut into chunks that BLAS multiplies where they lie."""

from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from pipeline.ops import product


@given(st.booleans(), st.integers(1, 400), st.integers(1, 900), st.integers(1, 5000))
def test_chunks_cover_a_product_in_whole_rows(in_place: bool, m: int, k: int, n: int) -> None:
    with patch.object(product, "reads_small_in_place", lambda: in_place):
        rows, columns = product.chunk.__wrapped__(m, k, n)
    assert m % rows == 0
    assert rows == m or in_place
    assert 1 <= columns <= n
    assert (rows, columns) == (m, n) or rows * k * columns <= 10**6
