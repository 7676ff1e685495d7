"""A worker as the driver sees it, and what it holds."""

from typing import NamedTuple

from pipeline.graph import Partition


class Carried(NamedTuple):
    """A partition that was given to a worker, and when (seconds since the epoch)."""

    partition: Partition
    since: float


class Seat:
    """A worker, with what was given to it in that order; `alone`: one suspect, and nothing else until it is over."""

    def __init__(self, address: str, threads: int) -> None:
        self.address = address
        self.threads = threads
        self.carried: dict[str, Carried] = {}
        self.alone = False

    @property
    def has_room(self) -> bool:
        """Whether another partition may come: one for each thread, and one that waits behind them."""
        return not self.alone and len(self.carried) <= self.threads

    def lost(self, processing: frozenset[str] | None) -> tuple[list[Partition], list[Partition]]:
        """What it was at as it ended, and what it had finished but not brought back. None: not known."""
        at_work = {key: processing is None or key in processing for key in self.carried}
        lost = [carried.partition for key, carried in self.carried.items() if at_work[key]]
        kept = [carried.partition for key, carried in self.carried.items() if not at_work[key]]
        return lost, kept
