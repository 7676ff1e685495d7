"""The workers of a Dask scheduler, asked for and spoken to on the loop of a client.

All that is known of them is known on that loop, in one thread; the driving thread is told by news.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from contextlib import suppress
from queue import SimpleQueue
from typing import Any

from pipeline.engines.cluster.shipping import Shipping
from pipeline.engines.fleet import Broken, Joined, Left, News, Refused, Returned, broken_worker
from pipeline.engines.versions import differences, versions
from pipeline.engines.wire import execute, pack
from pipeline.errors import EngineError
from pipeline.graph import Measure, Partition
from pipeline.limits import Limits

RECONCILE = 5.0
"""Seconds after which the scheduler is asked what may have been missed."""

_PAUSE = 0.2
"""Seconds before a partition that did not get through is given back, to be sent again."""


class DaskFleet:
    """Workers of the same versions as this process, but maybe without its files; see `Fleet`."""

    def __init__(self, client: Any, limits: Limits, patience: float, measure: Measure | None) -> None:
        self.events: SimpleQueue[News] = SimpleQueue()
        self.patience = patience
        self._client = client
        self._limits = limits
        self._measure = measure
        self._shipping = Shipping(client)
        self._scheduler = client.scheduler.address
        self._loop: asyncio.AbstractEventLoop = client.loop.asyncio_loop
        self._asked = 0.0
        self._problem = ""
        # On the loop only:
        self._since: dict[str, float] = {}  # workers that may be used
        self._greeting: set[str] = set()
        self._refused: dict[str, str] = {}
        self._has_served = False  # whether any worker could be used so far
        self._carrying: dict[tuple[str, str], Any] = {}  # with its future, once it is submitted
        self._tasks: set[asyncio.Task[None]] = set()  # a loop forgets tasks that nobody else holds

    def open(self) -> None:
        """Listens, and asks for the workers that are there already."""
        self._client.subscribe_topic("all", self._heard)
        self._reconcile()

    def close(self) -> None:
        """Listens no more."""
        with suppress(Exception):  # the scheduler may be gone
            self._client.unsubscribe_topic("all")

    def send(self, address: str, key: str, partition: Partition) -> None:
        """See `Fleet.send`."""
        self._soon(self._begin, address, key, partition)

    def withdraw(self, address: str, key: str) -> None:
        """See `Fleet.withdraw`."""
        self._soon(self._drop, address, key)

    def tend(self) -> None:
        """Sees whether the scheduler is there, and now and then what was missed of its workers."""
        if self._client.status != "running":
            self.events.put(Broken(self._gone()))
        elif time.monotonic() - self._asked > RECONCILE:
            self._reconcile()

    def waiting(self) -> str:
        """See `Fleet.waiting`."""
        return f"waiting for workers at {self._scheduler}"

    def absence(self) -> str:
        """See `Fleet.absence`."""
        reason = next(iter(self._refused.values()), self._problem)
        problem = f" ({reason})" if reason else ""
        return (
            f"no worker has come to {self._scheduler} for {self.patience:.0f} s{problem}; "
            "start workers there and type `erfsweep work` to go on"
        )

    def _gone(self) -> EngineError:
        return EngineError(
            f"the scheduler at {self._scheduler} is gone; what was finished is saved, "
            "start it again and type `erfsweep work` to go on"
        )

    def _soon(self, function: Callable[..., object], *arguments: Any) -> None:
        with suppress(RuntimeError):  # the loop is closed: `tend` finds that the scheduler is gone
            self._loop.call_soon_threadsafe(function, *arguments)

    def _reconcile(self) -> None:
        self._asked = time.monotonic()
        self._soon(lambda: self._task(self._compare()))

    def _task(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # On the loop: who is there.

    def _heard(self, event: tuple[float, dict[str, Any]]) -> None:
        message = event[1]
        action, address = message.get("action"), message.get("worker", "")
        if action == "add-worker":
            self._joined(address)
        elif action == "remove-worker":
            processing = frozenset(message.get("processing-tasks", ()))
            self._left(Left(address, processing, bool(message.get("expected"))))

    async def _compare(self) -> None:
        asked = time.monotonic()
        with suppress(OSError):  # asked again, unless the client finds that the scheduler is gone
            there = await self._client.scheduler.ncores()
            for address in there:
                self._joined(address)
            for address in [address for address, since in self._since.items() if since < asked]:
                if address not in there:
                    self._left(Left(address))

    def _joined(self, address: str) -> None:
        if address not in self._greeting and address not in self._since and address not in self._refused:
            self._greeting.add(address)
            self._task(self._greet(address))

    async def _greet(self, address: str) -> None:
        """Asks a worker whether it may be used; one that does not answer is asked again if `_compare` finds it."""
        try:
            threads = (await self._client.scheduler.ncores(workers=[address]))[address]
            refusal = await self._refusal(address)
        except Exception as error:  # noqa: BLE001  # gone already, in one of many ways
            if isinstance(error, OSError):
                self._problem = f"{address} does not answer: {error}"
            self._greeting.discard(address)
            return
        if address not in self._greeting:
            return  # it left meanwhile
        self._greeting.remove(address)
        if refusal is None:
            self._has_served = True
            self._since[address] = time.monotonic()
            self.events.put(Joined(address, threads))
        else:
            self._refused[address] = refusal
            self.events.put(Refused(refusal))
        self._despair()

    async def _refusal(self, address: str) -> str | None:
        """Why a worker cannot be used, if so: it lacks erfsweep or has other versions than this process.

        Raises OSError where the scheduler does not reach it: it may be about to leave.
        """
        answers = await self._client.run(versions, workers=[address], on_error="return")
        answer = answers[address]
        if "ImportError" in repr(answer) or "ModuleNotFoundError" in repr(answer):
            return f"erfsweep is not installed on the worker {address} ({answer}); `pip install erfsweep` there"
        if isinstance(answer, OSError):
            raise answer
        if isinstance(answer, BaseException):
            return f"the worker {address} cannot be asked for its versions ({answer}); start it again"
        if found := differences(answer, versions()):
            return f"the worker {address} has {found}; install the same versions on both sides"
        return None

    def _left(self, news: Left) -> None:
        self._greeting.discard(news.address)
        self._refused.pop(news.address, None)
        self._shipping.left(news.address)
        for address, key in list(self._carrying):
            if address == news.address:
                self._drop(address, key)
        if self._since.pop(news.address, None) is not None:
            self.events.put(news)
        self._despair()

    def _despair(self) -> None:
        """Where every worker so far was refused, none is waited for; one that could be used may come back."""
        if self._refused and not (self._has_served or self._greeting):
            self.events.put(Broken(EngineError(next(iter(self._refused.values())))))

    # On the loop: partitions, on their way out and back.

    def _begin(self, address: str, key: str, partition: Partition) -> None:
        if address not in self._since:
            return  # it has left, which is among the news: a scheduler would keep the task for ever
        self._carrying[address, key] = None
        self._task(self._carry(address, key, partition))

    def _drop(self, address: str, key: str) -> None:
        """Lets a partition go: its future is released, and whatever still comes of it is passed over.

        The task that carries it is not cancelled: Dask fetches what several tasks wait for at once, and to cancel one
        of them would take the replies of the others with it.
        """
        future = self._carrying.pop((address, key), None)
        if future is not None:
            future.release()

    async def _carry(self, address: str, key: str, partition: Partition) -> None:
        news = await self._brought(address, key, partition)
        if (address, key) in self._carrying and news is not None:
            del self._carrying[address, key]
            self.events.put(news)

    async def _brought(self, address: str, key: str, partition: Partition) -> News | None:
        """What comes of a partition; None where the scheduler says the rest, or nobody waits for it any more."""
        from distributed import KilledWorker

        try:
            await self._shipping.provide(address, partition)
            if (address, key) not in self._carrying:
                return None  # let go meanwhile
            return Returned(address, key, await self._reply(address, key, partition))
        except EngineError as error:
            return Broken(error)
        except KilledWorker:
            return None  # the scheduler says next that the worker is gone, and what it was at
        except (CancelledError, asyncio.CancelledError, OSError):
            return await self._lost(address, key)
        except Exception as error:  # noqa: BLE001  # what a worker made of its files; what a closed client says
            return Broken(self._raised(address, error))

    async def _lost(self, address: str, key: str) -> News:
        """A connection broke, or somebody cancelled the tasks of all clients, as `Client.restart` does: sent again.

        A client that loses its scheduler cancels its tasks, too.
        """
        if self._client.status != "running":
            return Broken(self._gone())
        await asyncio.sleep(_PAUSE)
        return Returned(address, key, None)

    def _raised(self, address: str, error: Exception) -> EngineError:
        if self._client.status != "running":
            return self._gone()
        return broken_worker(address, f"{type(error).__name__}: {error}")

    async def _reply(self, address: str, key: str, partition: Partition) -> bytes:
        """What a worker made of a partition. Raises EngineError for what its task could not keep to its configs."""
        from distributed import KilledWorker

        parcel = pack(partition, self._limits)
        future = self._client.submit(
            execute, parcel, self._measure, key=key, workers=[address], allow_other_workers=False, pure=False
        )
        self._carrying[address, key] = future
        try:
            reply: bytes = await future
            return reply
        except KilledWorker:
            raise
        except Exception as error:
            if future.status == "error":  # an OSError, too, is one of the task and not of a connection
                raise self._raised(address, error) from None
            raise
        finally:
            future.release()
