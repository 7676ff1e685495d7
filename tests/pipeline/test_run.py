"""Driving: lazily, and interrupted in good order."""

import signal
import weakref
from threading import Event

import pytest

from pipeline.engines.interrupts import interrupts_held
from pipeline.engines.local import LocalEngine
from pipeline.engines.times import Times
from pipeline.job import Job
from pipeline.limits import Limits
from pipeline.run import interruptible, run


class Recorder:
    """An engine that takes partitions one by one and delivers nothing."""

    times = Times()

    def __init__(self, most: int) -> None:
        self.most = most
        self.seen: list[str] = []

    def run(self, partitions, limits, deliver, stop):
        for taken in partitions:
            self.seen.extend(job.digest for job in taken.jobs)
            if len(self.seen) >= self.most:
                stop.set()


def test_no_more_than_one_job_is_read_after_the_stop():
    read = []

    def jobs():
        for number in range(1000):
            read.append(number)
            yield Job(str(number), b"{}", 1.0)

    engine = Recorder(3)
    run(jobs(), engine, Limits(10**9), lambda outcomes: None, Event())
    assert len(engine.seen) <= 4
    assert len(read) <= 5


def test_a_config_that_cannot_be_read_is_a_failed_outcome():
    got = []
    run([Job("a" * 64, b"{", 0.1)], LocalEngine("sync"), Limits(10**9), got.extend, Event())
    assert [(one.digest, one.kind, one.result) for one in got] == [("a" * 64, "failed", None)]


def test_the_first_interrupt_stops_and_the_second_raises():
    stop, said = Event(), []
    with interruptible(stop, lambda: said.append("stopping")):
        signal.raise_signal(signal.SIGINT)
        assert stop.is_set()
        assert said == ["stopping"]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_waits_for_what_must_not_be_left_half_done():
    whole = []

    def interrupted():
        with interrupts_held():
            signal.raise_signal(signal.SIGINT)
            whole.append(True)

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert whole == [True]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_interrupt_does_not_wait():
    whole = []

    def interrupted_twice():
        with interrupts_held():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            whole.append(True)

    with pytest.raises(KeyboardInterrupt):
        interrupted_twice()
    assert whole == []


def press(*_):
    signal.raise_signal(signal.SIGINT)


class Thing:
    """What a callback waits for the end of."""


@pytest.mark.parametrize("way", ["at once", "in a callback"])
def test_a_held_interrupt_is_raised_where_it_is_let_through(way):
    """Also one that comes inside a callback of the interpreter, which prints what that raises and goes on."""
    reached = []
    things = [Thing()]
    watched = weakref.ref(things[0], press if way == "in a callback" else None)

    def interrupted():
        with interrupts_held() as give_way:
            give_way()
            reached.append("before")
            if way == "at once":
                press()
            things.clear()
            give_way()
            reached.append("after")

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert reached == ["before"]
    assert watched() is None


def test_a_stop_is_heard_at_once_while_interrupts_are_held():
    stop = Event()
    with interruptible(stop, lambda: None), interrupts_held():
        signal.raise_signal(signal.SIGINT)
        assert stop.is_set()
