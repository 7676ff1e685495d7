"""A Dask cluster of this machine, to look at: what `--dashboard` measures on.

Dask's wire is pickle: whoever may connect to the scheduler or to a worker can run code there. A loopback address is
open to every user of the machine, so all of this cluster speaks TLS, with a certificate that is made for the run, kept
in memory and asked of both sides. The pages of the dashboard are open to look at, and nothing can be done there.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import chain
from threading import Event
from typing import Any

from pipeline.engines.cluster.cluster import innermost_cause, lean
from pipeline.engines.engine import Deliver
from pipeline.engines.forkserver import ENVIRONMENT, PRELOAD, restored
from pipeline.engines.times import Times
from pipeline.errors import EngineError, InputError
from pipeline.extras import install
from pipeline.graph import Measure, Partition
from pipeline.limits import Limits

PATIENCE = 30.0
"""Seconds for which its workers may all be away."""

DASHBOARD = "127.0.0.1:8787"

LIBRARIES = "bokeh", "cryptography"
"""What its pages are made with, and its certificate."""

WORKERS_ENVIRONMENT = {**ENVIRONMENT, "DASK_LOGGING__DISTRIBUTED": "critical"}
"""Of its workers, who log each step that they take to the terminal otherwise."""

SETTINGS = {
    "distributed.worker.preload": [PRELOAD],
    "distributed.nanny.pre-spawn-environ": WORKERS_ENVIRONMENT,
    "distributed.scheduler.allowed-failures": 0,
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.scheduler.work-stealing": False,  # partitions stay where they were placed
    "distributed.deploy.lost-worker-timeout": "1h",  # nannies bring theirs back
}
"""For this cluster alone: a foreign scheduler keeps its own."""


def check_library() -> None:
    """Raises InputError where a library that the dashboard needs is not installed, or it could not be made safe."""
    from importlib.util import find_spec

    for library in LIBRARIES:
        if find_spec(library) is None:
            raise InputError(f"--dashboard needs the library {library}; type {install('dashboard')}")
    if sys.flags.ignore_environment and not sys.flags.safe_path:
        raise InputError("--dashboard would load modules of the working directory under `python -E`; add -P")


class DashboardEngine:
    """A Dask cluster of this machine that lives as long as a run, for those who want to look at its dashboard."""

    def __init__(
        self, workers: int = 2, *, say: Callable[[str], None] = lambda text: None, measure: Measure | None = None
    ) -> None:
        """Raises InputError as `check_library` does."""
        check_library()
        self.workers = workers
        self.say = say
        self.measure = measure
        self.times = Times()

    @property
    def threads(self) -> int:
        """See `Engine.threads`."""
        return self.workers

    def run(self, partitions: Iterator[Partition], limits: Limits, deliver: Deliver, stop: Event) -> None:
        """See `Engine.run`."""
        from pipeline.engines.cluster.dask_fleet import DaskFleet
        from pipeline.engines.driving import Drive

        first = next(partitions, None)
        if first is None or stop.is_set():
            return
        with ExitStack() as stack:
            with self.times.spent("starting"):
                stack.enter_context(lean())
                client = stack.enter_context(self.cluster())
            self.say(f"dashboard at {client.dashboard_link}")
            fleet = DaskFleet(client, limits, PATIENCE, self.measure)
            Drive(fleet, deliver, stop, self.times, self.say).run(chain([first], partitions))

    @contextmanager
    def cluster(self) -> Iterator[Any]:
        """Yields a client of a Dask cluster of this machine, which ends with the context.

        Raises EngineError if it cannot be started.
        """
        from multiprocessing import resource_tracker
        from tempfile import TemporaryDirectory

        import dask
        from distributed import Client, LocalCluster
        from distributed.security import Security

        from pipeline.engines.interrupts import blocked, interrupts_held

        with ExitStack() as stack:
            stack.enter_context(restored((*WORKERS_ENVIRONMENT, "PYTHONHASHSEED")))  # nannies leave it changed
            os.environ.update(WORKERS_ENVIRONMENT)  # before they do: multiprocessing starts a process of its own first
            folder = TemporaryDirectory(prefix="erfsweep-", ignore_cleanup_errors=True)
            scratch = stack.enter_context(folder)  # Dask would leave its own behind
            settings = {**SETTINGS, "temporary-directory": scratch}
            stack.enter_context(dask.config.set(settings))  # read whenever a worker is started
            with blocked():
                resource_tracker.ensure_running()  # which lets two signals through again in here
            with interrupts_held(), blocked():  # its workers ignore them once they are there
                try:
                    cluster = LocalCluster(
                        n_workers=self.workers,
                        threads_per_worker=1,
                        host="127.0.0.1",
                        dashboard_address=DASHBOARD,
                        security=Security.temporary(),
                        silence_logs=False,
                    )
                except Exception as error:  # noqa: BLE001  # processes, sockets and the dashboard fail in many ways
                    raise EngineError(
                        f"no Dask cluster of {self.workers} workers comes up here ({innermost_cause(error)}); "
                        "leave --dashboard out, or take fewer --workers"
                    ) from None
                stack.callback(_close, cluster)
                client = stack.enter_context(Client(cluster, set_as_default=False, name="erfsweep"))
            yield client


def _close(cluster: Any) -> None:
    """Ends the workers, at once where they are still measuring what nobody waits for any more."""
    import asyncio

    from pipeline.engines.interrupts import interrupts_held

    async def end_workers() -> None:
        nannies = list(cluster.workers.values())
        await asyncio.gather(*(nanny.close(timeout=0.3) for nanny in nannies), return_exceptions=True)

    with interrupts_held():
        with suppress(Exception):
            cluster.sync(end_workers)
        with suppress(Exception):
            cluster.close(timeout=5)
