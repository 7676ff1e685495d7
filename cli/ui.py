"""`erfsweep ui`: the page served live from the store."""

import sys
from signal import SIGINT
from typing import Annotated

import typer

from cli.options import DbOption, store_url
from cli.render.page.limits import DEFAULT_PORT

_PORTS = 1024, 65535


def command(
    port: Annotated[
        int, typer.Option("--port", min=_PORTS[0], max=_PORTS[1], help="The port of 127.0.0.1 to serve it at.")
    ] = DEFAULT_PORT,
    db: DbOption = None,
) -> None:
    """Serve the page of `report` live from the store, until Ctrl-C.

    It has all sweeps, shows how far they are, and asks the store for the rows that one looks at: 100,000 results are no
    matter. Only this machine reaches it, and it only reads. Needs the extra report.
    """
    from cli.opened import opened
    from cli.render.page.server import serve
    from pipeline.engines.interrupts import last_signal

    store = opened(store_url(db), create=False)

    def ready(address: str) -> None:
        sys.stderr.write(f"{address} shows {store.address.shown}; Ctrl-C ends it\n")
        sys.stderr.flush()

    try:
        serve(store, port, ready)
    except KeyboardInterrupt:
        if last_signal() != SIGINT:
            raise
