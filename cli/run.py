"""`erfsweep run`: queue what is new, measure it, print the table."""

import sys
from typing import Annotated

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
from cli.exit import INTERRUPTIONS
from cli.options import (
    AppendOption,
    DbOption,
    MaxConfigsOption,
    NameOption,
    ReplaceOption,
    SetOption,
    SweepArgument,
    TableFormatOption,
    store_url,
)
from cli.settings import parse_settings
from cli.submit import mode_of, queue
from cli.work import work_on
from pipeline.limits import DEFAULT_MAX_CONFIGS

DEFAULT_SWEEP = "luo2016"


def command(
    context: typer.Context,
    sweep: SweepArgument = None,
    settings: SetOption = None,
    name: NameOption = None,
    append: AppendOption = False,
    replace: ReplaceOption = False,
    max_configs: MaxConfigsOption = DEFAULT_MAX_CONFIGS,
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
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only say how many configs would be measured, and how long that would take."),
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Say where the time went; with --dry-run, a line for each config.")
    ] = False,
    format_: TableFormatOption = None,
    db: DbOption = None,
) -> int:
    """Queue the new configs of a sweep, measure them, print the table. Without SWEEP: the preset luo2016."""
    how = settings_of(context)
    mode = mode_of(append, replace)
    overrides = parse_settings(settings)
    if dry_run:
        from cli.dryrun import explain

        return explain(
            store_url(db), sweep or DEFAULT_SWEEP, overrides, name, max_configs, how.limits, mode, retry_failed, verbose
        )
    from cli.rows import print_sweep

    store, stored, said = queue(store_url(db), sweep or DEFAULT_SWEEP, overrides, name, mode, max_configs)
    sys.stderr.write(said + "\n")
    code = work_on(store, stored, how, verbose)
    if code not in INTERRUPTIONS:
        print_sweep(store, stored, format_)
    return code
