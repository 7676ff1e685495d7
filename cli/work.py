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
from cli.options import DbOption, StoredArgument, store_url

if TYPE_CHECKING:
    from cli.drive import Settings
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
        bool, typer.Option("--no-wait", help="Leave what others hold to them, even if they should die.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say where the time went.")] = False,
    db: DbOption = None,
) -> int:
    """Measure what is queued, of one sweep or of all. Any number of these may share a store."""
    from cli.opened import opened

    how = settings_of(context, wait=not no_wait)
    store = opened(store_url(db), create=False)
    return work_on(store, sweep, how, retry_failed, verbose)


def work_on(store: "Store", sweep: str | None, how: "Settings", retry_failed: bool, verbose: bool) -> int:
    """Measures what is queued and says on stderr what that came to; the exit code."""
    from cli.drive import describe, measure_queued
    from cli.health import print_health
    from cli.render.words import counted
    from store.asking.query import status
    from store.queue.claims import requeue, requeue_wider

    left = status(store, sweep)
    again = 0
    if retry_failed and (left.states["failed"].configs or left.states["killed"].configs):
        again = requeue(store, sweep, failed=True, killed=True)
    elif left.states["failed"].configs and (again := requeue_wider(store, sweep, how.limits)):
        sys.stderr.write(f"{counted(again, 'config')} failed under narrower limits; measured again\n")
    summary = measure_queued(store, status(store, sweep) if again else left, how)
    sys.stderr.write(describe(summary, verbose) + "\n")
    if summary.left is not None and not summary.interrupted:
        print_health(store, summary.left)
    return summary.exit_code
