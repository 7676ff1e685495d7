"""Limits of time that hold on a busy machine: the fault that a test looks for takes many times as long.

How long things take is measured in benchmarks/.
"""

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def ends_within(seconds: float) -> Iterator[None]:
    """Fails where its block takes longer, whatever it waits for."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


@contextmanager
def costs_at_most(seconds: float) -> Iterator[None]:
    """Fails where its block takes more of this process's processor time.

    Garbage is not collected meanwhile: where thousands of tests have run before, that takes seconds by itself.
    """
    gc.disable()
    began = time.process_time()
    try:
        yield
        assert time.process_time() - began < seconds
    finally:
        gc.enable()


def until(true: Callable[[], object], seconds: float = 120.0) -> None:
    """Waits for what another thread or process makes true; fails where it does not come."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)
