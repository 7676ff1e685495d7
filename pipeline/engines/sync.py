"""This process, one config after the other: for debugging, and the baseline of benchmarks."""

from collections.abc import Iterator
from threading import Event

from pipeline import blas
from pipeline.engines.engine import Deliver
from pipeline.graph import Limits, Partition, graph


class SyncEngine:
    """Dask's synchronous scheduler."""

    def run(self, partitions: Iterator[Partition], limits: Limits, deliver: Deliver, stop: Event) -> None:
        """See `Engine.run`."""
        from dask.local import get_sync

        with blas.one_thread():
            for partition in partitions:
                deliver(get_sync(graph(partition, limits), partition.key))
                if stop.is_set():
                    break
