"""Places of scratch memory: which of them may be alive together, and what is left when they are released."""

from concurrent.futures import ThreadPoolExecutor
from itertools import combinations

import numpy as np
import pytest

from pipeline.ops import buffer
from pipeline.ops.bound import Bound, run
from pipeline.ops.buffer import Place, empty, room, scratch

pytestmark = pytest.mark.usefixtures("memory")

FLOAT = np.dtype("f4")


def test_places_with_different_numbers_are_alive_together_and_aliases_are_not():
    arrays = {name: scratch(place, (3, 50), FLOAT) for name, place in Place.__members__.items()}
    for (one, a), (other, b) in combinations(arrays.items(), 2):
        assert np.may_share_memory(a, b) == (Place[one] is Place[other]), (one, other)
    assert Place.TAPS is Place.UNFOLDED
    assert len(Place) < len(Place.__members__)


def test_numbers_of_one_place_are_alive_together():
    one, other = (scratch(Place.KERNEL, (100,), FLOAT, number) for number in range(2))
    assert not np.may_share_memory(one, other)


def test_results_lie_in_the_places_of_their_numbers():
    """Those of one number in the same memory, those of two in two, and those without a number in some of their own."""
    shape = 4, 4, 4, 4
    one, other, own = (room(number, shape, FLOAT) for number in (0, 1, None))
    assert np.may_share_memory(one, room(0, shape, FLOAT))
    assert not np.may_share_memory(one, other)
    assert not any(np.may_share_memory(own, place) for place in (one, other, room(None, shape, FLOAT)))


def test_released_memory_is_poisoned_and_so_is_a_result_until_it_is_made(monkeypatch):
    monkeypatch.setattr(buffer, "poisoning", True)

    def released() -> tuple[np.ndarray, np.ndarray]:
        x, out = np.ones((2, 2, 2, 2), FLOAT), room(0, (2, 2, 2, 2), FLOAT)
        taps = scratch(Place.TAPS, (2, 2, 2, 2), FLOAT)
        out.fill(7)
        calls = [(np.add, (x, x, taps)), (np.copyto, (out[:1], taps[:1]))]
        run(Bound(x, out, calls))
        return taps.copy(), out.copy()

    with ThreadPoolExecutor(1) as fresh:
        taps, out = fresh.submit(released).result()
    assert np.isnan(taps).all()
    assert (out[:1] == 2).all()
    assert np.isnan(out[1:]).all()


@pytest.mark.usefixtures("memory")
def test_blocks_of_memory_are_not_shared_between_arrays_in_use() -> None:
    held_arrays = [empty((64, 100), np.dtype(np.float32)) for _ in range(20)]
    for number, array in enumerate(held_arrays):
        array[...] = number
    assert [float(array.max()) for array in held_arrays] == list(range(20))
    addresses = {array.__array_interface__["data"][0] for array in held_arrays}
    assert all(address % 64 == 0 for address in addresses)
