"""Ctrl-C where something must not be left half done."""

import signal
import weakref

import pytest

from pipeline.engines.interrupts import interrupts_held


class Thing:
    """What a callback waits for the end of."""


def test_a_held_interrupt_is_raised_at_the_end() -> None:
    reached = False
    with pytest.raises(KeyboardInterrupt), interrupts_held():
        signal.raise_signal(signal.SIGINT)
        reached = True
    assert reached


def test_a_held_interrupt_is_raised_earlier_where_it_is_let_through() -> None:
    with pytest.raises(KeyboardInterrupt), interrupts_held() as give_way:
        give_way()
        signal.raise_signal(signal.SIGINT)
        give_way()
        pytest.fail("not reached")


def test_an_interrupt_inside_a_callback_of_the_interpreter_is_not_lost() -> None:
    """Python prints what such a callback raises and goes on."""
    thing = Thing()
    watched = weakref.ref(thing, lambda _: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt), interrupts_held() as give_way:
        del thing
        assert watched() is None
        give_way()
        pytest.fail("not reached")


def test_a_second_interrupt_is_raised_at_once() -> None:
    with pytest.raises(KeyboardInterrupt), interrupts_held():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        pytest.fail("not reached")
