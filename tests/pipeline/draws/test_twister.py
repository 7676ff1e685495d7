"""The Mersenne Twister at any draw: held against drawing through, and against the laws of its recurrence."""

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.draws import twister
from pipeline.draws.twister import DRAWN_THROUGH, low_terms, twister_at
from tests.clock import costs_at_most


def drawn_through(seed: int, start: int, count: int) -> list[int]:
    stream = np.random.RandomState(seed)
    for skipped in range(0, start, 2**20):
        stream.randint(0, 2**32, min(start - skipped, 2**20), np.uint32)
    return [int(number) for number in stream.randint(0, 2**32, count, np.uint32)]


def jumped(seed: int, start: int, count: int) -> list[int]:
    with patch.object(twister, "DRAWN_THROUGH", -1):  # so that every start is jumped to
        stream = twister_at(seed, start)
    return [int(number) for number in stream.randint(0, 2**32, count, np.uint32)]


@pytest.mark.parametrize("start", [DRAWN_THROUGH - 1, DRAWN_THROUGH, DRAWN_THROUGH + 1, DRAWN_THROUGH + 12_345])
def test_a_far_start_is_the_one_that_drawing_reaches(start: int) -> None:
    found = twister_at(11, start).randint(0, 2**32, 1500, np.uint32)
    assert found.tolist() == drawn_through(11, start, 1500)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(0, 200_000))
def test_a_jump_reaches_what_drawing_reaches(seed: int, start: int) -> None:
    assert jumped(seed, start, 700) == drawn_through(seed, start, 700)


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 2**32 - 1), st.integers(2**30, 2**40), st.integers(1, 5000))
def test_a_further_jump_goes_on_where_a_shorter_one_ends(seed: int, start: int, further: int) -> None:
    assert jumped(seed, start, further + 50)[further:] == jumped(seed, start + further, 50)


def test_the_terms_are_those_of_the_characteristic_polynomial() -> None:
    """It has degree 19937 and 135 terms (Matsumoto and Nishimura 1998, table II), and annuls the recurrence."""
    terms = (*low_terms(), 19937)
    assert len(terms) == 135
    stream = np.random.RandomState(5)
    states = []
    for _ in range(40):
        stream.randint(0, 2**32, 624, np.uint32)
        states.append(stream.get_state()[1])
    words = np.concatenate(states)
    for place in (0, 1, 300, 4000):
        assert np.bitwise_xor.reduce(words[[place + term for term in terms]]) == 0


def test_the_farthest_offset_is_jumped_to() -> None:
    with costs_at_most(20):  # drawing through it takes hours
        twister_at(1, 2**40)
