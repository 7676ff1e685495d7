"""`erfsweep export`: a sweep as files, by query."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import DbOption, store_url

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def command(
    sweep: Annotated[str, typer.Argument(metavar="SWEEP", help="A stored sweep.")],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Where to write; made if it is not there.")],
    where: Annotated[str | None, typer.Option("--where", metavar="EXPR", help="Keep rows, as in table.")] = None,
    db: DbOption = None,
) -> None:
    """Write table.csv, every column, and the square mass curve of each config as erf_sweep_POSITION.csv."""
    from cli.columns import values
    from cli.render.files import made_directory, write_text
    from cli.render.tables import csv_text
    from pipeline.arrays import unpack_curves
    from store.opening import open_store
    from store.query import rows
    from store.records import each_arrays

    store = open_store(store_url(db), create=False)
    table = values(rows(store, sweep, where=where))
    made_directory(to)
    write_text(to / "table.csv", csv_text(table))
    digest, position = table.columns.index("digest"), table.columns.index("position")
    places = {row[digest]: row[position] for row in table.rows}
    written = 0
    for key, found in each_arrays(store, list(places)):
        curves = unpack_curves(found)
        if curves is not None:
            write_text(to / f"erf_sweep_{places[key]}.csv", mass_curve_csv(curves[0]))
            written += 1
    sys.stderr.write(f"{to / 'table.csv'} with {len(table.rows)} rows and {written} mass curves beside it\n")


def mass_curve_csv(square: "npt.NDArray[np.float64]") -> str:
    """A mass curve as the original writes it: `radius,mass_fraction`, with eight decimals."""
    lines = (f"{radius:d},{fraction:.8f}\n" for radius, fraction in enumerate(square.tolist()))
    return "radius,mass_fraction\n" + "".join(lines)
