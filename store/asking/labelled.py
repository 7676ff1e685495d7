"""Heatmaps and curves of the rows of a table as labelled arrays, which read the store when their values are used."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pipeline.config import decode
from pipeline.errors import InputError, quote
from pipeline.theory import window_of
from store.asking.columns import DEFAULT
from store.asking.fields import BY_NAME, expanded
from store.asking.frames import ColumnKind, columns_of, library
from store.asking.heatmaps import heatmap_of
from store.asking.lazy import Place, Reader, lazily
from store.asking.reading import read
from store.asking.selection import Selection
from store.asking.table import Table
from store.database.connection import Store

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from pipeline.result import Arrays

Align: TypeAlias = Literal["plane", "unit"]

CURVES = ("square", "x", "y", "radial")
_MEASURED_FROM = ("digest", "spec", "n_nan")
_LABELS = ("places", "names", "axes")
"""Groups of the fields that are coordinates; the others are variables."""


def dataset(store: Store, selection: Selection, columns: Sequence[str] | None, align: Align) -> Any:
    """The selected rows as an xarray.Dataset along `config`, whose `heatmap` and `curves` are read when they are used.

    heatmap: float64 [config, y, x]. With `align` plane y and x are pixels of the one plane that all are on; with `unit`
    they are pixels from each unit's own centre, and a heatmap is NaN beyond its plane. curves: float64 [config, curve,
    radius], 1 beyond the last radius. Both are NaN where nothing is measured; the curves also where all is zero.
    Columns with names and axes are coordinates, the others variables; a whole number that may be NULL is float64.
    Raises InputError where xarray is not installed, for heatmaps that cannot be aligned so, and as a table does. Using
    the values raises StoreError for a heatmap that is damaged.
    """
    import numpy as np

    xarray = library("xarray")
    if align not in ("plane", "unit"):
        raise InputError(f"align is plane or unit, not {quote(align)}")
    names = expanded(columns or DEFAULT)
    table = read(store, selection, tuple(dict.fromkeys((*names, *_MEASURED_FROM))))
    places = [*_places(table.only(_MEASURED_FROM))]
    (y, tops), (x, lefts) = (_axis(places, along, align) for along in (0, 1))

    def on_frame(place: int, packed: "Arrays") -> "npt.NDArray[np.float64]":
        """The heatmap of a place, [y, x] of the frame, NaN outside its plane."""
        frame = np.full((len(y), len(x)), np.nan)
        height, width = places[place].plane
        frame[tops[place] : tops[place] + height, lefts[place] : lefts[place] + width] = heatmap_of(
            packed, (height, width)
        )
        return frame

    radii = max((_radii(place) for place in places), default=0)

    def of_radii(place: int, packed: "Arrays") -> "npt.NDArray[np.float64]":
        """The curves of a place, [4, radii]: 1 from its own last radius on, NaN where its heatmap is zero."""
        from pipeline.arrays import unpack_curves

        found = unpack_curves(packed, _radii(places[place]))
        if found is None:
            return np.full((len(CURVES), radii), np.nan)
        return np.concatenate([found, np.ones((len(CURVES), radii - found.shape[1]))], axis=1)

    shape = len(places), len(y), len(x)
    heatmap = lazily(shape, Reader(store, places, on_frame, shape))
    shape = len(places), len(CURVES), radii
    curves = lazily(shape, Reader(store, places, of_radii, shape))
    from_center = "from the centre of the unit" if align == "unit" else "on the input plane"
    made = xarray.Dataset(
        {
            "heatmap": (("config", "y", "x"), heatmap, {"long_name": "summed gradient"}),
            "curves": (("config", "curve", "radius"), curves, {"long_name": "share of the mass within the radius"}),
        },
        {
            "y": ("y", y, {"units": "px", "long_name": f"row {from_center}"}),
            "x": ("x", x, {"units": "px", "long_name": f"column {from_center}"}),
            "curve": ("curve", list(CURVES)),
            "radius": ("radius", np.arange(radii), {"units": "px"}),
        },
    )
    labels = [name for name in names if BY_NAME[name].group in _LABELS]
    told = {
        name: ("config", _array(kind, values), _attributes(name))
        for name, (kind, values) in columns_of(table.only(names)).items()
    }
    made = made.assign_coords({name: told[name] for name in labels})
    return made.assign({name: values for name, values in told.items() if name not in labels})


def _places(table: Table) -> Iterator[Place]:
    for digest, spec, n_nan in table.rows:
        config = decode(spec.encode())
        center = window_of(config).center
        yield Place(digest, (config.input.height, config.input.width), center, n_nan is not None)


def _axis(places: Sequence[Place], along: int, align: Align) -> "tuple[npt.NDArray[Any], list[int]]":
    """(coordinates of y, or of x; where each heatmap begins among them)."""
    import numpy as np

    if align == "plane":
        planes = sorted({place.plane for place in places})
        if len(planes) > 1:
            one, other = (f"{height}x{width}" for height, width in planes[:2])
            raise InputError(
                f"these heatmaps are on several planes, such as {one} and {other}; keep one plane by where, or "
                "align='unit' lays them upon each other by the centres of their units"
            )
        return np.arange(planes[0][along] if planes else 0), [0] * len(places)
    centers = [place.center[along] for place in places]
    if len({center % 1 for center in centers}) > 1:
        raise InputError(
            "the centres of these units lie on pixels and between pixels, so that their heatmaps have no common grid; "
            "keep one kind by where, such as center_x"
        )
    first = min((-center for center in centers), default=0.0)
    last = max((place.plane[along] - 1 - place.center[along] for place in places), default=-1.0)
    coordinates = first + np.arange(round(last - first) + 1)
    return coordinates, [round(-center - first) for center in centers]


def _radii(place: Place) -> int:
    from pipeline.sizes import radius_count

    return radius_count(place.plane, place.center)


def _array(kind: ColumnKind, values: list[Any]) -> Any:
    """A column as an array [config]: NULL among numbers is NaN; text or truth with NULL are objects."""
    import numpy as np

    if kind in ("int", "float") and (kind == "float" or None in values):
        return np.array(values, np.float64)
    if None in values:
        return np.array(values, object)
    return np.array(values, {"int": np.int64, "bool": np.bool_, "str": np.str_}[kind])


def _attributes(name: str) -> dict[str, str]:
    found = {"long_name": BY_NAME[name].description, "units": BY_NAME[name].unit}
    return {key: text for key, text in found.items() if text}
