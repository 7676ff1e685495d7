"""Jobs of the queue as whoever measures them asks for more: claimed a share at a time, and dropped where lost."""

from collections.abc import Callable, Iterator

from pipeline.graph import partition_seconds
from pipeline.job import Job
from pipeline.queue import Queue
from pipeline.work.leases import Leases

SECONDS = 8.0
"""Expected work that is claimed at a time, or a partition for each thread where that is more: little enough to share,
enough to ask rarely."""

PLENTY = 1000
"""Configs of a claim that say that many are left, however little work they are: a queue gives out some thousand."""

LEAST_CONFIGS = 50
"""Configs of a partition, at least, while many are left: short ones on many threads would be a partition each."""


class Feed:
    """Claims jobs of a queue.

    `costs` is filled with the expected seconds of what is handed out, by digest. `threads` says how many threads
    measure now: a claim takes as many configs whatever they cost, so that each has one. `say` hears of configs that
    were lost to others.
    """

    def __init__(
        self,
        queue: Queue,
        leases: Leases,
        costs: dict[str, float],
        threads: Callable[[], int],
        say: Callable[[str], None],
    ) -> None:
        self._queue = queue
        self._leases = leases
        self._costs = costs
        self._threads = threads
        self._say = say
        self.share = 0.0
        """Expected seconds of the last claim: it falls as less is left."""
        self._configs = 0  # of the last claim
        self.may_hold = False
        """Whether something may have been claimed that was not given back since."""

    def jobs(self) -> Iterator[Job]:
        """Jobs, one by one, until nothing is free. Those that others took over meanwhile are left out."""
        self.may_hold = True
        while claimed := self._claimed():
            self.share, self._configs = sum(job.cost for job in claimed), len(claimed)
            mine: set[str] | None = None
            for place, job in enumerate(claimed):
                held = self._leases.still_held()
                if held is not None:
                    mine = held
                    self._tell(sum(each.digest not in held for each in claimed[place:]))
                if mine is None or job.digest in mine:
                    self._costs[job.digest] = job.cost
                    yield job

    def partition_seconds(self) -> float:
        """Expected seconds that the next partition may hold: few where little is left, so that all threads get some."""
        threads = self._threads()
        seconds = self.share / threads
        if self._configs >= PLENTY:
            seconds = max(seconds, LEAST_CONFIGS * self.share / self._configs)
        return min(partition_seconds(threads), seconds)

    def _claimed(self) -> list[Job]:
        threads = self._threads()
        return self._queue.claim(max(SECONDS, threads * partition_seconds(threads)), threads)

    def _tell(self, lost: int) -> None:
        if lost:
            self._say(f"this process stood still for too long; its claims to {lost} configs are free for others")
