"""Jobs of the queue as whoever measures them asks for more: claimed a share at a time, and dropped where lost."""

from collections.abc import Callable, Iterator

from pipeline.job import Job
from store.database.connection import Store
from store.queue.claims import claim
from store.queue.leases import Leases
from store.queue.owner import Owner

SECONDS = 8.0
"""Expected work that is claimed at a time, at most: little enough to share, enough to ask rarely."""


class Feed:
    """Claims for one owner, of one sweep or of everything.

    `costs` is filled with the expected seconds of what is handed out, by digest. `least` is how many configs a claim
    takes whatever they cost, so that every worker has one. `say` hears of configs that were lost to others.
    """

    def __init__(
        self,
        store: Store,
        owner: Owner,
        sweep: str | None,
        leases: Leases,
        costs: dict[str, float],
        least: int,
        say: Callable[[str], None],
    ) -> None:
        self._store = store
        self._owner = owner
        self._sweep = sweep
        self._leases = leases
        self._costs = costs
        self._least = least
        self._say = say
        self.share = 0.0
        """Expected seconds of the last claim: it falls as less is left."""
        self.may_hold = False
        """Whether something may have been claimed that was not released since."""

    def jobs(self) -> Iterator[Job]:
        """Jobs, one by one, until nothing is free. Those that others took over meanwhile are left out."""
        self.may_hold = True
        while claimed := claim(self._store, self._owner, self._sweep, seconds=SECONDS, least=self._least):
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
