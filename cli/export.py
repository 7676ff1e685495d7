"""`erfsweep export`: a sweep as files, by query."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import named
from cli.grouped import MapOption, OverOption
from cli.options import DbOption, store_url
from cli.selection import CenterOption, MassOption, WhereOption
from store.asking.export.formats import CurveFormat, ExportFormat, HeatmapFormat

if TYPE_CHECKING:
    from store.asking.export.export import Exported


def command(
    sweep: Annotated[str, typer.Argument(metavar="SWEEP", help="A stored sweep.", autocompletion=named.stored_sweeps)],
    to: Annotated[
        Path, typer.Option("--to", metavar="DIR", help="The folder to write to; created if it does not exist.")
    ],
    where: WhereOption = None,
    over: OverOption = None,
    map_: MapOption = None,
    mass: MassOption = None,
    center: CenterOption = "unit",
    format_: Annotated[
        ExportFormat, typer.Option("--format", "-f", help="How to write the table: as table.FORMAT.")
    ] = "csv",
    curves: Annotated[
        CurveFormat | None,
        typer.Option(
            "--curves",
            help="How to write the mass curves: csv has that of the centred square, npy and npz have all four "
            "[default: csv].",
        ),
    ] = None,
    heatmaps: Annotated[
        HeatmapFormat | None, typer.Option("--heatmaps", help="Also write the heatmap of each config.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write even if the folder contains other files, or another sweep.")
    ] = False,
    db: DbOption = None,
) -> None:
    """Write the table of a sweep, and the mass curve and heatmap of each config.

    The table has every column. The mass curves of the centred square are erf_sweep_POSITION.csv; with --curves npy or
    npz there are all four, as curves_POSITION_LABEL. Heatmaps are heatmap_POSITION_LABEL. With --over, the table has a
    row for each group, and there are no other files. manifest.json lists the files, and what they were made from. They
    replace the files of the last export of the sweep in the folder, all of them or none.
    """
    from cli.opened import opened
    from cli.render.tables import MACHINE_LINES
    from cli.selection import tell_none
    from store.asking.export.export import Wanted, export
    from store.asking.selection import Selection

    store = opened(store_url(db), create=False)
    selection = Selection(sweep, where, (), None, mass, center)
    wanted = Wanted(selection, over, map_, format_, curves, heatmaps)
    found = export(store, to, wanted, MACHINE_LINES.get(format_), force=force)
    if not found.rows:
        tell_none(store, selection)
    sys.stderr.write(_told(found) + "\n")


def _told(found: "Exported") -> str:
    """What was written, in a sentence."""
    from pipeline.errors import counted

    beside = [counted(n, noun) for n, noun in ((found.curves, "mass curve"), (found.heatmaps, "heatmap")) if n]
    more = f" and {' and '.join(beside)} beside it" if beside else ""
    return f"{found.table} with {counted(found.rows, 'row')}{more}"
