"""Other people's Dask cluster: any scheduler that an address or a scheduler file names, with its workers."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Event
from typing import Any

from pipeline.engines.cluster.address import Connection, security, settled_address
from pipeline.engines.driving import Drive
from pipeline.engines.engine import Deliver
from pipeline.engines.local import local_scheduler
from pipeline.engines.times import Times
from pipeline.errors import EngineError
from pipeline.graph import Measure, Partition
from pipeline.limits import Limits

CONNECT = 10.0
"""Seconds that a scheduler has to answer."""

LEAN = {"distributed.admin.low-level-log-length": 20}
"""Every connection of Dask logs its last 1,000 messages, whole partitions with them; a setting for the driver."""


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
        self._drive: Drive | None = None

    @property
    def threads(self) -> int:
        """See `Engine.threads`."""
        return 0 if self._drive is None else self._drive.threads

    def run(self, partitions: Iterator[Partition], limits: Limits, deliver: Deliver, stop: Event) -> None:
        """See `Engine.run`."""
        from pipeline.engines.cluster.dask_fleet import DaskFleet

        with ExitStack() as stack:
            with self.times.spent("starting"):
                stack.enter_context(lean())
                client = stack.enter_context(self._client())
            fleet = DaskFleet(client, limits, self.connection.patience, self.measure)
            self._drive = Drive(fleet, deliver, stop, self.times, self.say)
            self._drive.run(partitions)

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
                reason = innermost_cause(error)
                raise EngineError(
                    f"no scheduler answers at {self.address} ({reason}); start one with `dask scheduler`"
                ) from None
        try:
            self._check_scheduler(client)
            yield client
        finally:
            client.close()

    def _check_scheduler(self, client: Any) -> None:
        """Raises EngineError unless the scheduler can load erfsweep, by which it reads the graph; workers say more."""
        from pipeline.engines.versions import versions

        try:
            client.run_on_scheduler(versions)
        except Exception as error:  # noqa: BLE001  # of its Python, or of the connection
            reason = innermost_cause(error)
            raise EngineError(
                f"the scheduler at {self.address} cannot load erfsweep ({reason}); `pip install erfsweep` there, "
                "the same version as here, and start it again"
            ) from None


@contextmanager
def lean() -> Iterator[None]:
    """Dask quiet, and with short logs. Raises EngineError where it cannot be loaded."""
    local_scheduler()
    import dask

    from pipeline.engines.cluster.quiet import quiet

    with quiet(), dask.config.set(LEAN):
        yield


def innermost_cause(error: BaseException) -> str:
    """The innermost cause, in one line; that something was not waited for any longer is none."""
    from asyncio import CancelledError

    while (cause := error.__cause__) is not None and not isinstance(cause, CancelledError):
        error = cause
    return (str(error) or type(error).__name__).splitlines()[0]
