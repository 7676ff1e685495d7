"""`erfsweep export`: a sweep as files, by query."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.grouped import MapOption, OverOption
from cli.options import DbOption, store_url
from cli.selection import CenterName, CenterOption, MassOption, WhereOption

if TYPE_CHECKING:
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
    db: DbOption = None,
) -> None:
    """Write table.csv and the mass curve of each config.

    table.csv has every column; the curves are those of the centred square, as erf_sweep_POSITION.csv. With --over,
    table.csv has a row for each group, and no curves are written.
    """
    from cli.opened import opened
    from cli.render.files import made_directory, write_text
    from cli.render.tables import csv_text
    from cli.render.words import counted
    from cli.selection import Selection, read
    from cli.table import table_of
    from store.fields import fields

    store = opened(store_url(db), create=False)
    selection = Selection(sweep, where, (), None, mass, center)
    names = [each.name for each in fields()]
    table = table_of(store, selection, None, None, over, map_) if over else read(store, selection, names)
    made_directory(to)
    write_text(to / "table.csv", csv_text(table))
    written = 0 if over else _write_curves(store, table, to, center)
    beside = f" and {counted(written, 'mass curve')} beside it" if written else ""
    sys.stderr.write(f"{to / 'table.csv'} with {counted(len(table.rows), 'row')}{beside}\n")


def _write_curves(store: "Store", table: "Table", to: Path, center: CenterName) -> int:
    """The square curve of each row that has one; how many that is."""
    from cli.render.files import write_text
    from cli.selection import stored_samples
    from pipeline.arrays import unpack_curves
    from pipeline.curves import curves
    from store.records import each_arrays

    listed = table.dicts()
    places = {row["digest"]: row["position"] for row in listed}
    written = 0
    if center == "unit":
        found = ((digest, unpack_curves(arrays)) for digest, arrays in each_arrays(store, list(places)))
    else:
        samples = stored_samples(store, listed)
        found = ((digest, curves([sample], center)[0]) for digest, sample in samples)
    for digest, curve in found:
        if curve is not None:
            write_text(to / f"erf_sweep_{places[digest]}.csv", mass_curve_csv(curve[0]))
            written += 1
    return written


def mass_curve_csv(square: "npt.NDArray[np.float64]") -> str:
    """A mass curve as the original writes it: `radius,mass_fraction`, with eight decimals."""
    lines = (f"{radius:d},{fraction:.8f}\n" for radius, fraction in enumerate(square.tolist()))
    return "radius,mass_fraction\n" + "".join(lines)
