"""Dask's threaded scheduler in this process: small sweeps, and configs large enough for BLAS to let go of Python."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from threading import Event
from typing import Any

from pipeline import blas
from pipeline.engines.engine import Deliver
from pipeline.graph import Limits, Partition, graph

WINDOW = 32
"""Partitions handed to the scheduler at once: all of a window are waited for before the next is taken."""


class _Stopped(Exception):  # noqa: N818  # no error: it leads out of the scheduler
    """Raised in the scheduler's callback once no more is to be run."""


class ThreadsEngine:
    """Dask's threaded scheduler with a pool of its own."""

    def __init__(self, workers: int = 2) -> None:
        self.workers = workers

    def run(self, partitions: Iterator[Partition], limits: Limits, deliver: Deliver, stop: Event) -> None:
        """See `Engine.run`."""
        from dask.callbacks import Callback
        from dask.threaded import get

        def finished(key: str, outcomes: Any, dsk: Any, state: Any, worker: Any) -> None:
            state["cache"][key] = None  # delivered: the scheduler need not keep it
            deliver(outcomes)
            if stop.is_set():
                raise _Stopped

        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="worker")
        try:
            with blas.one_thread():
                while not stop.is_set() and (window := list(islice(partitions, WINDOW))):
                    merged: dict[str, Any] = {}
                    for partition in window:
                        merged |= graph(partition, limits)
                    with Callback(posttask=finished):
                        get(merged, [partition.key for partition in window], pool=pool)
        except _Stopped:
            pass
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
