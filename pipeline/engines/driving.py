"""Driving a Dask scheduler: partitions placed on workers one by one, outcomes brought back, deaths survived.

A worker has one partition running for each of its threads and one waiting behind them, so that it never idles and the
driver's memory does not grow with the sweep. Placing them ourselves is what makes blame possible: when a worker dies it
is known what it held. The driving thread never waits for the scheduler: each partition is carried by a coroutine on the
client's loop, and everything that happens comes back through one queue.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from queue import Empty, SimpleQueue
from threading import Event
from typing import Any, NamedTuple, TypeAlias

from pipeline.engines.engine import Deliver
from pipeline.engines.fleet import Fleet
from pipeline.engines.parcel import execute, pack, unpack
from pipeline.engines.suspects import Suspects
from pipeline.engines.times import Times
from pipeline.errors import EngineError
from pipeline.graph import Job, Limits, Measure, Partition
from pipeline.result import Failure, Outcome

GRACE = 1.0
"""Seconds that running partitions are given once the run is stopped."""

_TICK = 0.1
_RECONCILE = 5.0

Say: TypeAlias = Callable[[str], None]


class Carried(NamedTuple):
    """A partition on a worker: the coroutine that brings its outcomes, and since when."""

    partition: Partition
    reply: "Future[bytes]"
    since: float


class Seat:
    """A worker, with what is assigned to it in the order in which it was; `alone`: one suspect and nothing else."""

    def __init__(self, address: str, threads: int) -> None:
        self.address = address
        self.threads = threads
        self.carried: dict[str, Carried] = {}
        self.alone = False

    @property
    def has_room(self) -> bool:
        """Whether another partition may wait here."""
        return not self.alone and len(self.carried) <= self.threads


class Joined(NamedTuple):
    """A worker is there."""

    address: str


class Greeted(NamedTuple):
    """A worker may be used, or not."""

    address: str
    threads: int
    refusal: str | None


class Left(NamedTuple):
    """A worker is gone, with the keys that it was at (None: unknown), as somebody wished or not."""

    address: str
    processing: frozenset[str] | None
    expected: bool


class Returned(NamedTuple):
    """The coroutine of a partition ended."""

    address: str
    key: str


class Drive:
    """One run on a fleet. `run` is called once."""

    def __init__(
        self,
        fleet: Fleet,
        limits: Limits,
        deliver: Deliver,
        stop: Event,
        times: Times,
        say: Say,
        measure: Measure | None,
    ) -> None:
        self.fleet = fleet
        self.client = fleet.client
        self.limits = limits
        self.deliver = deliver
        self.stop = stop
        self.times = times
        self.say = say
        self.measure = measure
        self.events: SimpleQueue[Joined | Greeted | Left | Returned] = SimpleQueue()
        self.seats: dict[str, Seat] = {}
        self.greeting: set[str] = set()
        self.refused: dict[str, str] = {}
        self.again: deque[Partition] = deque()
        self.suspects = Suspects()
        self.count = 0
        self.empty_since = self.reconciled = time.monotonic()
        self.waiting_said = False

    def run(self, partitions: Iterator[Partition]) -> None:
        """See `Engine.run`."""
        self.client.subscribe_topic("all", self._heard)
        try:
            self._reconcile()
            while not self.stop.is_set():
                with self.times.spent("scheduling"):
                    left = self._fill(partitions)
                if not left and not self._outstanding():
                    return
                self._step()
            self._wind_down()
        finally:
            self.client.unsubscribe_topic("all")
            for seat in self.seats.values():
                for carried in seat.carried.values():
                    carried.reply.cancel()

    def _outstanding(self) -> bool:
        return bool(self.suspects.waiting or self.again or any(seat.carried for seat in self.seats.values()))

    # Events. Those of the client's loop are put in the queue, those in the queue are handled by the driving thread.

    def _heard(self, event: tuple[float, dict[str, Any]]) -> None:
        message = event[1]
        action, address = message.get("action"), message.get("worker", "")
        if action == "add-worker":
            self.events.put(Joined(address))
        elif action == "remove-worker":
            at = frozenset(message.get("processing-tasks", ()))
            self.events.put(Left(address, at, bool(message.get("expected"))))

    def _step(self, patience: float = _TICK) -> None:
        """Handles the next event, or looks after the fleet if there is none for a while."""
        try:
            with self.times.spent("waiting"):
                event = self.events.get(timeout=patience)
        except Empty:
            self._look_after()
            return
        match event:
            case Joined(address):
                self._joined(address)
            case Greeted(address, threads, refusal):
                self._greeted(address, threads, refusal)
            case Left(address, processing, expected):
                self._left(address, processing, expected)
            case Returned(address, key):
                self._returned(address, key)
        self._check()

    def _check(self) -> None:
        if self.seats:
            self.empty_since = time.monotonic()
        elif self.refused and not self.greeting:
            raise EngineError(next(iter(self.refused.values())))

    def _look_after(self) -> None:
        if self.client.status != "running":
            raise self._scheduler_gone()
        now = time.monotonic()
        if not self.seats:
            if now - self.empty_since > self.fleet.patience:
                raise EngineError(
                    f"no worker has come to {self.client.scheduler.address} for {self.fleet.patience:.0f} s; "
                    "start workers there and type `erfsweep work` to go on"
                )
            if now - self.empty_since > 1 and not self.waiting_said:
                self.waiting_said = True
                self.say(f"waiting for workers at {self.client.scheduler.address}")
        if now - self.reconciled > _RECONCILE:
            self._reconcile()

    def _reconcile(self) -> None:
        """Compares the seats with what the scheduler says: the list at the start, and news that were missed later."""
        self.reconciled = time.monotonic()
        try:
            identity = self._await(self.client.scheduler.identity(n_workers=-1))
        except (OSError, TimeoutError, asyncio.TimeoutError, RuntimeError):
            return
        there = identity["workers"]
        for address in there:
            if address not in self.seats and address not in self.refused:
                self.events.put(Joined(address))
        for address in self.seats:
            if address not in there:
                self.events.put(Left(address, None, False))

    def _await(self, coroutine: Any) -> Any:
        async def limited() -> Any:
            return await asyncio.wait_for(coroutine, 10)

        return self._begin(limited()).result()

    def _begin(self, coroutine: Any) -> "Future[Any]":
        """Starts a coroutine on the client's loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.client.loop.asyncio_loop)

    def _joined(self, address: str) -> None:
        if address not in self.seats and address not in self.greeting:
            self.greeting.add(address)
            self._begin(self._greet(address))

    async def _greet(self, address: str) -> None:
        threads, refusal = 1, None
        try:
            identity = await self.client.scheduler.identity(n_workers=-1)
            threads = identity["workers"][address]["nthreads"]
            await self.fleet.greet(address)
        except EngineError as error:
            refusal = str(error)
        except Exception as error:  # noqa: BLE001  # it may be gone already
            refusal = f"the worker {address} does not answer ({type(error).__name__}: {error}); start it again"
        self.events.put(Greeted(address, threads, refusal))

    def _greeted(self, address: str, threads: int, refusal: str | None) -> None:
        if address not in self.greeting:
            return  # it left meanwhile
        self.greeting.remove(address)
        if refusal is None:
            self.seats[address] = Seat(address, threads)
        else:
            self.refused[address] = refusal
            self.say(refusal)

    def _left(self, address: str, processing: frozenset[str] | None, expected: bool) -> None:
        self.greeting.discard(address)
        self.refused.pop(address, None)
        self.fleet.left(address)
        seat = self.seats.pop(address, None)
        if seat is None:
            return
        at_work = [one.partition for key, one in seat.carried.items() if processing is None or key in processing]
        at_rest = [one.partition for key, one in seat.carried.items() if not (processing is None or key in processing)]
        for carried in seat.carried.values():
            carried.reply.cancel()
        if expected:
            self.again.extend((*at_work, *at_rest))
            return
        self.again.extend(at_rest)  # their results are lost, but they did not end the worker
        alone = seat.alone and (processing is None or processing <= seat.carried.keys())
        culprit = self.suspects.died(at_work[: seat.threads], at_work[seat.threads :], alone=alone)
        if culprit is not None:
            (carried,) = seat.carried.values()
            self._deliver([self._killed(culprit, carried, address)])

    def _killed(self, culprit: Job, carried: Carried, address: str) -> Outcome:
        message = (
            f"its worker {self.fleet.ending(address)} each time that the config was measured with nothing beside it; "
            "if it ran out of memory, make the plane, the features or the kernel smaller"
        )
        failure = Failure("KilledWorker", message)
        return Outcome(culprit.digest, "killed", carried.since, time.time(), address, None, failure)

    # Partitions, on their way out and back.

    def _fill(self, partitions: Iterator[Partition]) -> bool:
        """Hands out partitions while there is room; whether there may be more.

        Suspects come first, each on a worker with nothing else: no more seats than there are suspects are left to
        run empty for them.
        """
        more = True
        while more and not self.stop.is_set():
            draining = len(self.suspects.waiting)
            given = False
            for seat in sorted(self.seats.values(), key=lambda seat: len(seat.carried)):
                if draining:
                    draining -= 1
                    if not seat.carried:
                        seat.alone = True
                        self._carry(seat, self.suspects.waiting.popleft())
                    continue
                if not seat.has_room:
                    continue
                wanted = self.again.popleft() if self.again else next(partitions, None)
                if wanted is None:
                    more = False
                    break
                self._carry(seat, wanted)
                given = True
            if not given:
                break
        return more

    def _carry(self, seat: Seat, partition: Partition) -> None:
        self.count += 1
        key = f"{partition.key}-{self.count}"  # never one that the scheduler may still be letting go of
        reply = self._begin(self._carried(seat.address, key, partition))
        seat.carried[key] = Carried(partition, reply, time.time())
        reply.add_done_callback(lambda _: self.events.put(Returned(seat.address, key)))

    async def _carried(self, address: str, key: str, partition: Partition) -> bytes:
        await self.fleet.provide(address, partition)
        parcel = pack(partition, self.limits)
        future = self.client.submit(
            execute, parcel, self.measure, key=key, workers=[address], allow_other_workers=False, pure=False
        )
        try:
            reply: bytes = await future
            return reply
        finally:
            future.release()

    def _returned(self, address: str, key: str) -> None:
        seat = self.seats.get(address)
        carried = seat.carried.get(key) if seat is not None else None
        if seat is None or carried is None:
            return
        from distributed import KilledWorker

        try:
            reply = unpack(carried.reply.result())
        except KilledWorker:
            return  # the scheduler says next that the worker is gone, and what it was at
        except (CancelledError, asyncio.CancelledError):
            raise self._scheduler_gone() from None
        except Exception as error:  # noqa: BLE001  # whatever the task itself could not keep to its configs
            raise EngineError(
                f"the worker {address} cannot run its tasks ({type(error).__name__}: {error}); "
                "install the same erfsweep there and on the scheduler"
            ) from error
        del seat.carried[key]
        seat.alone = False
        self.suspects.finished(carried.partition)
        self.times.moving += max(time.time() - reply.sent, 0.0)
        self.times.encoding += reply.encoding
        self.times.measured(reply.outcomes)
        self._deliver(reply.outcomes)

    def _deliver(self, outcomes: list[Outcome]) -> None:
        with self.times.spent("storing"):
            self.deliver(outcomes)

    def _wind_down(self) -> None:
        """Takes back what has not begun, and gives what runs a moment to finish."""
        for seat in self.seats.values():
            for key in list(seat.carried)[seat.threads :]:
                seat.carried.pop(key).reply.cancel()
        deadline = time.monotonic() + GRACE
        while any(seat.carried for seat in self.seats.values()) and (left := deadline - time.monotonic()) > 0:
            self._step(left)

    def _scheduler_gone(self) -> EngineError:
        return EngineError(
            f"the scheduler at {self.client.scheduler.address} is gone; what was finished is saved, "
            "start it again and type `erfsweep work` to go on"
        )
