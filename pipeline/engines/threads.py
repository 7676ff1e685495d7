"""Threads of this process: small sweeps, and configs large enough for BLAS to let go of Python."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from threading import Event

from pipeline import blas
from pipeline.engines.engine import Deliver
from pipeline.engines.scheduler import synchronous
from pipeline.engines.times import Times
from pipeline.graph import Measure, Partition, graph
from pipeline.limits import Limits
from pipeline.result import Outcome


class ThreadsEngine:
    """A pool of threads, each running the graph of a partition by Dask's synchronous scheduler.

    Each thread has one partition, and one more waits for the first that is free. A thread cannot be ended: what is
    being measured is waited for and delivered, unless an exception leads out: then threads finish their partitions for
    nobody.
    """

    def __init__(self, workers: int = 2, *, measure: Measure | None = None) -> None:
        self.workers = workers
        self.measure = measure
        self.times = Times()

    def run(self, partitions: Iterator[Partition], limits: Limits, deliver: Deliver, stop: Event) -> None:
        """See `Engine.run`."""
        with self.times.spent("starting"):
            get_sync = synchronous()

        def measured(partition: Partition) -> list[Outcome]:
            outcomes: list[Outcome] = get_sync(graph(partition, limits, self.measure), partition.key)
            return outcomes

        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="worker")
        try:
            with blas.one_thread():
                self._drive(partitions, lambda partition: pool.submit(measured, partition), deliver, stop)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        pool.shutdown()

    def _drive(
        self,
        partitions: Iterator[Partition],
        submit: "Callable[[Partition], Future[list[Outcome]]]",
        deliver: Deliver,
        stop: Event,
    ) -> None:
        """Keeps the threads busy, and delivers what they finish, in this thread."""
        finished: SimpleQueue[Future[list[Outcome]]] = SimpleQueue()
        outstanding: set[Future[list[Outcome]]] = set()
        more = True
        while True:
            with self.times.spent("scheduling"):
                while more and len(outstanding) <= self.workers and not stop.is_set():
                    partition = next(partitions, None)
                    if partition is None:
                        more = False
                        break
                    future = submit(partition)
                    outstanding.add(future)
                    future.add_done_callback(finished.put)
            if stop.is_set():
                outstanding = {future for future in outstanding if not future.cancel()}
            if not outstanding:
                return
            with self.times.spent("waiting"):
                future = finished.get()
            if future in outstanding:  # and not one that was cancelled
                outstanding.remove(future)
                self._deliver(future.result(), deliver)

    def _deliver(self, outcomes: list[Outcome], deliver: Deliver) -> None:
        self.times.measured(outcomes)
        with self.times.spent("storing"):
            deliver(outcomes)
