"""Limits: what is written of one is read again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import amount
from pipeline.limits import SIGNS, Limits, is_wider, over_memory, over_timeout

SIZES = st.integers(1, 2**50)


@given(SIZES, SIZES)
def test_more_memory_is_wider_and_the_same_or_less_is_not(memory, other):
    """Up to the three digits that a sentence has."""
    message = f"stem '3x3' on 21x21x1 {over_memory(2 * memory, memory)}; raise it"
    assert any(sign in message for sign in SIGNS)
    assert not is_wider(Limits(memory), message)
    if other > 1.02 * memory:
        assert is_wider(Limits(other), message)
    if other < memory / 1.02:
        assert not is_wider(Limits(other), message)


@given(st.integers(1, 2**50))
def test_a_need_just_beyond_the_limit_is_told_to_the_byte(memory):
    message = over_memory(memory + 1, memory)
    assert f"{memory + 1} bytes" in message or amount(memory + 1) != amount(memory)
    assert not is_wider(Limits(memory), message)
    assert is_wider(Limits(2 * memory), message)


@given(st.floats(0.001, 1e9), st.floats(0.001, 1e9))
def test_more_time_is_wider_and_none_is_widest(seconds, other):
    message = over_timeout(seconds, "at layer 3 forward")
    assert any(sign in message for sign in SIGNS)
    assert not is_wider(Limits(1, seconds), message)
    assert is_wider(Limits(1, None), message)
    assert is_wider(Limits(1, other), message) == (float(f"{other:g}") > float(f"{seconds:g}"))


@pytest.mark.parametrize(
    ("message", "wider"),
    [
        ("stem '3x3' on 21x21x1 would take 5000 bytes, more than the 10 of --memory; raise it", True),
        ("stem '3x3' on 21x21x1 would take 5000 bytes, more than the 1000000000 of --memory; raise it", False),
        ("not done by its deadline, at layer 0 forward", True),
        ("every probe gave a NaN or an infinity; scale the weights down or use float64", False),
    ],
)
def test_what_older_attempts_say_is_read_too(message, wider):
    assert is_wider(Limits(10**6, 5.0), message) is wider
