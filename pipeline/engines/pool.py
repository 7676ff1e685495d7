"""Workers as a pool: whatever becomes of a worker, what was given to it comes back as outcomes."""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from threading import Condition, Event, Thread

from pipeline.engines.driving import Drive, Say
from pipeline.engines.fleet import Broken, Fleet, Submitted
from pipeline.engines.times import Times
from pipeline.errors import EngineError
from pipeline.graph import Partition
from pipeline.job import Job
from pipeline.result import Outcome


class _Promise:
    """A partition that was begun. Its future comes with the outcomes that are there once no job is missing."""

    def __init__(self, partition: Partition) -> None:
        self.partition = partition
        self.missing = len(partition.jobs)
        self.outcomes: list[Outcome] = []
        self.future: Future[list[Outcome]] = Future()

    def count(self) -> None:
        """One job less is missing."""
        self.missing -= 1
        if not self.missing:
            self.future.set_result(self.outcomes)


class WorkerPool:
    """A fleet, driven by a thread of its own; any thread may give it partitions and wait for them.

    When a worker dies, its jobs are suspects, and to find out which of them it was takes seconds. Nobody waits for
    that: their partition comes back without them, and their outcomes come with another partition, or by `late`.
    """

    def __init__(self, fleet: Fleet, stop: Event, times: Times, say: Say) -> None:
        self._fleet = fleet
        self._times = times
        self._drive = Drive(fleet, self._deliver, stop, Times(), say, self._set_aside)
        self._thread = Thread(target=self._run, daemon=True, name="driver of workers")
        self._inbox: SimpleQueue[_Promise] = SimpleQueue()
        self._changed = Condition()  # of what follows
        self._begun: dict[str, _Promise] = {}  # by key, until somebody waits for them
        self._promises: dict[str, _Promise] = {}  # by the digest of each missing job
        self._aside: set[str] = set()  # digests of suspects without an outcome
        self._late: list[Outcome] = []
        self._over = False
        self._error: BaseException | None = None

    def open(self) -> None:
        """Starts the workers."""
        self._thread.start()

    def close(self) -> None:
        """Ends the workers, whatever they measure; whoever waits is told so by an EngineError."""
        self._fleet.events.put(Broken(EngineError("the workers were called off")))
        self._thread.join()

    def begin(self, partition: Partition) -> None:
        """Gives a partition to the first worker that has room."""
        promise = _Promise(partition)
        with self._changed:
            self._begun[partition.key] = promise
            if self._over:
                self._give_up(promise)
            else:
                self._inbox.put(promise)
        self._fleet.events.put(Submitted())

    def measure(self, partition: Partition) -> list[Outcome]:
        """The outcomes of a partition, and late ones of others; it is begun unless it was.

        After a stop, and where its worker died, some are missing. Raises EngineError where the workers cannot go on.
        """
        if partition.key not in self._begun:
            self.begin(partition)
        outcomes = self._begun.pop(partition.key).future.result()
        with self._changed:
            return outcomes + self._take_late()

    @property
    def owes(self) -> bool:
        """Whether there are outcomes of suspects that were not handed out, or will be."""
        with self._changed:
            return bool(self._late or self._aside)

    def late(self) -> list[Outcome]:
        """Outcomes of suspects, waited for; none if no more will come. Raises EngineError as `measure` does."""
        with self._changed:
            self._changed.wait_for(lambda: self._late or not self._aside)
            if self._error is not None:
                raise self._error
            return self._take_late()

    def _take_late(self) -> list[Outcome]:
        taken, self._late = self._late, []
        return taken

    # In the thread of the pool.

    def _run(self) -> None:
        try:
            self._drive.run(self._partitions())
        except BaseException as error:  # noqa: BLE001  # for whoever waits
            self._error = error
        self._times.moving += self._drive.times.moving
        self._times.encoding += self._drive.times.encoding
        with self._changed:
            self._over = True
            self._aside.clear()
            for promise in {*self._promises.values(), *self._given()}:
                self._give_up(promise)
            self._changed.notify_all()

    def _give_up(self, promise: _Promise) -> None:
        """Nothing more comes of a partition."""
        if self._error is None:
            promise.future.set_result(promise.outcomes)
        else:
            promise.future.set_exception(self._error)

    def _given(self) -> Iterator[_Promise]:
        while True:
            try:
                yield self._inbox.get_nowait()
            except Empty:
                return

    def _partitions(self) -> Iterator[Partition | None]:
        """What was given; None whenever there is nothing right now."""
        while True:
            for promise in self._given():
                self._register(promise)
                yield promise.partition
            yield None

    def _register(self, promise: _Promise) -> None:
        with self._changed:
            for job in promise.partition.jobs:
                if (earlier := self._promises.get(job.digest)) is not None:
                    earlier.count()  # it was lost and claimed again meanwhile: what comes first goes to the later one
                self._promises[job.digest] = promise

    def _deliver(self, outcomes: list[Outcome]) -> None:
        with self._changed:
            for outcome in outcomes:
                promise = self._promises.pop(outcome.digest, None)
                if promise is None:
                    self._late.append(outcome)
                    self._aside.discard(outcome.digest)
                else:
                    promise.outcomes.append(outcome)
                    promise.count()
            self._changed.notify_all()

    def _set_aside(self, jobs: Iterable[Job]) -> None:
        with self._changed:
            for job in jobs:
                if (promise := self._promises.pop(job.digest, None)) is not None:
                    self._aside.add(job.digest)
                    promise.count()
