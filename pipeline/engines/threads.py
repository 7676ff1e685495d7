"""Dask's threaded scheduler in this process: small sweeps, and configs large enough for BLAS to let go of Python."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from threading import Event
from typing import Any

from pipeline import blas
from pipeline.engines.engine import Deliver
from pipeline.engines.times import Times
from pipeline.graph import Limits, Measure, Partition, graph

WINDOW = 32
"""Partitions handed to the scheduler at once: all of a window are waited for before the next is taken."""


class ThreadsEngine:
    """Dask's threaded scheduler with a pool of its own.

    A thread cannot be ended: what is being measured is waited for, and delivered unless an exception leads out. Only
    KeyboardInterrupt does not wait; its threads finish their partitions for nobody, and the process ends after them.
    """

    def __init__(self, workers: int = 2, *, measure: Measure | None = None) -> None:
        self.workers = workers
        self.measure = measure
        self.times = Times()

    def run(self, partitions: Iterator[Partition], limits: Limits, deliver: Deliver, stop: Event) -> None:
        """See `Engine.run`."""
        with self.times.spent("starting"):
            from dask.callbacks import Callback
            from dask.threaded import get

        def finished(key: str, outcomes: Any, dsk: Any, state: Any, worker: Any) -> None:
            state["cache"][key] = None  # delivered: the scheduler need not keep it
            self.times.measured(outcomes)
            with self.times.spent("storing"):
                deliver(outcomes)
            if stop.is_set():  # what runs is waited for and delivered, what does not is taken away
                state["cache"].update(dict.fromkeys(state["ready"]))
                state["ready"].clear()

        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="worker")
        try:
            with blas.one_thread():
                while not stop.is_set():
                    with self.times.spent("scheduling"):
                        window = list(islice(partitions, WINDOW))
                        merged: dict[str, Any] = {}
                        for partition in window:
                            merged |= graph(partition, limits, self.measure)
                    if not window:
                        break
                    stored = self.times.storing
                    with self.times.spent("waiting"), Callback(posttask=finished):
                        get(merged, [partition.key for partition in window], pool=pool)
                    self.times.waiting -= self.times.storing - stored
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
        pool.shutdown()
