"""Tasks that do harm on purpose: engines take them in place of `measure`, and workers import them by name."""

import os
import signal
import time

from pipeline.task import Measured, measure

POISONED = b'"seed":77}'
"""What the JSON of a poisoned config contains: its weights have this seed."""


def exits(digest: str, config: bytes, memory: int, timeout: float | None) -> Measured:
    """A poisoned config ends its process with status 3."""
    if POISONED in config:
        os._exit(3)
    return measure(digest, config, memory, timeout)


def is_shot(digest: str, config: bytes, memory: int, timeout: float | None) -> Measured:
    """A poisoned config is what the system kills when memory is short."""
    if POISONED in config:
        os.kill(os.getpid(), signal.SIGKILL)
    return measure(digest, config, memory, timeout)


def slow(digest: str, config: bytes, memory: int, timeout: float | None) -> Measured:
    """Every config takes 20 ms more."""
    time.sleep(0.02)
    return measure(digest, config, memory, timeout)


def endless(digest: str, config: bytes, memory: int, timeout: float | None) -> Measured:
    """No config comes back for a minute."""
    time.sleep(60)
    return measure(digest, config, memory, timeout)


def faithless(digest: str, config: bytes, memory: int, timeout: float | None) -> Measured:
    """Raises, which `measure` never does."""
    raise LookupError(digest)
