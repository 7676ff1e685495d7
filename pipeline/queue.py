"""What a queue is to those who measure: configs are claimed, held by a lease, saved or given back."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from pipeline.job import Job
from pipeline.limits import Limits
from pipeline.result import Outcome

LEASE = 60.0
"""Seconds that a claim lasts on its own."""

RENEWAL = 15.0
"""Seconds after which a claim is to be renewed."""


class Holder(msgspec.Struct, frozen=True):
    """A process that holds configs: where it runs, as `host:pid`, and how many they are."""

    place: str
    configs: int


class Left(msgspec.Struct, frozen=True):
    """What a queue has left.

    free, free_seconds: configs that anyone may claim, and the seconds that measuring them is expected to take. held,
    held_seconds: those that a process holds. holders: these processes. failed: configs that ended without a result.
    """

    free: int
    free_seconds: float
    held: int
    held_seconds: float
    holders: tuple[Holder, ...]
    failed: int


class Queue(Protocol):
    """The configs of one sweep, or of all, as one process sees them. Other processes may work on the same queue."""

    def retry(self, limits: Limits, *, everything: bool) -> int:
        """Queues configs again that ended without a result; how many these are.

        All of them with `everything`, else those that failed for a limit which is wider now.
        """

    def claim(self, seconds: float, least: int) -> list[Job]:
        """Claims about as many configs as make up so many expected seconds, and at least `least`, for `LEASE` seconds.

        An empty list says that nothing is free now; others may still give back.
        """

    def held(self) -> set[str]:
        """The digests of the configs that this process holds."""

    def renew(self) -> None:
        """Makes all claims of this process last `LEASE` seconds from now."""

    def ask(self) -> None:
        """Asks for a sign of life. Raises GivenUpError where none has come for as long as one is waited for."""

    def abandon(self) -> None:
        """Gives up what other threads ask, where nobody answers."""

    def save(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Saves outcomes, all or nothing; those that counted. Other processes may have saved some of them before."""

    def release(self, *, all_saved: bool = False) -> None:
        """Gives back what this process still holds.

        With `all_saved` every outcome was saved and nothing may be held any more: raises StoreError where something is.
        """

    def left(self) -> Left:
        """What is left now."""
