"""Driving the graph: jobs in, outcomes out as they finish, interrupted in good order."""

import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Event, current_thread, main_thread
from types import FrameType

from pipeline.engines.engine import Deliver, Engine
from pipeline.graph import Limits, partitions
from pipeline.job import Job


def run(jobs: Iterable[Job], engine: Engine, limits: Limits, deliver: Deliver, stop: Event) -> None:
    """Measures jobs as an engine has room for them and delivers their outcomes as they finish.

    `jobs` is read lazily, so that memory does not grow with the sweep. Once `stop` is set nothing more is submitted.
    Raises EngineError where the engine cannot go on; what was finished has been delivered.
    """
    engine.run(partitions(_until(stop, jobs)), limits, deliver, stop)


def _until(stop: Event, jobs: Iterable[Job]) -> Iterator[Job]:
    for job in jobs:
        if stop.is_set():
            return
        yield job


@contextmanager
def interruptible(stop: Event, announce: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C sets `stop` and announces it; a second one raises KeyboardInterrupt at once."""
    if current_thread() is not main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        announce()

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
