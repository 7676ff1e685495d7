"""The main job: claim configs from the store, measure them on an engine, save what comes back."""

import time
from itertools import chain
from threading import Event
from typing import TYPE_CHECKING

import msgspec

from cli.exit import ExitCode, interrupted_by
from cli.progress import Progress, duration
from cli.render.words import counted
from pipeline.engines.cluster.address import Connection
from pipeline.engines.engine import EngineName, choose
from pipeline.engines.interrupts import last_signal
from pipeline.engines.times import Times
from pipeline.errors import InputError, StoreError, quote
from pipeline.graph import PARTITION_SECONDS
from pipeline.limits import Limits
from store.asking.query import Status, status
from store.database.faults import RESTORE, MovedError
from store.queue.claims import release
from store.queue.feed import Feed
from store.queue.leases import Leases
from store.queue.owner import this_owner
from store.queue.saving import save
from store.queue.sweeps import specs

if TYPE_CHECKING:
    from pipeline.engines.engine import Engine
    from pipeline.result import Outcome
    from store.database.connection import Store

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
    left: Status | None = None
    times: Times = msgspec.field(default_factory=Times)
    wall: float = 0.0

    @property
    def exit_code(self) -> ExitCode:
        """0 all well, 1 some configs failed, 128 and the number of the signal that stopped it."""
        if self.interrupted:
            return interrupted_by(last_signal())
        return ExitCode.SOME_FAILED if self.failed or self.killed or self.before else ExitCode.DONE


def measure_queued(store: "Store", left: Status, settings: Settings) -> Summary:
    """Measures what is queued, of the sweep or of all that `left` is the status of, until nothing is left, and waits
    for what others hold of it.

    Every partition is saved as it comes back, in one transaction. A signal that asks to stop is obeyed in good order, a
    second one at once. Raises StoreError where the sweep is removed meanwhile.
    """
    summary, sweep = Summary(), left.sweep
    started = time.monotonic()
    unsaved: list[Outcome] = []
    try:
        left = summary.left = _measure(store, sweep, settings, summary, unsaved, left)
    except MovedError as error:
        raise _rescued(store, unsaved, error) from error
    except InputError as error:
        if sweep is None or specs(store, sweep) is not None:
            raise
        measured = counted(summary.done, "config")
        raise StoreError(f"the sweep {quote(sweep)} was removed while it ran; {measured} had been measured") from error
    if sweep is not None:
        summary.before = left.states["failed"].configs + left.states["killed"].configs - summary.failed - summary.killed
    summary.wall = time.monotonic() - started
    return summary


def _rescued(store: "Store", unsaved: "list[Outcome]", error: MovedError) -> StoreError:
    """What to say of a store that was removed under a run, once all that is known of it is kept."""
    import shlex

    from store.upkeep.restore import rescue

    try:
        kept = rescue(store, this_owner(), unsaved)
    except StoreError as fault:
        return StoreError(f"{error}; what it held could not be kept ({fault})")
    shown = quote(store.address.path)
    return StoreError(
        f"the store {shown} was removed, renamed or replaced during the run; what it held and what was measured is "
        f"kept: type `erfsweep db restore {shlex.quote(str(kept))}`, with the same --db, to take it back"
    )


def _measure(
    store: "Store",
    sweep: str | None,
    settings: Settings,
    summary: Summary,
    unsaved: "list[Outcome]",
    left: Status,
) -> Status:
    """Measures until nothing is left; what is left then. `unsaved` holds the outcomes that are being saved."""
    from pipeline.run import interruptible, run

    owner = this_owner()
    stop = Event()
    costs: dict[str, float] = {}

    def interrupted() -> None:
        summary.interrupted = True
        progress.say("stopping: saving what is finished (Ctrl-C again stops at once)")

    def deliver(outcomes: "list[Outcome]") -> None:
        unsaved[:] = outcomes
        saved = save(store, owner, outcomes)
        unsaved.clear()
        for outcome in saved:
            setattr(summary, outcome.kind, getattr(summary, outcome.kind) + 1)
        good = sum(outcome.kind == "done" for outcome in outcomes)
        progress.advance(good, len(outcomes) - good, sum(costs.pop(each.digest, 0.0) for each in outcomes))
        if settings.fail_fast and good < len(outcomes):
            stop.set()

    with (
        Progress(*_unfinished(left)) as progress,
        Leases(store, owner, progress.say) as leases,
        interruptible(stop, interrupted),
    ):
        feed = Feed(store, owner, sweep, leases, costs, settings.workers, progress.say)
        try:
            while not stop.is_set():
                jobs = feed.jobs()
                first = next(jobs, None) if left.states["queued"].configs else None
                if first is not None:
                    engine = _engine(settings, left, progress)

                    def partition_seconds() -> float:
                        return min(PARTITION_SECONDS, feed.share / settings.workers)

                    try:
                        run(chain([first], jobs), engine, settings.limits, deliver, stop, partition_seconds)
                    finally:
                        summary.times.add(engine.times)
                    if not stop.is_set():
                        _check_all_saved(store, release(store, owner))
                        feed.may_hold = False
                elif left.states["queued"].configs or (left.states["running"].configs and settings.wait):
                    _wait(store, sweep, left, progress, stop)
                else:
                    summary.held = left.states["running"].configs
                    break
                left = status(store, sweep)
        finally:
            if feed.may_hold and not store.is_given_up:  # then there is nobody to tell; the leases end by themselves
                release(store, owner)
    return left


def _unfinished(found: Status) -> tuple[int, float]:
    counts = [found.states[state] for state in ("queued", "running")]
    return sum(count.configs for count in counts), sum(count.cost for count in counts)


def _check_all_saved(store: "Store", unsaved: int) -> None:
    """What is held once every outcome was delivered could not be saved, and would be measured again without end."""
    if unsaved:
        shown = quote(store.address.path or store.address.shown)
        raise StoreError(
            f"{counted(unsaved, 'config')} of {shown} cannot be found by their digests; the store is damaged, {RESTORE}"
        )


def _wait(store: "Store", sweep: str | None, left: Status, progress: Progress, stop: Event) -> None:
    """Waits until nothing is held by others any more, or something of it is free again: a holder may die."""
    if left.states["queued"].configs:  # and yet the last claim got nothing
        locked = counted(left.states["queued"].configs, "config")
        progress.say_once(f"waiting for {locked} that a transaction of another process has locked")
        stop.wait(POLL_SECONDS)
        return
    held = ", ".join(f"{each.owner.place} holds {each.configs}" for each in left.holders)
    progress.say_once(f"waiting for {counted(left.states['running'].configs, 'config')}: {held}")
    while not stop.wait(POLL_SECONDS):
        now = status(store, sweep)
        if now.states["queued"].configs or not now.states["running"].configs:
            return


def _engine(settings: Settings, left: Status, progress: Progress) -> "Engine":
    from pipeline.engine import make_engine

    free = left.states["queued"]
    name = choose(free.cost, free.configs) if settings.engine == "auto" else settings.engine
    return make_engine(
        name, settings.workers, connection=settings.connection, dashboard=settings.dashboard, say=progress.say
    )


def describe(summary: Summary, verbose: bool = False) -> str:
    """One line: what was measured; if `verbose`, where the time went too (the workers' is added up over workers)."""
    parts = [f"{summary.done} measured"]
    parts += [f"{number} {what}" for what in ("failed", "killed") if (number := getattr(summary, what))]
    if summary.before > 0:
        parts.append(f"{summary.before} failed before")
    if summary.held:
        parts.append(f"{summary.held} held by others")
    line = f"{', '.join(parts)} in {duration(summary.wall)}"
    if not verbose:
        return line
    spent = msgspec.structs.asdict(summary.times)
    return f"{line} ({', '.join(f'{what} {duration(seconds)}' for what, seconds in spent.items())})"
