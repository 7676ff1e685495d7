"""How long a server is waited for: one budget for whatever a store asks it, over all lines and in all threads."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import local
from time import monotonic

_ASKING = 0.95
"""The part of the patience in which a server is asked; in the rest the process ends."""
_LATE = 0.5
"""The part that a question has in any case: nobody may have asked anything for a while before it."""
_LEAST = 5.0
"""Seconds that a question has, however short the patience, or after all was given up: to connect and to be answered."""


class Patience:
    """Counts from the last answer of a server, whichever line it came over.

    A question is a transaction with all its repetitions. It is given up when `seconds` have passed since the last
    answer, or half of them since the question began; then the questions that other threads wait for are given up too.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._heard = monotonic()
        self._asked: float | None = None
        self._over: float | None = None
        self._mine = _Question()

    @property
    def is_given_up(self) -> bool:
        """Whether the last question was given up, with no answer to anything since."""
        return self._over is not None

    @property
    def unanswered(self) -> float:
        """Seconds for which something has been asked without any answer, 0.0 where nothing is."""
        asked = self._asked
        return 0.0 if asked is None else monotonic() - asked

    @contextmanager
    def question(self) -> Iterator[None]:
        """What this thread asks while this is open is one question; the outermost counts."""
        if self._mine.begun is not None:
            yield
            return
        self._mine.begun = monotonic()
        try:
            yield
        finally:
            self._mine.begun = None

    def ask(self) -> None:
        """Notes that something is asked now."""
        if self._asked is None:
            self._asked = monotonic()

    def hear(self) -> None:
        """Notes that the server has answered."""
        self._heard = monotonic()
        self._asked = self._over = None

    def give_up(self) -> None:
        """Gives up every question that was begun before."""
        self._over = monotonic()

    def left(self) -> float:
        """Seconds for which the question of this thread may still wait; none or less where it is given up."""
        now = monotonic()
        over, begun = self._over, now if self._mine.begun is None else self._mine.begun
        if over is None:
            return max(self._heard + _ASKING * self.seconds, begun + max(_LATE * self.seconds, _LEAST)) - now
        return 0.0 if begun <= over else begun + _LEAST - now


class _Question(local):
    """Since when a thread asks something."""

    begun: float | None = None
