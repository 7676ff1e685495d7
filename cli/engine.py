"""Options that say how to measure, for `run` and `work`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from cli.options import parse_bytes
from pipeline.engines.names import EngineName
from pipeline.errors import amount
from pipeline.limits import DEFAULT_MEMORY

if TYPE_CHECKING:
    from pipeline.work import Settings

MEMORY = amount(DEFAULT_MEMORY).replace(" ", "")
"""The default of `--memory` as it is typed."""

EngineOption: TypeAlias = Annotated[
    EngineName,
    typer.Option(
        "--engine",
        help="Where configs are measured: in this process, in its threads, in worker processes, or on a Dask cluster. "
        "auto takes the one that is expected to be quickest.",
    ),
]
WorkersOption: TypeAlias = Annotated[
    int, typer.Option("--workers", "-w", min=1, max=1024, help="How many workers measure at the same time.")
]
MemoryOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--memory", metavar="SIZE", help="A config that is expected to need more memory than this fails, unmeasured."
    ),
]
TimeoutOption: TypeAlias = Annotated[
    float | None,
    typer.Option("--timeout", metavar="SECONDS", min=0.001, help="A config that takes longer than this fails."),
]
RetryOption: TypeAlias = Annotated[
    bool, typer.Option("--retry-failed", help="Measure failed and killed configs again.")
]
FailFastOption: TypeAlias = Annotated[bool, typer.Option("--fail-fast", help="Stop at the first config that fails.")]
SchedulerOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="ADDRESS",
        help="Measure on the Dask cluster of this scheduler: its address, tls://host:8786, or its scheduler file.",
    ),
]
TlsCaOption: TypeAlias = Annotated[
    str | None, typer.Option("--tls-ca", metavar="FILE", help="With tls://: the certificate authority of the cluster.")
]
TlsCertOption: TypeAlias = Annotated[
    str | None, typer.Option("--tls-cert", metavar="FILE", help="With tls://: the certificate of this process.")
]
TlsKeyOption: TypeAlias = Annotated[
    str | None, typer.Option("--tls-key", metavar="FILE", help="With tls://: the key of that certificate.")
]
InsecureOption: TypeAlias = Annotated[
    bool, typer.Option("--insecure", help="Allow tcp:// to another host: whoever reaches it can run code.")
]
DashboardOption: TypeAlias = Annotated[
    bool, typer.Option("--dashboard", help="Measure on a Dask cluster of this machine, and serve its dashboard.")
]


def settings_of(context: typer.Context, wait: bool = True) -> "Settings":
    """The settings that the options of a command say. Raises InputError for what cannot be used together."""
    from pipeline.engines.cluster.address import Connection, settled_address
    from pipeline.errors import InputError
    from pipeline.limits import Limits
    from pipeline.work import Settings

    options = context.params
    engine, scheduler = options["engine"], options["scheduler"]
    if scheduler is not None and engine not in ("auto", "cluster"):
        raise InputError(f"--scheduler names a cluster, but --engine is {engine}; give one of the two")
    if engine == "cluster" and scheduler is None:
        raise InputError("--engine cluster needs --scheduler; give its address or its scheduler file")
    if options["dashboard"]:
        if scheduler is not None or engine not in ("auto", "processes"):
            other = "--scheduler" if scheduler is not None else f"--engine {engine}"
            raise InputError(f"--dashboard goes with --engine processes, not with {other}; leave one of the two out")
        from pipeline.engines.cluster.dashboard import check_library

        check_library()
        engine = "processes"
    idle = "--scheduler" if scheduler is not None else "--engine sync" if engine == "sync" else None
    if idle and _is_given(context, "workers"):
        raise InputError(f"--workers {options['workers']} changes nothing with {idle}; leave one of the two out")
    connection = None
    if scheduler is None:
        _check_local(options)
    else:
        tls = {name: options[name] for name in ("tls_ca", "tls_cert", "tls_key")}
        connection = Connection(scheduler, insecure=options["insecure"], **tls)
        settled_address(connection)
    return Settings(
        limits=Limits(parse_bytes(options["memory"]), options["timeout"]),
        engine="cluster" if connection else engine,
        workers=options["workers"],
        fail_fast=options["fail_fast"],
        retry_failed=options["retry_failed"],
        wait=wait,
        connection=connection,
        dashboard=options["dashboard"],
    )


def _check_local(options: Mapping[str, Any]) -> None:
    """Raises InputError for an option of a connection where there is none to make."""
    from pipeline.errors import InputError, quote

    for name in ("tls_ca", "tls_cert", "tls_key", "insecure"):
        if options[name]:
            written = f"--{name.replace('_', '-')}" + ("" if name == "insecure" else f" {quote(options[name])}")
            raise InputError(f"{written} changes nothing without --scheduler; name the cluster, or leave it out")


def _is_given(context: typer.Context, name: str) -> bool:
    """Whether an option stood on the command line."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"
