"""Arrays of the store whose parts are read when they are used, as xarray takes them."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.errors import StoreError, quote
from pipeline.ids import id_of
from store.asking.heatmaps import each_arrays
from store.database.connection import Store
from store.database.faults import RESTORE

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from pipeline.result import Arrays


class Place(NamedTuple):
    """A row: its digest, its plane (height, width), its unit's centre (y, x) in px, and whether it is measured."""

    digest: str
    plane: tuple[int, int]
    center: tuple[float, float]
    is_measured: bool


class Reader:
    """Reads the part of an array [config, ...] that a key names; `of` makes the values of one config from its arrays.

    What is not measured is NaN.
    """

    def __init__(
        self,
        store: Store,
        places: Sequence[Place],
        of: "Callable[[int, Arrays], npt.NDArray[np.float64]]",
        shape: tuple[int, ...],
    ) -> None:
        self.store = store
        self.places = places
        self.of = of
        self.shape = shape

    def __call__(self, key: tuple[Any, ...]) -> "npt.NDArray[np.float64]":
        """The values of a key with an index, a slice or an array of indices for each dimension; float64."""
        import numpy as np

        chosen = [np.atleast_1d(np.arange(size)[part]) for size, part in zip(self.shape, key, strict=True)]
        made = np.full([len(part) for part in chosen], np.nan)
        wanted: dict[str, list[int]] = {}
        for row, number in enumerate(chosen[0].tolist()):
            if self.places[number].is_measured:
                wanted.setdefault(self.places[number].digest, []).append(row)
        for digest, packed in each_arrays(self.store, wanted):
            for row in wanted.pop(digest):
                made[row] = self.of(int(chosen[0][row]), packed)[np.ix_(*chosen[1:])]
        for digest in wanted:
            raise _lost(self.store, digest)
        return made[tuple(0 if np.ndim(part) == 0 and not isinstance(part, slice) else slice(None) for part in key)]


def _lost(store: Store, digest: str) -> StoreError:
    damage = next((each for each in store.damages if each.config == id_of(digest)), None)
    what = damage or f"the heatmap of {quote(id_of(digest))} is not in the store any more"
    return StoreError(f"{what}; {RESTORE}, or ask the store again")


def lazily(shape: tuple[int, ...], reader: Reader) -> Any:
    """What xarray takes for an array of this shape, float64, whose parts the reader reads when they are used."""
    import numpy as np
    from xarray.backends import BackendArray
    from xarray.core import indexing

    class Stored(BackendArray):  # type: ignore[misc]  # xarray is optional, and has no types here
        """An array in the store."""

        def __init__(self) -> None:
            self.shape = shape
            self.dtype = np.dtype(np.float64)

        def __getitem__(self, key: Any) -> Any:
            return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, reader)

    return indexing.LazilyIndexedArray(Stored())
