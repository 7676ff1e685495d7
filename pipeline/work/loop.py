"""The main job: claim configs from a queue, measure them on an engine, save what comes back."""

import time
from collections import Counter
from itertools import chain
from threading import Event

import msgspec

from pipeline.engines.cluster.address import Connection
from pipeline.engines.engine import Engine, choose
from pipeline.engines.names import EngineName
from pipeline.engines.times import Times
from pipeline.errors import GivenUpError, counted
from pipeline.limits import DEFAULT_MEMORY, Limits
from pipeline.queue import Left, Queue
from pipeline.result import Outcome
from pipeline.run import interruptible, run
from pipeline.work.feed import Feed
from pipeline.work.leases import Leases
from pipeline.work.progress import Progress, Silence

POLL_SECONDS = 1.0


class Settings(msgspec.Struct, frozen=True):
    """How to measure.

    engine: `auto` takes the one that is expected to be quicker. retry_failed: measure again what failed or was killed
    before; what failed for a limit that is wider now is measured again in any case. fail_fast: stop at the first config
    that fails. wait: stay until others have finished what they hold, as they may die of it. connection: of engine
    `cluster`, to its scheduler. dashboard: engine `processes` on a Dask cluster of this machine, which serves one.
    """

    limits: Limits = Limits(DEFAULT_MEMORY)
    engine: EngineName = "auto"
    workers: int = 2
    retry_failed: bool = False
    fail_fast: bool = False
    wait: bool = True
    connection: Connection | None = None
    dashboard: bool = False


class Summary(msgspec.Struct, frozen=True):
    """What a run came to, and where its time went.

    done, failed, killed: configs that this process saved. failed_before: configs that ended without a result before.
    held: configs that others hold still. seconds: on the clock, from start to end.
    """

    done: int
    failed: int
    killed: int
    failed_before: int
    held: int
    is_interrupted: bool
    seconds: float
    times: Times


def work(queue: Queue, settings: Settings, progress: Progress | None = None) -> Summary:
    """Measures what a queue holds until nothing is left, and waits for what other processes hold of it.

    Every partition is saved as it comes back, in one transaction. In the main thread Ctrl-C, SIGTERM or SIGHUP ends the
    run in good order, and a second one at once, by KeyboardInterrupt. `progress` hears how it goes.
    Raises InputError for a connection that cannot be used, EngineError where the engine cannot go on, and what the
    queue raises; what was finished has been saved.
    """
    began = time.monotonic()
    progress = Silence() if progress is None else progress
    turn = _Turn(queue, settings, progress)
    left = turn.until_nothing_is_left()
    kinds = turn.kinds
    return Summary(
        done=kinds["done"],
        failed=kinds["failed"],
        killed=kinds["killed"],
        failed_before=left.failed - kinds["failed"] - kinds["killed"],
        held=turn.held,
        is_interrupted=turn.is_interrupted,
        seconds=time.monotonic() - began,
        times=turn.times,
    )


class _Turn:
    """One run: what it has saved so far, by kind of outcome, and whether it was asked to stop."""

    def __init__(self, queue: Queue, settings: Settings, progress: Progress) -> None:
        self.kinds: Counter[str] = Counter()
        self.times = Times()
        self.held = 0
        self.is_interrupted = False
        self._queue = queue
        self._settings = settings
        self._progress = progress
        self._stop = Event()
        self._given_up: list[GivenUpError] = []
        self._costs: dict[str, float] = {}
        self._said: set[str] = set()
        self._engine: Engine | None = None

    def until_nothing_is_left(self) -> Left:
        """Measures and waits until nothing is left, or a signal asks to stop; what is left then.

        Raises GivenUpError where the queue gives no sign of life any more, whatever is being measured.
        """
        try:
            left = self._until_nothing_is_left()
        except KeyboardInterrupt:
            if self._given_up:
                raise self._given_up[0] from None
            raise
        if self._given_up:
            raise self._given_up[0]
        return left

    def _until_nothing_is_left(self) -> Left:
        queue, stop, say = self._queue, self._stop, self._progress.say
        left = self._retried(queue.left())
        self._progress.begin(left.free + left.held, left.free_seconds + left.held_seconds)

        def lose(error: GivenUpError) -> None:
            self._given_up.append(error)
            break_off()

        with interruptible(stop, self._interrupt) as break_off, Leases(queue, say, lose) as leases:
            feed = Feed(queue, leases, self._costs, self._threads, say)
            try:
                while not stop.is_set():
                    jobs = feed.jobs()
                    first = next(jobs, None) if left.free else None
                    if first is not None:
                        self._engine = engine = _engine(self._settings, left, self._progress)
                        try:
                            all_jobs, size = chain([first], jobs), feed.partition_seconds
                            run(all_jobs, engine, self._settings.limits, self._deliver, stop, size)
                        finally:
                            self.times.add(engine.times)
                        if not stop.is_set():
                            queue.release(all_saved=True)
                            feed.may_hold = False
                    elif left.free or (left.held and self._settings.wait):
                        self._wait(left)
                    else:
                        self.held = left.held
                        break
                    left = queue.left()
            finally:
                if feed.may_hold:
                    queue.release()
        return left

    def _retried(self, left: Left) -> Left:
        """What is left once that is queued again which is to be measured again."""
        again = self._queue.retry(self._settings.limits, everything=self._settings.retry_failed) if left.failed else 0
        if again and not self._settings.retry_failed:
            self._progress.say(f"{counted(again, 'config')} failed under narrower limits; measured again")
        return self._queue.left() if again else left

    def _threads(self) -> int:
        """The threads that measure now; before there is an engine, as many as its settings say."""
        return self._settings.workers if self._engine is None else max(self._engine.threads, 1)

    def _interrupt(self) -> None:
        self.is_interrupted = True
        self._progress.say("stopping: saving what is finished (Ctrl-C again stops at once)")

    def _deliver(self, outcomes: list[Outcome]) -> None:
        self.kinds.update(outcome.kind for outcome in self._queue.save(outcomes))
        good = sum(outcome.kind == "done" for outcome in outcomes)
        seconds = sum(self._costs.pop(each.digest, 0.0) for each in outcomes)
        self._progress.advance(good, len(outcomes) - good, seconds)
        if self._settings.fail_fast and good < len(outcomes):
            self._stop.set()

    def _wait(self, left: Left) -> None:
        """Waits until nothing is held by others any more, or something of it is free again: a holder may die."""
        if left.free:  # and yet the last claim got nothing
            locked = counted(left.free, "config")
            self._say_once(f"waiting for {locked} that a transaction of another process has locked")
            self._stop.wait(POLL_SECONDS)
            return
        holders = ", ".join(f"{each.place} holds {each.configs}" for each in left.holders)
        self._say_once(f"waiting for {counted(left.held, 'config')}: {holders}")
        while not self._stop.wait(POLL_SECONDS):
            now = self._queue.left()
            if now.free or not now.held:
                return

    def _say_once(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._progress.say(text)


def _engine(settings: Settings, left: Left, progress: Progress) -> Engine:
    from pipeline.engine import make_engine

    name = choose(left.free_seconds, left.free) if settings.engine == "auto" else settings.engine
    return make_engine(
        name, settings.workers, connection=settings.connection, dashboard=settings.dashboard, say=progress.say
    )
