"""Suspects: which config ended its worker, and what it takes to say so.

A worker that dies takes what it was running with it. Whoever ran there is suspected, halved, and tried again with
nothing beside it, until each config that still ends its worker has been alone there: it is cornered.

Workers are also killed from outside: by an operator, by the system when others use up its memory, with a node that is
taken away. Such deaths strike whoever happens to run, as often as they like, so no number of them is proof. What tells
a culprit from the victim of a storm is that others live where it dies. Cornered configs are therefore tried in rounds,
each of them alone and once, and a round is followed by a control: for `CONTROL` times as long as they took no other
worker may die, whether it works or waits. Any such death, in the round or in the control, says that workers die
without our configs, and takes back all evidence. A config that ended its worker in `DEATHS` rounds running is
convicted.

Let workers be shot at random, r a second over all of S workers, and let an innocent config take D seconds. It is struck
when it is alone with probability 1 - exp(-r D / S), and its control is calm with exp(-CONTROL r D): both at once with
0.043 at most for two workers (at r D = 0.24), 0.08 for one, whatever r; `DEATHS` times running, and twice more before
it is cornered, in one case of a million.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable

import msgspec

from pipeline.graph import Partition, partition
from pipeline.job import Job

DEATHS = 3
"""Rounds in which a cornered config has to end its worker."""

CONTROL = 4.0
"""Length of a control by that of the longest trial before it."""

LEAST_CONTROL, MOST_CONTROL = 1.0, 60.0
"""Seconds: a storm of one death in a second is seen whatever is tried, and nobody waits for hours."""


class _Cornered(msgspec.Struct):
    """A config that ended its worker while it was alone; `seconds`: the longest that it takes, expected or seen."""

    partition: Partition
    seconds: float
    deaths: int = 0


class Suspects:
    """What is to be tried alone, and what is known of the deaths so far."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._watched = clock()
        self._calm = 0.0  # seconds without a death that no cornered config explains, while there were workers
        self._halves: deque[Partition] = deque()
        self._cornered: dict[str, _Cornered] = {}
        # The round: digests to be tried, being tried (and whether that may be evidence), and that ended their worker.
        self._untried: deque[str] = deque()
        self._trying: dict[str, bool] = {}
        self._ended: set[str] = set()
        self._control: float | None = None  # what `_calm` was as it began

    def __bool__(self) -> bool:
        """Whether anybody is suspected who is not being tried."""
        return bool(self._halves or self._cornered)

    def ready(self, *, idle: bool) -> int:
        """How many partitions may be tried now, each alone on its worker. `idle`: there is nothing else to do.

        While there is, a round waits for a calm: where many configs end their workers, all are cornered first.
        """
        between_rounds = self._cornered and not (self._untried or self._trying or self._ended)
        if between_rounds and (idle or self._calm >= self._length(self._cornered)):
            self._untried.extend(self._cornered)
        return len(self._halves) or len(self._untried)

    def take(self) -> Partition:
        """The next that is to be tried."""
        if self._halves:
            return self._halves.popleft()
        digest = self._untried.popleft()
        self._trying[digest] = True
        return self._cornered[digest].partition

    def died(self, running: list[Partition], waiting: list[Partition], *, alone: bool, lasted: float = 0.0) -> None:
        """A worker died after `lasted` seconds with partitions that it was `running`, and others behind them.

        `alone` says that one partition was all there was.
        """
        if alone and len(running) == 1 and not waiting and len(running[0].jobs) == 1:
            (job,) = running[0].jobs
            if job.digest in self._trying:
                cornered = self._cornered[job.digest]
                cornered.seconds = max(cornered.seconds, lasted)
                if self._trying.pop(job.digest):
                    self._ended.add(job.digest)
                return
            self._take_back_evidence()
            self._cornered[job.digest] = _Cornered(running[0], max(lasted, job.cost))
            return
        self._take_back_evidence()
        for one in running:
            if not self.gave_back(one):
                self._halves.extend(halves(one))
        self._halves.extend(waiting)

    def finished(self, done: Partition) -> None:
        """A partition came back: none of its configs ends workers."""
        if self._cornered:
            for job in done.jobs:
                self._cornered.pop(job.digest, None)
                self._trying.pop(job.digest, None)

    def gave_back(self, unmeasured: Partition) -> bool:
        """A partition came back that was never begun, or whose worker was called off; whether it is tried again."""
        digest = unmeasured.jobs[0].digest
        if digest not in self._trying:
            return False
        del self._trying[digest]
        self._untried.append(digest)
        return True

    def watch(self, workers: int) -> list[Job]:
        """Called often, with the number of workers that are there and once every known death has been told.

        Returns the jobs that are convicted.
        """
        now = self._clock()
        if workers:
            self._calm += now - self._watched
        self._watched = now
        if not self._ended or self._untried or self._trying:
            return []
        if self._control is None:
            self._control = self._calm
        if self._calm - self._control < self._length(self._ended):
            return []
        return self._close_round()

    def _close_round(self) -> list[Job]:
        convicted: list[Job] = []
        for digest in self._ended:
            cornered = self._cornered[digest]
            cornered.deaths += 1
            if cornered.deaths == DEATHS:
                del self._cornered[digest]
                convicted.extend(cornered.partition.jobs)
        self._ended.clear()
        self._control = None
        return convicted

    def _take_back_evidence(self) -> None:
        self._calm = 0.0
        self._control = None
        self._untried.clear()
        self._trying = dict.fromkeys(self._trying, False)
        self._ended.clear()
        for cornered in self._cornered.values():
            cornered.deaths = 0

    def _length(self, tried: Iterable[str]) -> float:
        longest = max(self._cornered[digest].seconds for digest in tried)
        return min(max(CONTROL * longest, LEAST_CONTROL), MOST_CONTROL)


def halves(suspected: Partition) -> Iterable[Partition]:
    """A partition's two halves, or itself where it is one config."""
    middle = len(suspected.jobs) // 2
    return [partition(half) for half in (suspected.jobs[:middle], suspected.jobs[middle:]) if half]
