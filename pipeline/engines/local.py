"""The engines of this machine: a graph with one key for each partition, which Dask's local scheduler runs.

The scheduler is `dask.local.get_async`, which keeps an executor busy. Its graph grows: whenever a key is back, the next
partition is taken from the queue and added, so that memory does not grow with the sweep.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import chain, islice
from threading import Event
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pipeline.engines.engine import Deliver
from pipeline.engines.interrupts import interrupts_held
from pipeline.engines.times import Times
from pipeline.errors import EngineError
from pipeline.graph import Measure, Partition, graph
from pipeline.limits import Limits
from pipeline.result import Outcome

if TYPE_CHECKING:
    from dask.task_spec import Task

    from pipeline.engines.pool import WorkerPool

LocalName: TypeAlias = Literal["sync", "threads", "processes"]


class LocalEngine:
    """`sync` measures in the driving thread, `threads` in threads of this process, `processes` in worker processes.

    A config that ends the process which measures it takes an engine of this process with it. The next driver finds what
    that one had claimed, as suspected partitions: they are measured by worker processes on all three engines.

    After a stop a thread finishes the config that it is at, and a worker process has a second to finish its partition.
    Where an exception leads out nobody waits for either.
    """

    def __init__(
        self,
        name: LocalName,
        workers: int = 2,
        *,
        say: Callable[[str], None] = lambda text: None,
        measure: Measure | None = None,
    ) -> None:
        self.name = name
        self.workers = 1 if name == "sync" else workers
        self.say = say
        self.measure = measure
        self.times = Times()

    @property
    def threads(self) -> int:
        """See `Engine.threads`."""
        return self.workers

    @property
    def room(self) -> int:
        """Keys under way at a time: beside those that run some wait, so that nobody waits for the driver."""
        return {"sync": 1, "threads": self.workers + 1, "processes": 2 * self.workers + 1}[self.name]

    def run(self, partitions: Iterator[Partition], limits: Limits, deliver: Deliver, stop: Event) -> None:
        """See `Engine.run`."""
        with self.times.spent("scheduling"):
            first = next(partitions, None)
        if first is not None and not stop.is_set():
            with ExitStack() as exits:
                _Run(self, limits, deliver, stop, exits).run(chain([first], partitions))


class _Run:
    """One run of an engine; what is opened is closed by `exits`."""

    def __init__(self, engine: LocalEngine, limits: Limits, deliver: Deliver, stop: Event, exits: ExitStack) -> None:
        self.engine = engine
        self.times = engine.times
        self.limits = limits
        self.deliver = deliver
        self.stop = stop
        self.exits = exits
        self.over = Event()
        self.pool: WorkerPool | None = None
        self.count = 0
        self.since = 0.0  # when the scheduler was last left to itself

    def run(self, partitions: Iterator[Partition]) -> None:
        self.exits.callback(self.over.set)
        with self.times.spent("starting"):
            submit = self._executor()
        with self.times.spent("scheduling"):
            first = iter([self._begun(partition) for partition in islice(partitions, self.engine.room)])
        with self.times.spent("starting"):
            get_async = local_scheduler().get_async
        self.keys = self._keys(chain(first, partitions))
        get_async(submit, self.engine.room, {}, [], callbacks=[(None, self._fill, None, self._came_back, None)])

    def _executor(self) -> Callable[..., Any]:
        """The `submit` of what runs the keys; in threads of the driver, each waits for a worker process."""
        if self.engine.name == "processes":
            submit = self._threads(self.engine.room)
            self._open_pool()
            return submit
        from pipeline import blas

        scheduler = local_scheduler()
        self.exits.enter_context(blas.one_thread())
        if self.engine.name == "sync":
            return scheduler.SynchronousExecutor().submit  # type: ignore[no-any-return]
        return self._threads(self.engine.workers)

    def _begun(self, partition: Partition) -> Partition:
        """Worker processes begin before the graph is there: they are up before Dask is loaded, which takes 0.1 s."""
        if self.pool is not None:
            self.pool.begin(partition)
        return partition

    def _threads(self, count: int) -> Callable[..., Any]:
        executor = ThreadPoolExecutor(count, thread_name_prefix="worker")
        self.exits.push(lambda kind, *_: executor.shutdown(wait=kind is None, cancel_futures=True))
        return executor.submit

    def _open_pool(self) -> "WorkerPool":
        from pipeline.engines.pool import WorkerPool
        from pipeline.engines.process_fleet import ProcessFleet

        def close() -> None:
            with interrupts_held():
                pool.close()

        fleet = ProcessFleet(self.engine.workers, self.limits, self.engine.measure)
        self.pool = pool = WorkerPool(fleet, self.stop, self.times, self.engine.say)
        self.exits.callback(close)
        pool.open()
        return pool

    def _keys(self, partitions: Iterator[Partition]) -> "Iterator[tuple[str, Task]]":
        """Keys and their tasks, for one partition after the other, until the run is stopped."""
        from dask.task_spec import Task

        while not self.stop.is_set() and (partition := next(partitions, None)) is not None:
            self.count += 1
            key = f"{partition.key}-{self.count}"
            if partition.suspected or self.engine.name == "processes":
                yield key, Task(key, (self.pool or self._open_pool()).measure, partition)
            else:
                yield key, graph(partition, self.limits, self._measure)[partition.key]

    def _measure(self, *arguments: Any) -> Any:
        """The task for a config in this process; None once the run is stopped or over."""
        from pipeline.task import measure

        return None if self.stop.is_set() or self.over.is_set() else (self.engine.measure or measure)(*arguments)

    def _came_back(self, key: str, outcomes: list[Outcome], tasks: dict[str, Any], state: Any, worker: Any) -> None:
        """Called by the scheduler, in the driving thread, with what a key came to."""
        if self.engine.name != "sync":
            self.times.waiting += time.perf_counter() - self.since
        del tasks[key], state["cache"][key]
        if outcomes:
            self.times.measured(outcomes)
            with self.times.spent("storing"):
                self.deliver(outcomes)
        self._fill(tasks, state)

    def _fill(self, tasks: dict[str, Any], state: dict[str, Any]) -> None:
        """Adds keys while there is room; once all are back, one that waits for late outcomes."""
        from dask.task_spec import Task

        with self.times.spent("scheduling"):
            while len(tasks) < self.engine.room and (added := next(self.keys, None)) is not None:
                grow(tasks, state, *added)
            if not tasks and self.pool is not None and self.pool.owes:
                self.count += 1
                late = f"suspects-{self.count}"
                grow(tasks, state, late, Task(late, self.pool.late))
        self.since = time.perf_counter()


def grow(tasks: dict[str, Any], state: dict[str, Any], key: str, task: "Task") -> None:
    """Adds a key that depends on no other to the graph that `get_async` runs, from one of its callbacks.

    `state` is as the head of `dask/local.py` describes it. Dask has no call for this, and separate graphs would wait
    for one another's last keys (https://github.com/dask/dask/issues/688).
    """
    tasks[key] = task
    state["dependencies"][key] = set()
    state["dependents"][key] = set()
    state["ready"].append(key)


def local_scheduler() -> Any:
    """The module `dask.local`. Raises EngineError where Dask cannot be loaded, as it cannot without /proc."""
    try:
        import dask.local
    except Exception as error:  # noqa: BLE001  # it looks at this process as it is loaded
        reason = f"{type(error).__name__}: {error}"
        raise EngineError(
            f"Dask cannot be loaded ({reason}); see whether it is installed and /proc is mounted"
        ) from None
    return dask.local
