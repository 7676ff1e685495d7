"""`erfsweep work`: the second half of `run`, measuring what is queued."""

import sys
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from cli.options import DbOption, StoredArgument, parse_bytes, store_url
from pipeline.engines.engine import EngineName

if TYPE_CHECKING:
    from cli.drive import Settings
    from store.engine import Store

EngineOption: TypeAlias = Annotated[
    EngineName, typer.Option("--engine", help="Where to measure; auto takes the quicker one.")
]
WorkersOption: TypeAlias = Annotated[int, typer.Option("--workers", "-w", min=1, max=1024, help="CPU workers.")]
MemoryOption: TypeAlias = Annotated[
    str, typer.Option("--memory", metavar="SIZE", help="Refuse a config that would take more than this.")
]
TimeoutOption: TypeAlias = Annotated[
    float | None, typer.Option("--timeout", metavar="SECONDS", min=0.001, help="Give a config up after this long.")
]
RetryOption: TypeAlias = Annotated[
    bool, typer.Option("--retry-failed", help="Measure again what failed or was killed before.")
]
FailFastOption: TypeAlias = Annotated[bool, typer.Option("--fail-fast", help="Stop at the first config that fails.")]


def command(
    sweep: StoredArgument = None,
    engine: EngineOption = "auto",
    workers: WorkersOption = 2,
    memory: MemoryOption = "1GB",
    timeout: TimeoutOption = None,
    retry_failed: RetryOption = False,
    fail_fast: FailFastOption = False,
    db: DbOption = None,
) -> int:
    """Measure what is queued, of one sweep or of all; any number of these may share a store."""
    from store.opening import open_store

    how = settings_of(engine, workers, memory, timeout, fail_fast, wait=False)
    store = open_store(store_url(db), create=False)
    return work_on(store, sweep, how, retry_failed)


def settings_of(
    engine: EngineName, workers: int, memory: str, timeout: float | None, fail_fast: bool, wait: bool = True
) -> "Settings":
    """The settings that the options say. Raises InputError for a size that is none."""
    from cli.drive import Settings
    from pipeline.graph import Limits

    return Settings(Limits(parse_bytes(memory), timeout), engine, workers, fail_fast, wait)


def work_on(store: "Store", sweep: str | None, how: "Settings", retry_failed: bool) -> int:
    """Measures what is queued and says on stderr what that came to; the exit code."""
    from cli.drive import describe, measure_queued
    from store.queue import requeue

    if retry_failed:
        requeue(store, sweep, failed=True, killed=True)
    summary = measure_queued(store, sweep, how)
    sys.stderr.write(describe(summary) + "\n")
    return summary.exit_code
