"""Ctrl-C while something is being started or closed that must not be left half done."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType


@contextmanager
def interrupts_held() -> Iterator[Callable[[], None]]:
    """What Ctrl-C raises is raised when this is left; a second one at once. Its handler runs at once in any case.

    Calling what is yielded raises it earlier. An exception that a signal raises by itself may be lost: the first line
    that runs after it may be one of a callback that Python calls while it frees an object.
    """
    held: list[BaseException] = []

    def give_way() -> None:
        if held:
            raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    if current_thread() is not main_thread() or not callable(before):
        yield give_way
        return

    def hold(number: int, frame: FrameType | None) -> None:
        try:
            before(number, frame)
        except KeyboardInterrupt as interrupt:
            if held:
                raise
            held.append(interrupt)

    signal.signal(signal.SIGINT, hold)
    try:
        yield give_way
    finally:
        signal.signal(signal.SIGINT, before)
        give_way()
