"""Other people's Dask cluster: any scheduler that an address or a scheduler file names, with its workers."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Event
from typing import Any

from pipeline.engines.address import Connection, security, settled_address
from pipeline.engines.engine import Deliver
from pipeline.engines.fleet import LEAN, Fleet
from pipeline.engines.times import Times
from pipeline.engines.versions import differences, versions
from pipeline.errors import EngineError, InputError
from pipeline.graph import Limits, Measure, Partition

CONNECT = 10.0
"""Seconds that a scheduler has to answer."""


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
        from pipeline.engines.driving import Drive
        from pipeline.engines.quiet import quiet

        with ExitStack() as stack:
            stack.enter_context(quiet())
            with self.times.spent("starting"):
                client = stack.enter_context(self._client())
            fleet = ForeignFleet(client, self.connection.patience)
            Drive(fleet, limits, deliver, stop, self.times, self.say, self.measure).run(partitions)

    @contextmanager
    def _client(self) -> Iterator[Any]:
        import dask
        from distributed import Client

        from pipeline.engines.interrupts import interrupts_held

        with ExitStack() as stack:
            stack.enter_context(dask.config.set(LEAN))
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
                stack.callback(client.close)
            yield client


def _reason(error: BaseException) -> str:
    """The innermost cause, in one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    return (str(error) or type(error).__name__).splitlines()[0]


class ForeignFleet(Fleet):
    """Workers that others started, maybe on other machines: of the same versions, but without our files."""

    def __init__(self, client: Any, patience: float) -> None:
        super().__init__(client, patience)
        self._shipped: dict[tuple[str, str], asyncio.Task[None]] = {}

    async def greet(self, address: str, name: object) -> None:
        """Raises EngineError where a worker lacks erfsweep or has other versions than this process."""
        answers = await self.client.run(versions, workers=[address], on_error="return")
        answer = answers[address]
        if "ImportError" in repr(answer) or "ModuleNotFoundError" in repr(answer):
            raise EngineError(
                f"erfsweep is not installed on the worker {address} ({answer}); `pip install erfsweep` there"
            )
        if isinstance(answer, BaseException):
            raise EngineError(f"the worker {address} cannot be asked for its versions ({answer}); start it again")
        if found := differences(answer):
            raise EngineError(f"the worker {address} has {found}; install the same versions on both sides")

    async def provide(self, address: str, partition: Partition) -> None:
        """Sends the files that a partition's configs name, each once to each worker, by sha256."""
        for path, sha256 in sorted(files_of(partition)):
            place = address, sha256
            if place not in self._shipped:
                self._shipped[place] = asyncio.ensure_future(self._ship(address, path, sha256))
            await asyncio.shield(self._shipped[place])

    async def _ship(self, address: str, path: str, sha256: str) -> None:
        from pipeline.files import content, ship

        try:
            data = await asyncio.to_thread(content, path, sha256)
        except InputError:
            return  # each of its configs will say so itself
        await self.client.run(ship, {sha256: data}, workers=[address])

    def left(self, address: str) -> None:
        """What was sent to a worker went with it."""
        for place in [place for place in self._shipped if place[0] == address]:
            del self._shipped[place]


def files_of(partition: Partition) -> set[tuple[str, str]]:
    """(path, sha256) of the files of probes and weights that the configs of a partition name."""
    from pipeline.config import decode

    found = set()
    for job in partition.jobs:
        if b'"sha256"' in job.config:
            config = decode(job.config)
            for part in (config.init, config.probes):
                if part.path is not None and part.sha256 is not None:
                    found.add((part.path, part.sha256))
    return found
