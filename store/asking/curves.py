"""The mass curves of the rows of a table."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from store.asking.heatmaps import samples, square_curves
from store.asking.selection import CenterName
from store.asking.table import Table
from store.database.connection import Store
from store.database.rows import chunks

if TYPE_CHECKING:
    from pipeline.sizes.sample import Floats


def curves_by_position(store: Store, table: Table, center: CenterName = "unit") -> "Iterator[tuple[int, Floats]]":
    """(position, mass curve of the centred square: float64 [radii], from 0 to 1) of the rows of a sweep that have one.

    `table` has the columns `digest`, `spec`, `n_nan` and `position`. The stored curves are centred on the unit; those
    about the centre of the plane are computed from the heatmaps.
    """
    from pipeline.sizes.curves import curves

    for chunk in chunks(table.only(("digest", "spec", "n_nan", "position")).dicts()):
        places = {row["digest"]: row["position"] for row in chunk}
        if center == "unit":
            yield from ((places[digest], curve) for digest, curve in square_curves(store, chunk) if curve is not None)
            continue
        for digest, sample in samples(store, chunk):
            (found,) = curves([sample], center)
            if found is not None:
                yield places[digest], found[0]
