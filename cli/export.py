"""`erfsweep export`: a sweep as files, by query."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.grouped import MapOption, OverOption
from cli.options import DbOption, store_url
from cli.selection import CenterOption, MassOption, WhereOption
from store.asking.selection import CenterName

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.sizes.sample import Floats
    from store.asking.table import Table
    from store.database.connection import Store


def command(
    sweep: Annotated[str, typer.Argument(metavar="SWEEP", help="A stored sweep.")],
    to: Annotated[
        Path, typer.Option("--to", metavar="DIR", help="The folder to write to; created if it does not exist.")
    ],
    where: WhereOption = None,
    over: OverOption = None,
    map_: MapOption = None,
    mass: MassOption = None,
    center: CenterOption = "unit",
    force: Annotated[
        bool, typer.Option("--force", help="Write even if the folder contains other files of that kind.")
    ] = False,
    db: DbOption = None,
) -> None:
    """Write table.csv and the mass curve of each config.

    table.csv has every column; the curves are those of the centred square, as erf_sweep_POSITION.csv. With --over,
    table.csv has a row for each group, and no curves are written. manifest.json says what the files were made from.
    They replace the files of the last export of the sweep in the folder, all of them or none.
    """
    from importlib.metadata import version

    from cli.opened import opened
    from cli.render.folder import Manifest, check_folder, write_folder
    from cli.selection import tell_if_none
    from pipeline.errors import counted
    from pipeline.sizes.sizes import FRACTION
    from store.asking.fields import fields
    from store.asking.selection import Selection
    from store.asking.tables import table_of

    store = opened(store_url(db), create=False)
    if not force:
        check_folder(to, sweep)
    selection = Selection(sweep, where, (), None, mass, center)
    names = [each.name for each in fields()]
    table = table_of(store, selection, None if over else names, over, map_)
    tell_if_none(store, selection, table)
    made_of = Manifest(sweep, store.address.shown, version("erfsweep"), where, over, map_, mass or FRACTION, center)
    written = write_folder(to, _files(store, table, center, curves=not over), made_of) - 1
    beside = f" and {counted(written, 'mass curve')} beside it" if written else ""
    sys.stderr.write(f"{to / 'table.csv'} with {counted(len(table.rows), 'row')}{beside}\n")


def _files(
    store: "Store", table: "Table", center: CenterName, *, curves: bool
) -> "Iterator[tuple[str, Iterable[str]]]":
    """(name, lines) of the table, and of the square curve of each row that has one."""
    from cli.render.tables import csv_lines
    from store.asking.curves import curves_by_position

    yield "table.csv", csv_lines(table)
    if curves:
        for position, square in curves_by_position(store, table, center):
            yield f"erf_sweep_{position}.csv", mass_curve_csv(square)


def mass_curve_csv(square: "Floats") -> "Iterator[str]":
    """A mass curve as the original writes it: `radius,mass_fraction`, with eight decimals, line by line."""
    yield "radius,mass_fraction\n"
    for radius, fraction in enumerate(square.tolist()):
        yield f"{radius:d},{fraction:.8f}\n"
