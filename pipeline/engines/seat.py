"""A worker as the driver sees it, and what it holds."""

import time
from concurrent.futures import Future
from typing import NamedTuple

from pipeline.graph import Partition


class Carried(NamedTuple):
    """A partition on a worker: the coroutine that brings its outcomes, and since when (seconds since the epoch)."""

    partition: Partition
    reply: "Future[bytes]"
    since: float


class Seat:
    """A worker, with what was given to it in that order; `alone`: one suspect, and nothing else until it is over."""

    def __init__(self, address: str, threads: int) -> None:
        self.address = address
        self.threads = threads
        self.carried: dict[str, Carried] = {}
        self.alone = False
        self.since = time.monotonic()

    @property
    def has_room(self) -> bool:
        """Whether another partition may come: one for each thread, and one that waits behind them."""
        return not self.alone and len(self.carried) <= self.threads

    def take_back(self) -> Partition:
        """Takes back what came last; should it have begun, nobody waits for its outcomes any more."""
        _, carried = self.carried.popitem()
        carried.reply.cancel()
        return carried.partition

    def vacate(self, processing: frozenset[str] | None = None) -> tuple[list[Partition], list[Partition]]:
        """Gives up what it holds: what the worker was at, and results that were not fetched yet. None: unknown."""
        for carried in self.carried.values():
            carried.reply.cancel()
        at_work = {key: processing is None or key in processing for key in self.carried}
        lost = [carried.partition for key, carried in self.carried.items() if at_work[key]]
        kept = [carried.partition for key, carried in self.carried.items() if not at_work[key]]
        return lost, kept
