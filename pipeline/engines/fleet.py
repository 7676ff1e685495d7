"""What engines that place partitions on workers have in common: a fleet of them, and the news that it brings."""

from queue import SimpleQueue
from typing import NamedTuple, Protocol, TypeAlias

from pipeline.errors import EngineError
from pipeline.graph import Partition


class Joined(NamedTuple):
    """A worker is there and may be used, by so many threads."""

    address: str
    threads: int


class Refused(NamedTuple):
    """A worker is there and cannot be used: a sentence that says why."""

    reason: str


class Left(NamedTuple):
    """A worker is gone.

    processing: the keys that it was at; None where that is not known. expected: somebody wished it. ending: how it
    came to its end, as the rest of a sentence about it.
    """

    address: str
    processing: frozenset[str] | None = None
    expected: bool = False
    ending: str = "was lost"


class Returned(NamedTuple):
    """A partition came back, as `parcel.execute` encoded it; None: it never reached its worker."""

    address: str
    key: str
    reply: bytes | None


class Broken(NamedTuple):
    """The fleet cannot go on."""

    error: EngineError


class Submitted(NamedTuple):
    """There is another partition for whichever worker has room; this news comes from whoever drives the fleet."""


News: TypeAlias = Joined | Refused | Left | Returned | Broken | Submitted


class Fleet(Protocol):
    """Workers that take partitions; what happens to them comes as news, in the order in which it happened.

    events: the news, put there by threads of the fleet. patience: seconds for which no worker at all is waited for.
    A worker is known by its address from the moment it joined until it left, and never comes back under the same.
    """

    events: SimpleQueue[News]
    patience: float

    def open(self) -> None:
        """Called before all else: from now on there is news."""

    def close(self) -> None:
        """Called after all else, whatever happened."""

    def send(self, address: str, key: str, partition: Partition) -> None:
        """Gives a partition to a worker, behind those that it has; `Returned` or `Left` says what came of it."""

    def withdraw(self, address: str, key: str) -> None:
        """Nobody waits for a partition any more; it need not be begun."""

    def tend(self) -> None:
        """Called when there is no news."""

    def waiting(self) -> str:
        """What to say while there is no worker."""

    def absence(self) -> str:
        """What to say when no worker has been there for as long as our patience lasts."""


def broken_worker(address: str, reason: str) -> EngineError:
    """A worker whose task raised, which tasks never do."""
    return EngineError(f"the worker {address} cannot run its tasks ({reason}); install the same erfsweep there")
