"""The command `erfsweep`: what stands before its subcommands, which are one file each."""

from typing import Annotated

import typer

from cli.examples import epilog
from cli.group import Group
from cli.options import DbOption, remember_db

app = typer.Typer(
    name="erfsweep",
    cls=Group,
    epilog=epilog(),
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # which would take [default: ...] in a help text for markup
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"erfsweep {version('erfsweep')}")
        raise typer.Exit


@app.callback()
def erfsweep(
    db: DbOption = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Effective receptive fields of convolutional stems: queue a sweep, measure it on Dask, query the results."""
    remember_db(db)
