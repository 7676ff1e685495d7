"""A cluster of our own: worker processes of one thread on the loopback, each under a nanny that replaces it."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import chain
from threading import Event
from typing import Any, NamedTuple

from pipeline.engines.engine import Deliver
from pipeline.engines.fleet import LEAN, Fleet
from pipeline.engines.template import ENVIRONMENT, PRELOAD, restore, warm_up
from pipeline.engines.times import Times
from pipeline.errors import EngineError
from pipeline.graph import Limits, Measure, Partition

PATIENCE = 30.0
"""Seconds for which our own workers may all be away before we give up on them."""

_STARTS = 3


class ProcessesEngine:
    """A local Dask cluster that lives as long as a run."""

    def __init__(
        self,
        workers: int = 2,
        *,
        dashboard: bool = False,
        say: Callable[[str], None] = lambda text: None,
        measure: Measure | None = None,
    ) -> None:
        self.workers = workers
        self.dashboard = dashboard
        self.say = say
        self.measure = measure
        self.times = Times()

    def run(self, partitions: Iterator[Partition], limits: Limits, deliver: Deliver, stop: Event) -> None:
        """See `Engine.run`."""
        first = next(partitions, None)
        if first is None or stop.is_set():
            return
        with ExitStack() as stack:
            with self.times.spent("starting"):
                warm_up()
                from pipeline.engines.driving import Drive
                from pipeline.engines.quiet import quiet

                stack.enter_context(quiet())
                stack.enter_context(_settings(self.dashboard))
                fleet = stack.enter_context(_local_fleet(self.workers, self.dashboard))
            if self.dashboard:
                self.say(f"dashboard at {fleet.cluster.dashboard_link}")
            Drive(fleet, limits, deliver, stop, self.times, self.say, self.measure).run(chain([first], partitions))


@contextmanager
def _settings(dashboard: bool) -> Iterator[None]:
    """Dask as our own cluster wants it. Nannies read this whenever they start a worker, so it holds for the run."""
    import multiprocessing

    import dask
    import distributed.utils

    forks = "forkserver" in multiprocessing.get_all_start_methods()
    # Dask would preload what it thinks of, pandas among it, in place of what we have loaded.
    distributed.utils._forkserver_preload_set = True
    settings: dict[str, Any] = {
        "distributed.worker.multiprocessing-method": "forkserver" if forks else "spawn",
        "distributed.worker.preload": [PRELOAD],
        "distributed.worker.profile.enabled": False,
        "distributed.nanny.pre-spawn-environ": ENVIRONMENT,
        "distributed.scheduler.allowed-failures": 0,
        "distributed.scheduler.worker-saturation": 1.0,
        "distributed.scheduler.work-stealing": False,  # partitions stay where they were placed
        "distributed.deploy.lost-worker-timeout": "1h",  # nannies bring theirs back
        "distributed.scheduler.active-memory-manager.start": False,  # nothing stays on a worker
        "distributed.worker.http.routes": [],
        # Dask's clocks, which tick fifty times a second and take a tenth of a core.
        "distributed.admin.tick.interval": "500ms",
        "distributed.worker.memory.monitor-interval": "500ms",
        **LEAN,
    }
    if not dashboard:
        settings["distributed.scheduler.http.routes"] = []
        settings["distributed.admin.system-monitor.interval"] = "5s"
    before = {name: os.environ.get(name) for name in (*ENVIRONMENT, "PYTHONHASHSEED")}  # nannies leave it changed
    try:
        with dask.config.set(settings):
            yield
    finally:
        restore(before)


class Ending(NamedTuple):
    """When a nanny noticed that its worker had ended, a time of `time.monotonic`, and the exit code."""

    at: float
    code: int


class LocalFleet(Fleet):
    """The workers of our own cluster. `endings`: the latest of each nanny, by its name."""

    def __init__(self, cluster: Any, client: Any, endings: dict[object, Ending]) -> None:
        super().__init__(client, PATIENCE)
        self.cluster = cluster
        self._endings = endings
        self._greeted: dict[str, tuple[object, float]] = {}
        self._workers = len(cluster.workers)
        self._tended = 0.0

    async def greet(self, address: str, name: object) -> None:
        """Remembers whose worker it is."""
        self._greeted[address] = name, time.monotonic()

    def tend(self, count: int) -> None:
        """Nannies replace their workers; one that could not start its next is closed, and replaced itself."""
        import asyncio

        if count < self._workers and time.monotonic() > self._tended + 1.0:
            self._tended = time.monotonic()
            asyncio.run_coroutine_threadsafe(self._replace_nannies(), self.client.loop.asyncio_loop)

    async def _replace_nannies(self) -> None:
        closed = [name for name, nanny in self.cluster.workers.items() if nanny.status.name in ("closed", "failed")]
        for name in closed:
            del self.cluster.workers[name]
        if closed:
            self.cluster.scale(self._workers)

    def absence(self) -> str:
        """What to say when all our workers stay away."""
        return (
            f"none of the {self._workers} worker processes has come back for {self.patience:.0f} s; "
            "see whether this machine has memory left, and type `erfsweep work` to go on"
        )

    def ending(self, address: str) -> str:
        """How a worker came to its end: its exit code or its signal."""
        import signal

        name, since = self._greeted[address]
        noticed = self._endings.get(name)
        deadline = time.monotonic() + 1.0
        while (noticed is None or noticed.at < since) and time.monotonic() < deadline:
            time.sleep(0.01)  # its nanny learns of it a moment later than the scheduler
            noticed = self._endings.get(name)
        if noticed is None or noticed.at < since or noticed.code == 255:
            return "was lost"
        code = noticed.code
        if code >= 0:
            return f"exited with status {code}"
        with suppress(ValueError):
            return f"was killed by signal {-code} ({signal.Signals(-code).name})"
        return f"was killed by signal {-code}"


@contextmanager
def _local_fleet(workers: int, dashboard: bool) -> Iterator[LocalFleet]:
    from distributed import Client

    from pipeline.engines.interrupts import interrupts_held

    endings: dict[object, Ending] = {}
    with ExitStack() as stack:
        with interrupts_held():
            cluster = _started(workers, dashboard, endings)
            stack.callback(_close, cluster)
            client = Client(cluster, set_as_default=False, name="erfsweep")
            stack.callback(client.close)
        yield LocalFleet(cluster, client, endings)


def _started(workers: int, dashboard: bool, endings: dict[object, Ending]) -> Any:
    from distributed import LocalCluster

    for start in range(_STARTS):
        try:
            return LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                host="127.0.0.1",
                scheduler_kwargs={
                    "dashboard": dashboard,
                    "dashboard_address": "127.0.0.1:8787" if dashboard else "127.0.0.1:0",
                },
                dashboard_address=None,
                worker_class=_watched_nanny(endings),
                silence_logs=False,
            )
        except Exception as error:  # a worker killed while it starts fails in many ways
            if start == _STARTS - 1:
                raise EngineError(
                    f"{workers} worker processes cannot be started ({type(error).__name__}: {error}); "
                    "use `--engine threads`, or fewer --workers"
                ) from error
    raise AssertionError


def _watched_nanny(endings: dict[object, Ending]) -> type:
    """A nanny that notes how its workers ended."""
    from distributed import Nanny

    class WatchedNanny(Nanny):  # type: ignore[misc]  # distributed ships no types
        def _on_worker_exit_sync(self, exitcode: int) -> None:
            endings[self.name] = Ending(time.monotonic(), exitcode)
            super()._on_worker_exit_sync(exitcode)

    return WatchedNanny


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
