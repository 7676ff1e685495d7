"""`erfsweep work`: the second half of `run`, measuring what is queued."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cli.engine import (
    MEMORY,
    DashboardOption,
    EngineOption,
    FailFastOption,
    InsecureOption,
    MemoryOption,
    RetryOption,
    SchedulerOption,
    TimeoutOption,
    TlsCaOption,
    TlsCertOption,
    TlsKeyOption,
    WorkersOption,
    settings_of,
)
from cli.exit import ExitCode, interrupted_by
from cli.options import DbOption, StoredArgument, store_url
from pipeline.engines.interrupts import last_signal

if TYPE_CHECKING:
    from pipeline.work import Settings, Summary
    from store.database.connection import Store


def command(
    context: typer.Context,
    sweep: StoredArgument = None,
    engine: EngineOption = "auto",
    workers: WorkersOption = 2,
    scheduler: SchedulerOption = None,
    tls_ca: TlsCaOption = None,
    tls_cert: TlsCertOption = None,
    tls_key: TlsKeyOption = None,
    insecure: InsecureOption = False,
    dashboard: DashboardOption = False,
    memory: MemoryOption = MEMORY,
    timeout: TimeoutOption = None,
    retry_failed: RetryOption = False,
    fail_fast: FailFastOption = False,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Do not wait for configs that other processes are measuring.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say where the time went.")] = False,
    db: DbOption = None,
) -> int:
    """Measure the queued configs of one sweep or of all. Any number of processes may share a store."""
    from cli.opened import opened

    how = settings_of(context, wait=not no_wait)
    store = opened(store_url(db), create=False)
    return work_on(store, sweep, how, verbose)


def work_on(store: "Store", sweep: str | None, how: "Settings", verbose: bool) -> int:
    """Measures what is queued and says on stderr what that came to; the exit code."""
    from cli.health import print_health
    from cli.progress import Progress
    from pipeline.work import work
    from store.upkeep.rescued import rescued_queue

    with rescued_queue(store, sweep) as queue, Progress() as progress:
        summary = work(queue, how, progress)
    sys.stderr.write(described(summary, of_sweep=sweep is not None, verbose=verbose) + "\n")
    if summary.is_interrupted:
        return interrupted_by(last_signal())
    print_health(store, sweep, queue.states)
    is_well = not (summary.failed or summary.killed or (sweep is not None and summary.failed_before))
    return ExitCode.DONE if is_well else ExitCode.SOME_FAILED


def described(summary: "Summary", *, of_sweep: bool, verbose: bool = False) -> str:
    """One line: what was measured; if `verbose`, where the time went too (the workers' is added up over workers).

    What failed before is told of a sweep, and not of everything.
    """
    import msgspec

    from cli.progress import duration

    parts = [f"{summary.done} measured"]
    parts += [f"{number} {what}" for what in ("failed", "killed") if (number := getattr(summary, what))]
    if of_sweep and summary.failed_before > 0:
        parts.append(f"{summary.failed_before} failed before")
    if summary.held:
        parts.append(f"{summary.held} held by others")
    line = f"{', '.join(parts)} in {duration(summary.seconds)}"
    if not verbose:
        return line
    spent = msgspec.structs.asdict(summary.times)
    return f"{line} ({', '.join(f'{what} {duration(seconds)}' for what, seconds in spent.items())})"
