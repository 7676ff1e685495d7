"""Driving a fleet: partitions placed on workers one by one, outcomes brought back, deaths survived.

A worker has one partition running for each of its threads and one waiting behind them, so that it never idles and the
driver's memory does not grow with the sweep. Placing them ourselves is what makes blame possible: when a worker dies it
is known what it held. The driving thread never waits for a worker: everything that happens comes to it as news.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import chain
from queue import Empty
from threading import Event
from typing import NamedTuple, TypeAlias

from pipeline.engines.engine import Deliver
from pipeline.engines.fleet import Broken, Fleet, Joined, Left, News, Refused, Returned, Submitted
from pipeline.engines.interrupts import interrupts_held
from pipeline.engines.suspects import Suspects, halves
from pipeline.engines.times import Times
from pipeline.engines.wire import unpack
from pipeline.errors import EngineError
from pipeline.graph import Partition
from pipeline.job import Job
from pipeline.result import Failure, Outcome

GRACE = 1.0
"""Seconds that running partitions are given once the run is stopped."""

BATCH = 1000
"""Outcomes that are delivered together, at most, where replies come faster than they are delivered."""

STRUCK = 5
"""Idle workers that have to die before we give up."""

_TICK = 0.1
_NO_MORE = object()

Say: TypeAlias = Callable[[str], None]


class Carried(NamedTuple):
    """A partition that was given to a worker, and when (seconds since the epoch)."""

    partition: Partition
    since: float


class Seat:
    """A worker, with what was given to it in that order; `alone`: one suspect, and nothing else until it is over."""

    def __init__(self, address: str, threads: int) -> None:
        self.address = address
        self.threads = threads
        self.carried: dict[str, Carried] = {}
        self.alone = False

    @property
    def has_room(self) -> bool:
        """Whether another partition may come: one for each thread, and one that waits behind them."""
        return not self.alone and len(self.carried) <= self.threads

    def lost(self, processing: frozenset[str] | None) -> tuple[list[Partition], list[Partition]]:
        """What it was at as it ended, and what it had finished but not brought back. None: not known."""
        at_work = {key: processing is None or key in processing for key in self.carried}
        lost = [carried.partition for key, carried in self.carried.items() if at_work[key]]
        kept = [carried.partition for key, carried in self.carried.items() if not at_work[key]]
        return lost, kept


class Drive:
    """One run on a fleet. `run` is called once; `set_aside` is told of jobs as they become suspects."""

    def __init__(
        self,
        fleet: Fleet,
        deliver: Deliver,
        stop: Event,
        times: Times,
        say: Say,
        set_aside: Callable[[Iterable[Job]], None] = lambda jobs: None,
    ) -> None:
        self.fleet = fleet
        self.deliver = deliver
        self.stop = stop
        self.times = times
        self.say = say
        self.set_aside = set_aside
        self.seats: dict[str, Seat] = {}
        self.threads = 0  # of all seats
        self.again: deque[Partition] = deque()
        self.suspects = Suspects()
        self.ends: dict[str, tuple[Carried, Left]] = {}  # of workers of cornered configs, by digest
        self.drained = False
        self.struck = 0  # idle workers that have died since something was measured
        self.measured_at = time.monotonic()
        self.count = 0
        self.empty_since = time.monotonic()
        self.waiting_said = False

    def run(self, partitions: Iterator[Partition | None]) -> None:
        """See `Engine.run`; opens the fleet and closes it. None says that there is no partition right now."""
        try:
            self.fleet.open()
            while not self.stop.is_set():
                self._convict()
                with self.times.spent("scheduling"):
                    more = self._fill(partitions)
                if not more and not self._outstanding():
                    return
                self._step(_TICK)
            self._wind_down()
        finally:
            with interrupts_held():
                self.fleet.close()

    def _outstanding(self) -> bool:
        return bool(self.suspects or self.again or any(seat.carried for seat in self.seats.values()))

    def _step(self, patience: float) -> None:
        """Handles the news that is there, or looks after the fleet if there is none for a while.

        What came back meanwhile is delivered together: a transaction costs as much as a few hundred results in it, and
        many workers bring more than could be saved one by one.
        """
        try:
            with self.times.spent("waiting"):
                news = self.fleet.events.get(timeout=patience)
        except Empty:
            self._look_after()
        else:
            outcomes: list[Outcome] = []
            try:
                self._heard(news, outcomes)
                with suppress(Empty):
                    while len(outcomes) < BATCH:
                        self._heard(self.fleet.events.get_nowait(), outcomes)
            except EngineError:
                self._deliver(outcomes)  # what is finished is kept
                raise
            self._deliver(outcomes)
        if self.seats:
            self.empty_since = time.monotonic()

    def _heard(self, news: News, outcomes: list[Outcome]) -> None:
        """Handles a piece of news; what it brings back is added to `outcomes`."""
        match news:
            case Joined(address, threads):
                self.seats[address] = Seat(address, threads)
                self.threads += threads
            case Refused(reason):
                self.say(reason)
            case Left():
                self._left(news)
            case Returned(address, key, reply):
                outcomes += self._returned(address, key, reply)
            case Broken(error):
                raise error
            case Submitted():
                pass  # handed out next

    def _look_after(self) -> None:
        now = time.monotonic()
        if not self.seats:
            if now - self.empty_since > self.fleet.patience:
                raise EngineError(self.fleet.absence())
            if now - self.empty_since > 1 and not self.waiting_said:
                self.waiting_said = True
                self.say(self.fleet.waiting())
        self.fleet.tend()

    def _left(self, news: Left) -> None:
        seat = self.seats.pop(news.address, None)
        if seat is None:
            return
        self.threads -= seat.threads
        at_work, at_rest = seat.lost(news.processing)
        if news.expected:
            self.again.extend(one for one in (*at_work, *at_rest) if not self.suspects.gave_back(one))
            return
        self.again.extend(at_rest)  # their results are lost, but they did not end the worker
        alone = seat.alone and (news.processing is None or news.processing <= seat.carried.keys())
        since = min((carried.since for carried in seat.carried.values()), default=time.time())
        running, waiting = at_work[: seat.threads], at_work[seat.threads :]
        self.set_aside(chain.from_iterable(one.jobs for one in at_work))
        self.suspects.died(running, waiting, alone=alone, lasted=time.time() - since)
        if alone:
            self.ends |= {one.partition.jobs[0].digest: (one, news) for one in seat.carried.values()}
        if not seat.carried:
            self._was_struck()

    def _was_struck(self) -> None:
        """A worker died that had nothing to do: others kill our workers, and where none gets through we give up."""
        self.struck += 1
        silent = time.monotonic() - self.measured_at
        waiting = not any(seat.carried for seat in self.seats.values())
        if waiting and self.struck >= STRUCK and silent > self.fleet.patience:
            raise EngineError(
                f"workers are killed from outside, {self.struck} of them while they were idle, and nothing was measured"
                f" for {silent:.0f} s; see what kills them, and type `erfsweep work` to go on"
            )

    def _convict(self) -> None:
        if not self.fleet.events.empty():  # a death may be among the news
            return
        for job in self.suspects.watch(len(self.seats)):
            self._deliver([_killed(job, *self.ends.pop(job.digest))])

    # Partitions, on their way out and back.

    def _fill(self, partitions: Iterator[Partition | None]) -> bool:
        """Hands out partitions while there is room; whether there may be more.

        Suspects come first, each on a worker with nothing else: no more seats than there are suspects are left to
        run empty for them.
        """
        more = True
        while more and not self.stop.is_set():
            draining = self.suspects.ready(idle=self._is_idle())
            given = False
            for seat in sorted(self.seats.values(), key=lambda seat: len(seat.carried)):
                if draining:
                    draining -= 1
                    if not seat.carried:
                        seat.alone = True
                        self._carry(seat, self.suspects.take())
                    continue
                if not seat.has_room:
                    continue
                wanted = self.again.popleft() if self.again else next(partitions, _NO_MORE)
                more, self.drained = wanted is not _NO_MORE, not isinstance(wanted, Partition)
                if not isinstance(wanted, Partition):
                    self._share()
                    break
                self._carry(seat, wanted)
                given = True
            if not given:
                break
        return more

    def _is_idle(self) -> bool:
        """Whether nothing is left to do but to try suspects."""
        return self.drained and not self.again and all(seat.alone or not seat.carried for seat in self.seats.values())

    def _share(self) -> None:
        """At the end of a run: seats that are idle take half of what still waits behind others."""
        donors = [seat for seat in self.seats.values() if len(seat.carried) > seat.threads]
        for idle in self.seats.values():
            if idle.carried:
                continue
            if not donors:
                return
            donor = max(donors, key=lambda seat: len(seat.carried) - seat.threads)
            first, *rest = halves(self._take_back(donor))
            self._carry(idle, first)
            for second in rest:
                self._carry(donor, second)
            if len(donor.carried) <= donor.threads:
                donors.remove(donor)

    def _carry(self, seat: Seat, partition: Partition) -> None:
        self.count += 1
        key = f"{partition.key}-{self.count}"  # never one that a scheduler may still be letting go of
        seat.carried[key] = Carried(partition, time.time())
        self.fleet.send(seat.address, key, partition)

    def _take_back(self, seat: Seat) -> Partition:
        """Takes back what came last; should it have begun, nobody waits for its outcomes any more."""
        key, carried = seat.carried.popitem()
        self.fleet.withdraw(seat.address, key)
        return carried.partition

    def _returned(self, address: str, key: str, answer: bytes | None) -> list[Outcome]:
        """Takes note that a partition came back; its outcomes, which are still to be delivered."""
        seat = self.seats.get(address)
        if seat is None or key not in seat.carried:
            return []
        partition = seat.carried.pop(key).partition
        seat.alone = False
        if answer is None:
            if not self.suspects.gave_back(partition):
                self.again.append(partition)
            return []
        self.suspects.finished(partition)
        for digest in self.ends.keys() & {job.digest for job in partition.jobs} if self.ends else ():
            del self.ends[digest]
        self.struck = 0
        reply = unpack(answer)
        self.times.moving += max(time.time() - reply.sent, 0.0)
        self.times.encoding += reply.encoding
        self.times.measured(reply.outcomes)
        return reply.outcomes

    def _deliver(self, outcomes: list[Outcome]) -> None:
        if not outcomes:
            return
        self.measured_at = time.monotonic()
        with self.times.spent("storing"):
            self.deliver(outcomes)

    def _wind_down(self) -> None:
        """Takes back what has not begun, and gives what runs a moment to finish."""
        for seat in self.seats.values():
            while len(seat.carried) > seat.threads:
                self._take_back(seat)
        deadline = time.monotonic() + GRACE
        while any(seat.carried for seat in self.seats.values()) and (left := deadline - time.monotonic()) > 0:
            self._step(left)


def _killed(culprit: Job, carried: Carried, left: Left) -> Outcome:
    message = (
        f"its worker {left.ending} each time that the config was measured with nothing beside it; "
        "if it ran out of memory, make the plane, the features or the kernel smaller"
    )
    failure = Failure("KilledWorker", message)
    return Outcome(culprit.digest, "killed", carried.since, time.time(), left.address, None, failure)
