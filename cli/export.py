"""`erfsweep export`: a sweep as files, by query."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.grouped import MapOption, OverOption
from cli.options import DbOption, store_url
from cli.selection import CenterName, CenterOption, MassOption, WhereOption

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import numpy.typing as npt

    from cli.render.tables import Table
    from store.engine import Store


def command(
    sweep: Annotated[str, typer.Argument(metavar="SWEEP", help="A stored sweep.")],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Where to write; made if it is not there.")],
    where: WhereOption = None,
    over: OverOption = None,
    map_: MapOption = None,
    mass: MassOption = None,
    center: CenterOption = "unit",
    force: Annotated[
        bool, typer.Option("--force", help="Also into a folder that holds something else of that kind.")
    ] = False,
    db: DbOption = None,
) -> None:
    """Write table.csv and the mass curve of each config.

    table.csv has every column; the curves are those of the centred square, as erf_sweep_POSITION.csv. With --over,
    table.csv has a row for each group, and no curves are written. manifest.json says what all was made of. What the
    last export of the sweep left in the folder is replaced, whole or not at all.
    """
    from importlib.metadata import version

    from cli.opened import opened
    from cli.render.folder import Manifest, check_folder, write_folder
    from cli.render.words import counted
    from cli.selection import Selection, read
    from cli.table import table_of
    from pipeline.measure import FRACTION
    from store.fields import fields

    store = opened(store_url(db), create=False)
    if not force:
        check_folder(to, sweep)
    selection = Selection(sweep, where, (), None, mass, center)
    names = [each.name for each in fields()]
    table = table_of(store, selection, None, "csv", over, map_) if over else read(store, selection, names)
    made_of = Manifest(sweep, store.address.shown, version("erfsweep"), where, over, map_, mass or FRACTION, center)
    written = write_folder(to, _files(store, table, center, curves=not over), made_of) - 1
    beside = f" and {counted(written, 'mass curve')} beside it" if written else ""
    sys.stderr.write(f"{to / 'table.csv'} with {counted(len(table.rows), 'row')}{beside}\n")


def _files(store: "Store", table: "Table", center: CenterName, *, curves: bool) -> "Iterator[tuple[str, str]]":
    """(name, text) of the table, and of the square curve of each row that has one."""
    from cli.render.tables import csv_text

    yield "table.csv", csv_text(table)
    if curves:
        places = {row["digest"]: row["position"] for row in table.dicts()}
        for digest, square in _square_curves(store, table, center):
            yield f"erf_sweep_{places[digest]}.csv", mass_curve_csv(square)


def _square_curves(
    store: "Store", table: "Table", center: CenterName
) -> "Iterator[tuple[str, npt.NDArray[np.float64]]]":
    """(digest, curve: float64 [radii]) of the rows that have one."""
    from cli.selection import stored_samples
    from pipeline.arrays import unpack_curves
    from pipeline.curves import curves
    from store.records import each_arrays

    listed = table.dicts()
    if center == "unit":
        digests = [row["digest"] for row in listed]
        found = ((digest, unpack_curves(arrays)) for digest, arrays in each_arrays(store, digests))
    else:
        samples = stored_samples(store, listed)
        found = ((digest, curves([sample], center)[0]) for digest, sample in samples)
    yield from ((digest, curve[0]) for digest, curve in found if curve is not None)


def mass_curve_csv(square: "npt.NDArray[np.float64]") -> str:
    """A mass curve as the original writes it: `radius,mass_fraction`, with eight decimals."""
    lines = (f"{radius:d},{fraction:.8f}\n" for radius, fraction in enumerate(square.tolist()))
    return "radius,mass_fraction\n" + "".join(lines)
