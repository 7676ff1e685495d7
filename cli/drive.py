"""The main job: claim configs from the store, measure them on an engine, save what comes back."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import msgspec

from cli.exit import ExitCode
from cli.progress import Progress, duration
from pipeline.engines.address import Connection
from pipeline.engines.engine import EngineName, choose
from pipeline.engines.times import Times
from pipeline.graph import Limits
from pipeline.job import Job
from store.owner import RENEWAL, this_owner
from store.queue import claim, release, renew
from store.results import save

if TYPE_CHECKING:
    from pipeline.engines.engine import Engine
    from pipeline.result import Outcome
    from store.engine import Store

CLAIM_SECONDS = 4.0
"""Expected work taken from the queue at a time: little enough to share, enough to ask rarely."""
POLL_SECONDS = 1.0


class Settings(msgspec.Struct, frozen=True):
    """How to measure."""

    limits: Limits
    engine: EngineName = "auto"
    workers: int = 2
    fail_fast: bool = False
    wait: bool = True
    connection: Connection | None = None
    dashboard: bool = False


class Summary(msgspec.Struct):
    """What a run came to, and where its time went."""

    done: int = 0
    failed: int = 0
    killed: int = 0
    interrupted: bool = False
    held: int = 0
    before: int = 0
    times: Times = msgspec.field(default_factory=Times)
    wall: float = 0.0

    @property
    def exit_code(self) -> ExitCode:
        """0 all well, 1 some configs failed, 130 interrupted."""
        if self.interrupted:
            return ExitCode.INTERRUPTED
        return ExitCode.SOME_FAILED if self.failed or self.killed or self.before else ExitCode.DONE


def measure_queued(store: "Store", sweep: str | None, settings: Settings) -> Summary:
    """Measures what is queued, of one sweep or of all, until nothing is left, and waits for what others hold of it.

    Every partition is saved as it comes back, in one transaction. Ctrl-C stops in good order, a second one at once.
    """
    from pipeline.run import interruptible, run
    from store.query import status

    owner = this_owner()
    summary = Summary()
    stop = Event()
    started = time.monotonic()
    left = status(store, sweep)

    def interrupted() -> None:
        summary.interrupted = True
        progress.say("stopping: saving what is finished (Ctrl-C again stops at once)")

    with Progress(*_unfinished(left)) as progress, _renewing(store), interruptible(stop, interrupted):

        def deliver(outcomes: "list[Outcome]") -> None:
            save(store, owner, outcomes)
            for outcome in outcomes:
                setattr(summary, outcome.kind, getattr(summary, outcome.kind) + 1)
            good = sum(outcome.kind == "done" for outcome in outcomes)
            progress.advance(good, len(outcomes) - good, sum(costs.pop(each.digest, 0.0) for each in outcomes))
            if settings.fail_fast and good < len(outcomes):
                stop.set()

        costs: dict[str, float] = {}

        def jobs() -> Iterator[Job]:
            while not stop.is_set():
                claimed = claim(store, owner, sweep, seconds=CLAIM_SECONDS)
                if not claimed:
                    return
                for job in claimed:
                    costs[job.digest] = job.cost
                    yield job

        try:
            while not stop.is_set():
                free = left.states["queued"]
                if free.configs or _lapsed(left):
                    engine = _engine(settings, free.cost, free.configs, progress)
                    try:
                        run(jobs(), engine, settings.limits, deliver, stop)
                    finally:
                        summary.times.add(engine.times)
                elif left.states["running"].configs and settings.wait:
                    _wait(store, sweep, left, progress, stop)
                else:
                    summary.held = left.states["running"].configs
                    break
                left = status(store, sweep)
        finally:
            release(store, owner)
    if sweep is not None:
        ended = left.states
        summary.before = ended["failed"].configs + ended["killed"].configs - summary.failed - summary.killed
    summary.wall = time.monotonic() - started
    return summary


def _unfinished(found: Any) -> tuple[int, float]:
    counts = [found.states[state] for state in ("queued", "running")]
    return sum(count.configs for count in counts), sum(count.cost for count in counts)


def _wait(store: "Store", sweep: str | None, found: Any, progress: Progress, stop: Event) -> None:
    """Waits until nothing is held by others any more, or something of it is free again: a holder may die."""
    from store.query import status

    holders = ", ".join(f"{holder.owner.host}:{holder.owner.pid}" for holder in found.holders)
    progress.say(f"waiting for {found.states['running'].configs} configs that {holders} measures")
    while not stop.wait(POLL_SECONDS):
        now = status(store, sweep)
        if now.states["queued"].configs or _lapsed(now) or not now.states["running"].configs:
            return


def _lapsed(found: Any) -> bool:
    """Whether somebody who holds configs is gone: the next claim takes them over."""
    return any(holder.is_gone for holder in found.holders)


def _engine(settings: Settings, work: float, count: int, progress: Progress) -> "Engine":
    from pipeline.engines.make import make_engine

    name = choose(work, count) if settings.engine == "auto" else settings.engine
    return make_engine(
        name, settings.workers, connection=settings.connection, dashboard=settings.dashboard, say=progress.say
    )


@contextmanager
def _renewing(store: "Store") -> Iterator[None]:
    """Renews the leases of this process while it works, from a thread of its own: a config may take minutes."""
    over = Event()
    owner = this_owner()

    def keep() -> None:
        while not over.wait(RENEWAL):
            try:
                renew(store, owner)
            except Exception as error:  # noqa: BLE001  # the lease lasts 60 s: three more tries
                sys.stderr.write(f"the leases could not be renewed ({error}); trying again\n")

    thread = Thread(target=keep, daemon=True, name="leases")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def describe(summary: Summary) -> str:
    """One line: what was measured, and where the time went (the workers' is added up over workers)."""
    parts = [f"{summary.done} measured"]
    parts += [f"{number} {what}" for what in ("failed", "killed") if (number := getattr(summary, what))]
    if summary.before > 0:
        parts.append(f"{summary.before} failed before (--retry-failed measures them again)")
    if summary.held:
        parts.append(f"{summary.held} held by others")
    line = f"{', '.join(parts)} in {duration(summary.wall)}"
    if not summary.times.measuring:
        return line
    spent = msgspec.structs.asdict(summary.times)
    return f"{line} ({', '.join(f'{what} {duration(seconds)}' for what, seconds in spent.items())})"
