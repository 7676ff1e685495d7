"""This process, one config after the other: for debugging, and the baseline of benchmarks."""

from collections.abc import Iterator
from threading import Event

from pipeline import blas
from pipeline.engines.engine import Deliver
from pipeline.engines.scheduler import synchronous
from pipeline.engines.times import Times
from pipeline.graph import Measure, Partition, graph
from pipeline.limits import Limits


class SyncEngine:
    """Dask's synchronous scheduler."""

    def __init__(self, *, measure: Measure | None = None) -> None:
        self.measure = measure
        self.times = Times()

    def run(self, partitions: Iterator[Partition], limits: Limits, deliver: Deliver, stop: Event) -> None:
        """See `Engine.run`."""
        with self.times.spent("starting"):
            get_sync = synchronous()

        with blas.one_thread():
            while not stop.is_set():
                with self.times.spent("scheduling"):
                    partition = next(partitions, None)
                if partition is None:
                    return
                outcomes = get_sync(graph(partition, limits, self.measure), partition.key)
                self.times.measured(outcomes)
                with self.times.spent("storing"):
                    deliver(outcomes)
