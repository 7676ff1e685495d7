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
from concurrent.futures import CancelledError
from contextlib import suppress
from queue import Empty
from threading import Event
from typing import TypeAlias

from pipeline.engines.engine import Deliver
from pipeline.engines.fleet import Fleet
from pipeline.engines.news import Greeted, Joined, Left, Listed, News, Returned
from pipeline.engines.parcel import execute, pack, unpack
from pipeline.engines.seat import Carried, Seat
from pipeline.engines.suspects import Suspects, halves
from pipeline.engines.times import Times
from pipeline.errors import EngineError
from pipeline.graph import Limits, Measure, Partition
from pipeline.job import Job
from pipeline.result import Failure, Outcome

GRACE = 1.0
"""Seconds that running partitions are given once the run is stopped."""

_TICK = 0.1

Say: TypeAlias = Callable[[str], None]


class _UnreachedError(Exception):
    """What a partition needs could not be brought to a worker."""


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
        self.news = News(fleet)
        self.seats: dict[str, Seat] = {}
        self.greeting: set[str] = set()
        self.refused: dict[str, str] = {}
        self.again: deque[Partition] = deque()
        self.suspects = Suspects()
        self.count = 0
        self.empty_since = time.monotonic()
        self.waiting_said = False

    def run(self, partitions: Iterator[Partition]) -> None:
        """See `Engine.run`."""
        self.news.open()
        try:
            while not self.stop.is_set():
                with self.times.spent("scheduling"):
                    more = self._fill(partitions)
                if not more and not self._outstanding():
                    return
                self._step(_TICK)
            self._wind_down()
        finally:
            self.news.close()
            for seat in self.seats.values():
                seat.vacate()

    def _outstanding(self) -> bool:
        return bool(self.suspects.waiting or self.again or any(seat.carried for seat in self.seats.values()))

    def _step(self, patience: float) -> None:
        """Handles the next event, or looks after the fleet if there is none for a while."""
        event = None
        with suppress(Empty), self.times.spent("waiting"):
            event = self.news.events.get(timeout=patience)
        match event:
            case None:
                self._look_after()
                return
            case Joined(address):
                self._joined(address)
            case Greeted(address, threads, refusal):
                self._greeted(address, threads, refusal)
            case Left(address, processing, expected):
                self._left(address, processing, expected)
            case Listed(addresses, asked):
                for address in addresses - self.seats.keys() - self.refused.keys():
                    self._joined(address)
                for address in [seat.address for seat in self.seats.values() if seat.since < asked]:
                    if address not in addresses:
                        self._left(address, None, False)
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
                raise EngineError(self.fleet.absence())
            if now - self.empty_since > 1 and not self.waiting_said:
                self.waiting_said = True
                self.say(f"waiting for workers at {self.client.scheduler.address}")
        self.fleet.tend(len(self.seats))
        self.news.reconcile()

    def _joined(self, address: str) -> None:
        if address not in self.seats and address not in self.greeting:
            self.greeting.add(address)
            self.news.greet(address)

    def _greeted(self, address: str, threads: int, refusal: str | None) -> None:
        if address not in self.greeting:
            return  # it left meanwhile
        self.greeting.remove(address)
        if not threads:
            return
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
        at_work, at_rest = seat.vacate(processing)
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
                    self._share()
                    break
                self._carry(seat, wanted)
                given = True
            if not given:
                break
        return more

    def _share(self) -> None:
        """At the end of a run: seats that are idle take half of what still waits behind others."""
        for idle in self.seats.values():
            donor = max(self.seats.values(), key=lambda seat: len(seat.carried) - seat.threads)
            if idle.carried or len(donor.carried) <= donor.threads:
                continue
            first, *rest = halves(donor.take_back())
            self._carry(idle, first)
            for second in rest:
                self._carry(donor, second)

    def _carry(self, seat: Seat, partition: Partition) -> None:
        self.count += 1
        key = f"{partition.key}-{self.count}"  # never one that the scheduler may still be letting go of
        reply = self.news.begin(self._carried(seat.address, key, partition))
        seat.carried[key] = Carried(partition, reply, time.time())
        reply.add_done_callback(lambda _: self.news.events.put(Returned(seat.address, key)))

    async def _carried(self, address: str, key: str, partition: Partition) -> bytes:
        try:
            await self.fleet.provide(address, partition)
        except Exception as error:
            raise _UnreachedError from error
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
        except _UnreachedError:
            del seat.carried[key]
            self.again.append(carried.partition)
            return
        except (CancelledError, asyncio.CancelledError):
            raise self._scheduler_gone() from None
        except Exception as error:  # whatever the task itself could not keep to its configs
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
            while len(seat.carried) > seat.threads:
                seat.take_back()
        deadline = time.monotonic() + GRACE
        while any(seat.carried for seat in self.seats.values()) and (left := deadline - time.monotonic()) > 0:
            self._step(left)

    def _scheduler_gone(self) -> EngineError:
        return EngineError(
            f"the scheduler at {self.client.scheduler.address} is gone; what was finished is saved, "
            "start it again and type `erfsweep work` to go on"
        )
