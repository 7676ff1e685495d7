"""News of a scheduler's workers: who is there and may be used, and who is gone and was at what."""

import asyncio
import time
from collections.abc import Coroutine
from concurrent.futures import Future
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, NamedTuple, TypeAlias, TypeVar

from pipeline.engines.fleet import Fleet
from pipeline.errors import EngineError

T = TypeVar("T")

RECONCILE = 5.0
"""Seconds after which the scheduler is asked what may have been missed."""


class Joined(NamedTuple):
    """A worker is there."""

    address: str


class Greeted(NamedTuple):
    """A worker may be used, or not; one without threads did not answer."""

    address: str
    threads: int
    refusal: str | None


class Left(NamedTuple):
    """A worker is gone, with the keys that it was at (None: unknown), as somebody wished or not."""

    address: str
    processing: frozenset[str] | None
    expected: bool


class Listed(NamedTuple):
    """All workers that were there when the scheduler was `asked`, a time of `time.monotonic`."""

    addresses: frozenset[str]
    asked: float


class Returned(NamedTuple):
    """The coroutine of a partition ended."""

    address: str
    key: str


Event: TypeAlias = Joined | Greeted | Left | Listed | Returned


class News:
    """Puts what happens on the loop of a fleet's client into one queue, for the driving thread to take."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.events: SimpleQueue[Event] = SimpleQueue()
        self._asked = 0.0

    def open(self) -> None:
        """Listens, and asks for the workers that are there already."""
        self.fleet.client.subscribe_topic("all", self._heard)
        self.reconcile()

    def close(self) -> None:
        """Listens no more."""
        with suppress(Exception):  # the scheduler may be gone
            self.fleet.client.unsubscribe_topic("all")

    def begin(self, coroutine: Coroutine[Any, Any, T]) -> "Future[T]":
        """Starts a coroutine on the client's loop."""
        loop: asyncio.AbstractEventLoop = self.fleet.client.loop.asyncio_loop
        return asyncio.run_coroutine_threadsafe(coroutine, loop)

    def greet(self, address: str) -> None:
        """Asks a worker whether it may be used; `Greeted` is the answer."""
        self.begin(self._greet(address))

    def reconcile(self) -> None:
        """Asks for all workers if that is some time ago; `Listed` is the answer."""
        if time.monotonic() - self._asked > RECONCILE:
            self._asked = time.monotonic()
            self.begin(self._reconcile())

    def _heard(self, event: tuple[float, dict[str, Any]]) -> None:
        message = event[1]
        action, address = message.get("action"), message.get("worker", "")
        if action == "add-worker":
            self.events.put(Joined(address))
        elif action == "remove-worker":
            processing = frozenset(message.get("processing-tasks", ()))
            self.events.put(Left(address, processing, bool(message.get("expected"))))

    async def _reconcile(self) -> None:
        asked = time.monotonic()
        with suppress(OSError):  # asked again, unless the client finds that the scheduler is gone
            identity = await self.fleet.client.scheduler.identity(n_workers=-1)
            self.events.put(Listed(frozenset(identity["workers"]), asked))

    async def _greet(self, address: str) -> None:
        threads, refusal = 0, None
        try:
            identity = await self.fleet.client.scheduler.identity(n_workers=-1)
            worker = identity["workers"][address]
            await self.fleet.greet(address, worker["name"])
            threads = worker["nthreads"]
        except EngineError as error:
            threads, refusal = 1, str(error)
        except Exception:  # noqa: BLE001, S110  # gone already, in one of many ways
            pass
        self.events.put(Greeted(address, threads, refusal))
