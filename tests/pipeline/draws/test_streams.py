"""Random streams: known answers, and draws that depend on nothing but their key."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.draws.streams import Role, Streams, original_draws
from tests.mt19937 import mt19937


def test_the_originals_stream_gives_the_known_answers():
    """The first output and the 10,000th of seed 5489, as the C++ standard requires of mt19937 ([rand.predef])."""
    assert original_draws(5489, 0, 1).tolist() == [3499211612]
    assert original_draws(5489, 9999, 1).tolist() == [4123659995]
    assert original_draws(5489, 0, 10_000)[-1] == 4123659995


@pytest.mark.parametrize("seed", [0, 1, 20260607, 2**32 - 1])
def test_the_originals_stream_is_mt19937_from_any_draw_on(seed):
    source = mt19937(seed)
    expected = [next(source) for _ in range(3000)]
    assert original_draws(seed, 0, 3000).tolist() == expected
    for start in (1, 623, 624, 2000):
        assert original_draws(seed, start, 50).tolist() == expected[start : start + 50]


def test_a_far_start_is_reached_in_pieces():
    whole = original_draws(3, 0, 2**20 + 30)
    assert original_draws(3, 2**20 + 10, 20).tolist() == whole[-20:].tolist()


def philox(seed, role, index):
    """NumPy's own Philox-4x64-10 with the documented key (seed, role * 2**32 + index) and counter 0."""
    return np.random.Generator(np.random.Philox(key=[seed, (role << 32) + index]))


@given(st.integers(0, 2**32 - 1), st.sampled_from(Role), st.integers(0, 2**32 - 1))
def test_a_stream_is_philox_keyed_by_seed_role_and_index(seed, role, index):
    expected = philox(seed, role, index)
    found = Streams(seed, role).at(index)
    assert found.random(5, np.float32).tolist() == expected.random(5, np.float32).tolist()
    assert found.standard_normal(5).tolist() == expected.standard_normal(5).tolist()


def test_a_stream_depends_on_nothing_drawn_before():
    streams = Streams(7, Role.WEIGHTS)
    expected = streams.at(3).random(4).tolist()
    for odd in range(1, 6):  # an odd number of 32-bit draws leaves half a word behind
        streams.at(odd).random(odd, np.float32)
        Streams(8, Role.PROBES).at(odd).standard_normal(odd, np.float32)
        assert streams.at(3).random(4).tolist() == expected
        assert streams.at(3).random(3, np.float32).tolist() == philox(7, 1, 3).random(3, np.float32).tolist()


def test_seeds_roles_and_indices_have_streams_of_their_own():
    keys = [(seed, role, index) for seed in (0, 1, 2**32 - 1) for role in Role for index in (0, 1, 2**32 - 1)]
    draws = {tuple(Streams(seed, role).at(index).random(2)) for seed, role, index in keys}
    assert len(draws) == len(keys)


def test_threads_do_not_share_a_stream():
    expected = [Streams(seed, Role.WEIGHTS).at(1).random(2000).tolist() for seed in range(4)]
    found = [None] * 4
    together = threading.Barrier(4)

    def draw(seed):
        together.wait()
        for _ in range(20):
            found[seed] = Streams(seed, Role.WEIGHTS).at(1).random(2000).tolist()

    threads = [threading.Thread(target=draw, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == expected
