"""Jobs of the queue as whoever measures them asks for more: claimed a share at a time, and dropped where lost."""

from collections.abc import Callable, Iterator

from pipeline.job import Job
from pipeline.queue import Queue
from pipeline.work.leases import Leases

SECONDS = 8.0
"""Expected work that is claimed at a time, at most: little enough to share, enough to ask rarely."""


class Feed:
    """Claims jobs of a queue.

    `costs` is filled with the expected seconds of what is handed out, by digest. `least` is how many configs a claim
    takes whatever they cost, so that every worker has one. `say` hears of configs that were lost to others.
    """

    def __init__(
        self, queue: Queue, leases: Leases, costs: dict[str, float], least: int, say: Callable[[str], None]
    ) -> None:
        self._queue = queue
        self._leases = leases
        self._costs = costs
        self._least = least
        self._say = say
        self.share = 0.0
        """Expected seconds of the last claim: it falls as less is left."""
        self.may_hold = False
        """Whether something may have been claimed that was not given back since."""

    def jobs(self) -> Iterator[Job]:
        """Jobs, one by one, until nothing is free. Those that others took over meanwhile are left out."""
        self.may_hold = True
        while claimed := self._queue.claim(SECONDS, self._least):
            self.share = sum(job.cost for job in claimed)
            mine: set[str] | None = None
            for place, job in enumerate(claimed):
                held = self._leases.still_held()
                if held is not None:
                    mine = held
                    self._tell(sum(each.digest not in held for each in claimed[place:]))
                if mine is None or job.digest in mine:
                    self._costs[job.digest] = job.cost
                    yield job

    def _tell(self, lost: int) -> None:
        if lost:
            self._say(f"this process stood still for too long; its claims to {lost} configs are free for others")
