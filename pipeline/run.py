"""Driving the graph: jobs in, outcomes out as they finish, interrupted in good order."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from signal import SIGINT, pthread_kill
from threading import Event, Lock, current_thread, main_thread
from types import FrameType

from pipeline.engines.engine import Deliver, Engine
from pipeline.engines.interrupts import handled, note_signal
from pipeline.graph import PARTITION_SECONDS, partitions
from pipeline.job import Job
from pipeline.limits import Limits


def run(
    jobs: Iterable[Job],
    engine: Engine,
    limits: Limits,
    deliver: Deliver,
    stop: Event,
    size: Callable[[], float] = lambda: PARTITION_SECONDS,
) -> None:
    """Measures jobs as an engine has room for them and delivers their outcomes as they finish.

    `jobs` is read lazily, so that memory does not grow with the sweep. Once `stop` is set nothing more is submitted.
    `size` says how many expected seconds the next partition may hold.
    Raises EngineError where the engine cannot go on; what was finished has been delivered.
    """
    engine.run(partitions(_until(stop, jobs), size), limits, deliver, stop)


def _until(stop: Event, jobs: Iterable[Job]) -> Iterator[Job]:
    for job in jobs:
        if stop.is_set():
            return
        yield job


@contextmanager
def interruptible(stop: Event, announce: Callable[[], None]) -> Iterator[Callable[[], None]]:
    """Ctrl-C, SIGTERM or SIGHUP sets `stop` and announces it; a second one raises KeyboardInterrupt at once.

    What is yielded does as the second one, from another thread: what runs in the main thread ends at once. Outside the
    main thread signals do nothing here, and nor does it.
    """
    if current_thread() is not main_thread():
        yield lambda: None
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        note_signal(number)
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        announce()

    lock = Lock()
    is_open = True

    def break_off() -> None:
        stop.set()
        with lock:
            if is_open:
                pthread_kill(main_thread().ident or 0, SIGINT)  # wakes it from what it waits for, too

    with handled(interrupt):
        try:
            yield break_off
        finally:
            with lock:
                is_open = False
