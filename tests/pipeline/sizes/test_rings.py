"""Rings of pixels against NumPy's own way to sort them, and how many of them are kept."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sizes import rings

sides = st.integers(1, 12)
centers = st.one_of(st.integers(-9, 40), st.integers(-(10**6), 10**6))  # half pixels; it may lie far outside


@given(sides, sides, centers, centers)
def test_rings_are_the_distinct_distances_in_order(height, width, y, x):
    down, across = np.abs(2 * np.arange(height) - y)[:, None], np.abs(2 * np.arange(width) - x)
    distances = {
        rings.square_rings: np.maximum(down, across) / 2,
        rings.disc_rings: np.sqrt(down.astype(float) ** 2 + across.astype(float) ** 2) / 2,
    }
    for make, distance in distances.items():
        levels, ring = np.unique(distance, return_inverse=True)
        found = make(height, width, y, x)
        np.testing.assert_allclose(found.radius, levels, rtol=1e-15)
        np.testing.assert_array_equal(found.ring, ring.ravel())
        assert make(height, width, y, x) is found


def test_rings_are_kept_up_to_a_number_of_bytes():
    small = [rings.disc_rings(32, 32, 2 * i, 0) for i in range(100)]
    assert all(rings.disc_rings(32, 32, 2 * i, 0) is one for i, one in enumerate(small))
    large = rings.disc_rings(2000, 2000, 0, 0)  # 32 MB, more than all that are kept
    assert rings.disc_rings(2000, 2000, 0, 0) is large
    assert rings.disc_rings(32, 32, 0, 0) is not small[0]
