"""Suspects: which config ended its worker, found by halving partitions until the culprit stands alone.

A worker that dies takes what it was running with it. Whoever ran there is suspected, halved, and tried again with
nothing beside it. A config that has ended its worker twice while it was alone on it may be convicted.

Workers are also killed from outside: by an operator, by the system when others use up its memory, with a node that is
taken away. Such deaths strike whoever happens to run, so twice is not proof yet. A config is convicted at the third
time running, and every recent death that it took no part in, and that no convict explains, makes it one more, up to
`MOST_DEATHS`: where workers die by chance, an innocent would have to be struck that many times in a row while it
stands alone, which takes but a moment each time.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable

from pipeline.graph import Partition, partition
from pipeline.job import Job

LEAST_DEATHS = 3
MOST_DEATHS = 6
RECENT = 60.0
"""Seconds for which the death of a worker counts as a sign that others kill workers."""


class Suspects:
    """Partitions to be tried alone, in `waiting`, and what is known of the deaths so far."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.waiting: deque[Partition] = deque()
        self._alone: dict[str, int] = {}
        self._deaths: deque[tuple[float, frozenset[str]]] = deque(maxlen=100)
        self._clock = clock

    def died(self, running: list[Partition], waiting: list[Partition], *, alone: bool) -> Job | None:
        """A worker died with partitions that it was `running`, and others behind them.

        `alone` says that one partition was all there was. Returns the job that is convicted by this, if one is.
        """
        lost = frozenset(job.digest for one in (*running, *waiting) for job in one.jobs)
        self._deaths.append((self._clock(), lost))
        if alone and len(running) == 1 and not waiting and len(running[0].jobs) == 1:
            (job,) = running[0].jobs
            self._alone[job.digest] = self._alone.get(job.digest, 0) + 1
            if self._alone[job.digest] >= self._needed(job.digest):
                self._convict(job.digest)
                return job
        for one in running:
            self.waiting.extend(halves(one))
        self.waiting.extend(waiting)
        return None

    def finished(self, done: Partition) -> None:
        """A partition came back: none of its configs ends workers."""
        for job in done.jobs:
            self._alone.pop(job.digest, None)

    def _needed(self, digest: str) -> int:
        since = self._clock() - RECENT
        others = sum(at >= since and digest not in lost for at, lost in self._deaths)
        return min(LEAST_DEATHS + others, MOST_DEATHS)

    def _convict(self, digest: str) -> None:
        del self._alone[digest]
        unexplained = [(at, lost) for at, lost in self._deaths if digest not in lost]
        self._deaths.clear()
        self._deaths.extend(unexplained)


def halves(suspected: Partition) -> Iterable[Partition]:
    """A partition's two halves, or itself where it is one config."""
    middle = len(suspected.jobs) // 2
    return [partition(half) for half in (suspected.jobs[:middle], suspected.jobs[middle:]) if half]
