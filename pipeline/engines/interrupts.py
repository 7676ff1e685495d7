"""Signals that ask a process to stop: Ctrl-C, SIGTERM of batch systems and containers, SIGHUP of a closed terminal.

All three do the same: what Python makes of Ctrl-C, KeyboardInterrupt, and nothing at a moment when something is being
started or closed that must not be left half done.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import current_thread, main_thread
from types import FrameType
from typing import TypeAlias

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Those that ask to stop, of this system."""

Handler: TypeAlias = Callable[[int, FrameType | None], object]

_last = [signal.SIGINT]


def last_signal() -> signal.Signals:
    """The signal that asked this process to stop last; SIGINT where none did."""
    return _last[0]


def note_signal(number: int) -> None:
    """Remembers that a signal asked this process to stop."""
    _last[0] = signal.Signals(number)


def raise_on_signals() -> None:
    """From now on every signal that asks to stop raises KeyboardInterrupt, as Ctrl-C does.

    A signal that is ignored stays so: `nohup` lets a process live on when its terminal closes.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        note_signal(number)
        raise KeyboardInterrupt

    for each in SIGNALS:
        if each != signal.SIGINT and signal.getsignal(each) == signal.SIG_DFL:
            signal.signal(each, interrupt)


@contextmanager
def handled(handler: Handler, signals: tuple[signal.Signals, ...] = SIGNALS) -> Iterator[None]:
    """Signals that ask to stop come to `handler` while this is open; but SIGHUP not where it is ignored."""
    with ExitStack() as stack:
        for each in signals:
            before = signal.getsignal(each)
            if each == signal.SIGINT or before != signal.SIG_IGN:
                signal.signal(each, handler)
                stack.callback(signal.signal, each, before)
        yield


@contextmanager
def blocked() -> Iterator[None]:
    """Signals that ask to stop wait while this is open, in this thread.

    In threads and processes that are started meanwhile they wait until these let them through.
    """
    masked = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, masked)


@contextmanager
def interrupts_held() -> Iterator[Callable[[], None]]:
    """What a signal raises is raised when this is left; a second one at once. Its handler runs at once in any case.

    Calling what is yielded raises it earlier. An exception that a signal raises by itself may be lost: the first line
    that runs after it may be one of a callback that Python calls while it frees an object.
    """
    held: list[BaseException] = []

    def give_way() -> None:
        if held:
            raise KeyboardInterrupt

    if current_thread() is not main_thread():
        yield give_way
        return
    before = {each: handler for each in SIGNALS if callable(handler := signal.getsignal(each))}

    def hold(number: int, frame: FrameType | None) -> None:
        try:
            before[signal.Signals(number)](number, frame)
        except KeyboardInterrupt as interrupt:
            if held:
                raise
            held.append(interrupt)

    with handled(hold, tuple(before)):
        yield give_way
    give_way()
