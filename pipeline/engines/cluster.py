"""Dask clusters: other people's, which an address or a scheduler file names, and one of this machine to look at."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import chain
from threading import Event
from typing import Any

from pipeline.engines.address import Connection, security, settled_address
from pipeline.engines.engine import Deliver
from pipeline.engines.template import ENVIRONMENT, PRELOAD, restored
from pipeline.engines.times import Times
from pipeline.errors import EngineError, InputError
from pipeline.graph import Limits, Measure, Partition

CONNECT = 10.0
"""Seconds that a scheduler has to answer."""

PATIENCE = 30.0
"""Seconds for which the workers of a cluster of our own may all be away."""

DASHBOARD = "127.0.0.1:8787"

LEAN = {"distributed.admin.low-level-log-length": 20}
"""Every connection of Dask logs its last 1,000 messages, whole partitions with them; a setting for the driver."""

OURS = {
    "distributed.worker.preload": [PRELOAD],
    "distributed.nanny.pre-spawn-environ": ENVIRONMENT,
    "distributed.scheduler.allowed-failures": 0,
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.scheduler.work-stealing": False,  # partitions stay where they were placed
    "distributed.deploy.lost-worker-timeout": "1h",  # nannies bring theirs back
}
"""Settings for a cluster of our own; a foreign scheduler keeps its own."""


class ClusterEngine:
    """A foreign scheduler, left as it is found."""

    def __init__(
        self, connection: Connection, *, say: Callable[[str], None] = lambda text: None, measure: Measure | None = None
    ) -> None:
        """Raises InputError where the connection cannot be used as it is written."""
        self.connection = connection
        self.address = settled_address(connection)
        self.say = say
        self.measure = measure
        self.times = Times()

    def run(self, partitions: Iterator[Partition], limits: Limits, deliver: Deliver, stop: Event) -> None:
        """See `Engine.run`."""
        with ExitStack() as stack:
            with self.times.spent("starting"):
                stack.enter_context(_lean())
                client = stack.enter_context(self._client())
            drive(client, partitions, limits, deliver, stop, self, self.connection.patience)

    @contextmanager
    def _client(self) -> Iterator[Any]:
        from distributed import Client

        from pipeline.engines.interrupts import interrupts_held

        with interrupts_held():
            try:
                client = Client(
                    self.address,
                    security=security(self.connection),
                    timeout=min(CONNECT, self.connection.patience),
                    set_as_default=False,
                    name="erfsweep",
                )
            except Exception as error:  # noqa: BLE001  # sockets, TLS and the handshake fail in many ways
                raise EngineError(
                    f"no scheduler answers at {self.address} ({_reason(error)}); start one with `dask scheduler`"
                ) from None
        try:
            yield client
        finally:
            client.close()


class DashboardEngine:
    """A Dask cluster of this machine that lives as long as a run, for those who want to look at its dashboard."""

    def __init__(
        self, workers: int = 2, *, say: Callable[[str], None] = lambda text: None, measure: Measure | None = None
    ) -> None:
        """Raises InputError where the dashboard's library is not installed."""
        from importlib.util import find_spec

        if find_spec("bokeh") is None:
            raise InputError("--dashboard needs the library bokeh; type `pip install 'erfsweep[dashboard]'`")
        self.workers = workers
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
                stack.enter_context(_lean())
                client = stack.enter_context(self._cluster())
            self.say(f"dashboard at {client.dashboard_link}")
            drive(client, chain([first], partitions), limits, deliver, stop, self, PATIENCE)

    @contextmanager
    def _cluster(self) -> Iterator[Any]:
        import dask
        from distributed import Client, LocalCluster

        from pipeline.engines.interrupts import interrupts_held

        with ExitStack() as stack:
            stack.enter_context(restored((*ENVIRONMENT, "PYTHONHASHSEED")))  # nannies leave it changed
            stack.enter_context(dask.config.set(OURS))  # read whenever a worker is started
            with interrupts_held():
                cluster = LocalCluster(
                    n_workers=self.workers,
                    threads_per_worker=1,
                    host="127.0.0.1",
                    dashboard_address=DASHBOARD,
                    silence_logs=False,
                )
                stack.callback(_close, cluster)
                client = stack.enter_context(Client(cluster, set_as_default=False, name="erfsweep"))
            yield client


def drive(
    client: Any,
    partitions: Iterator[Partition],
    limits: Limits,
    deliver: Deliver,
    stop: Event,
    engine: ClusterEngine | DashboardEngine,
    patience: float,
) -> None:
    """Runs partitions on the workers of a client's scheduler."""
    from pipeline.engines.dask_fleet import DaskFleet
    from pipeline.engines.driving import Drive

    fleet = DaskFleet(client, limits, patience, engine.measure)
    fleet.open()
    try:
        Drive(fleet, deliver, stop, engine.times, engine.say).run(partitions)
    finally:
        fleet.close()


@contextmanager
def _lean() -> Iterator[None]:
    """Dask quiet, and with short logs."""
    import dask

    from pipeline.engines.quiet import quiet

    with quiet(), dask.config.set(LEAN):
        yield


def _reason(error: BaseException) -> str:
    """The innermost cause, in one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    return (str(error) or type(error).__name__).splitlines()[0]


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
