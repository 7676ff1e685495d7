"""The heatmaps and mass curves of the rows of a table as files, one config at a time."""

import zipfile
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from pipeline.config import Config
from pipeline.result import Arrays
from store.asking.choices import CenterName
from store.asking.export.folder import Contents
from store.asking.export.formats import CurveFormat, HeatmapFormat
from store.asking.export.names import array_name
from store.asking.heatmaps import curves_of, heatmap_of, unpacked
from store.asking.table import Table
from store.database.connection import Store

if TYPE_CHECKING:
    from pipeline.sizes import Floats

_READ = ("digest", "spec", "n_nan", "position", "config")
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of members of an `.npz`, the earliest that there is: the same arrays make the same bytes."""


class _Read(NamedTuple):
    """The arrays of a config that are asked for, None where they are not, and curves of a dead config."""

    heatmap: "Floats | None"
    curves: "Floats | None"


def array_files(
    store: Store, table: Table, curves: CurveFormat, heatmaps: HeatmapFormat | None, center: CenterName = "unit"
) -> Iterator[Contents]:
    """The files of the measured rows of a sweep's table, in its order.

    `table` has the columns `digest`, `spec`, `n_nan`, `position` and `config`. The stored curves are centred on the
    unit; those about the centre of the plane are computed from the heatmaps.
    """
    if curves == "none" and heatmaps is None:
        return
    has_curves = curves != "none"

    def read(packed: Arrays, own: Config, n_nan: int) -> _Read:
        plane = own.input.height, own.input.width
        computed = has_curves and center != "unit"
        heatmap = heatmap_of(packed, plane) if computed or heatmaps else None
        if not has_curves:
            return _Read(heatmap, None)
        return _Read(heatmap, _computed(own, heatmap, n_nan, center) if computed else curves_of(packed, own))

    for row, found in _each(store, table, read):
        position, label = row["position"], row["config"]
        if found.curves is not None and curves == "csv":
            yield f"erf_sweep_{position}.csv", _csv(found.curves[0])
        elif found.curves is not None:
            yield array_name("curves", position, label, curves), _curves_file(found.curves, curves)
        if heatmaps is not None and found.heatmap is not None:
            yield array_name("heatmap", position, label, heatmaps), _heatmap_file(found.heatmap, heatmaps)


def _each(store: Store, table: Table, read: Any) -> Iterator[tuple[Mapping[str, Any], _Read]]:
    """Each measured row with its arrays."""
    rows: dict[str, Mapping[str, Any]] = {}

    def passing() -> Iterator[Mapping[str, Any]]:
        for row in table.only(_READ).dicts():
            if row["n_nan"] is not None:
                rows[row["digest"]] = row
                yield row

    for digest, found in unpacked(store, passing(), "heatmap", read):
        yield rows.pop(digest), found


def _computed(own: Config, heatmap: "Floats | None", n_nan: int, center: CenterName) -> "Floats | None":
    from pipeline.sizes import curves, sample_of

    assert heatmap is not None  # noqa: S101  (for the type checker: it is read for this)
    return curves([sample_of(own, heatmap, n_nan)], center)[0]


def _csv(square: "Floats") -> Any:
    """Writes a mass curve as the original program does: `radius,mass_fraction`, with eight decimals."""

    text = _csv_template(len(square)) % tuple(square.tolist())
    return lambda stream: stream.write(text.encode())


@lru_cache(maxsize=64)
def _csv_template(radii: int) -> str:
    """The text of a curve with so many radii, to be filled with its values by `%`, all in one go."""
    return "radius,mass_fraction\n" + "".join(f"{radius:d},%.8f\n" for radius in range(radii))


def _curves_file(curves: "Floats", suffix: CurveFormat) -> Any:
    from pipeline.sizes import CURVES

    return _npy(curves) if suffix == "npy" else _npz(dict(zip(CURVES, curves, strict=True)))


def _heatmap_file(heatmap: "Floats", suffix: HeatmapFormat) -> Any:
    return _npy(heatmap) if suffix == "npy" else _npz({"heatmap": heatmap})


def _npy(array: "Floats") -> Any:
    import numpy as np

    return lambda stream: np.lib.format.write_array(stream, array, allow_pickle=False)


def _npz(arrays: "Mapping[str, Floats]") -> Any:
    import numpy as np

    def write(stream: IO[bytes]) -> None:
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, array in arrays.items():
                member = zipfile.ZipInfo(f"{name}.npy", _EPOCH)
                member.compress_type = zipfile.ZIP_DEFLATED
                with archive.open(member, "w", force_zip64=array.nbytes > 2**31) as inner:
                    np.lib.format.write_array(inner, array, allow_pickle=False)

    return write
