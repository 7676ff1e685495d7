"""The arrays of results, read in bounded memory: so many at once as a number of bytes allows, whatever their planes.

What is damaged or missing is told to the store's `damages` and left out.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import msgspec
from sqlalchemy import Connection, func, select

from pipeline.config import Config, decode
from pipeline.errors import InputError, StoreError, amount, quote
from pipeline.ids import id_of
from pipeline.result import Arrays, checksum
from pipeline.theory import window_of
from store.database.connection import Store
from store.database.damage import Damage
from store.database.faults import RESTORE
from store.database.rows import chunks
from store.database.schema import config, map_, result

if TYPE_CHECKING:
    from pipeline.sizes import Floats, Sample
    from store.asking.records import Record

T = TypeVar("T")

BYTES_AT_ONCE = 2**25
"""Of packed arrays, and of unpacked ones, that are in memory together; one that is larger is there alone."""

_LARGEST = 2**31
"""Bytes of packed arrays: more than both can ever be."""


def arrays(store: Store, digest: str) -> Arrays:
    """The arrays of a result, held against their checksum.

    Raises InputError where there is no result, StoreError where the bytes are not those that were saved.
    """
    found = dict(each_arrays(store, [digest]))
    if digest in found:
        return found[digest]
    for damage in store.damages:
        if damage.config == id_of(digest):
            raise StoreError(f"{damage}; {RESTORE}, or measure the config again")
    raise InputError(f"there is no result of {quote(id_of(digest))} yet; `erfsweep run` measures what is queued")


def each_arrays(store: Store, digests: Iterable[str]) -> Iterator[tuple[str, Arrays]]:
    """(digest, arrays) of results, in the order asked for; configs that are not measured are left out."""
    return ((stored.digest, stored.arrays) for stored in _each(store, digests))


class _Stored(NamedTuple):
    key: int
    digest: str
    arrays: Arrays

    def damage(self, what: str, column: str = "heatmap") -> Damage:
        return _of_map(self.key, self.digest, what, column)


def _each(store: Store, digests: Iterable[str]) -> Iterator[_Stored]:
    for chunk in chunks(digests):
        listed = store.reading(partial(_sizes, digests=chunk))
        place = {digest: i for i, digest in enumerate(chunk)}
        present: dict[str, tuple[int, int]] = {}
        for digest, key, size in sorted(listed, key=lambda row: place[row[0]]):
            if size is None:
                store.damages.tell(_of_map(key, digest, "the heatmap of a measured config is missing"))
            elif size > _LARGEST:
                store.damages.tell(_of_map(key, digest, f"{amount(size)} are more than any heatmap takes"))
            else:
                present[digest] = key, size
        for some in portions(present, lambda digest: present[digest][1]):  # noqa: B023  # used at once
            found = store.reading(partial(_fetched, digests=some))
            for digest in some:
                if digest in found and _is_intact(store, present[digest][0], digest, found[digest]):
                    yield _Stored(present[digest][0], digest, Arrays(*found.pop(digest)))


def _sizes(connection: Connection, digests: Sequence[str]) -> list[Any]:
    """(digest, key, bytes of its arrays, None where it has none) of those that are measured."""
    joined = config.join(result, result.c.config_id == config.c.id).outerjoin(map_, map_.c.config_id == config.c.id)
    size = func.length(map_.c.heatmap) + func.length(map_.c.curves)
    columns = select(config.c.digest, config.c.id, size).select_from(joined)
    return [*connection.execute(columns.where(config.c.digest.in_(digests)))]


def _fetched(connection: Connection, digests: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    names = Arrays.__struct_fields__
    joined = config.join(map_, map_.c.config_id == config.c.id)
    columns = select(config.c.digest, *(map_.c[name] for name in names)).select_from(joined)
    found = connection.execute(columns.where(config.c.digest.in_(digests)))
    return {digest: tuple(row) for digest, *row in found}


def _is_intact(store: Store, key: int, digest: str, row: tuple[Any, ...]) -> bool:
    heatmap, curves, sum_ = row
    if not (isinstance(heatmap, bytes) and isinstance(curves, bytes)):
        store.damages.tell(_of_map(key, digest, "the value is not a blob"))
    elif checksum(heatmap, curves) != sum_:
        store.damages.tell(_of_map(key, digest, "the heatmap is damaged: its checksum differs"))
    else:
        return True
    return False


def _of_map(key: int, digest: str, what: str, column: str = "heatmap") -> Damage:
    return Damage("map", column, str(key), id_of(digest), what)


def portions(items: Iterable[T], size: Callable[[T], int]) -> Iterator[list[T]]:
    """The items in lists whose sizes add up to at most `BYTES_AT_ONCE`; a larger one is alone in its list."""
    portion: list[T] = []
    total = 0
    for item in items:
        own = size(item)
        if portion and total + own > BYTES_AT_ONCE:
            yield portion
            portion, total = [], 0
        portion.append(item)
        total += own
    if portion:
        yield portion


def heatmaps(store: Store, digests: Iterable[str], plane: tuple[int, int]) -> "Iterator[tuple[str, Floats]]":
    """(digest, heatmap: float64 [height, width]) of the results on one plane, one unpacked at a time."""
    for stored in _each(store, digests):
        try:
            yield stored.digest, heatmap_of(stored.arrays, plane)
        except StoreError as error:
            store.damages.tell(stored.damage(str(error)))


def heatmap_of(packed: Arrays, plane: tuple[int, int]) -> "Floats":
    """The heatmap on a plane (height, width), float64 of that shape. Raises StoreError where it is damaged."""
    from pipeline.arrays import unpack_heatmap

    heatmap = unpack_heatmap(packed, plane)
    if not (heatmap.min() >= 0 and heatmap.max() < inf):  # as NaN is not
        raise StoreError("a pixel of the heatmap is negative, infinite or not a number")
    return heatmap


def samples(store: Store, rows: Iterable[Mapping[str, Any]]) -> "Iterator[tuple[str, Sample]]":
    """(digest, heatmap with its unit) of the measured among rows, which hold `digest`, `spec` and `n_nan`."""
    from pipeline.sizes import Sample, sample_of

    def sample(packed: Arrays, own: Config, n_nan: int) -> Sample:
        return sample_of(own, heatmap_of(packed, (own.input.height, own.input.width)), n_nan)

    return unpacked(store, rows, "heatmap", sample)


def heatmap_and_curves(store: Store, record: "Record") -> "tuple[Floats, Floats | None]":
    """(heatmap, curves) of one config, read-only.

    The heatmap is float64 [height, width] on the input plane; the curves are float64 [4, radii], as
    `pipeline.sizes.curves` has them, None where the heatmap is zero. Raises InputError where the config is not
    measured, StoreError where its arrays are damaged.
    """
    packed, own = arrays(store, record.digest), record.config
    return heatmap_of(packed, (own.input.height, own.input.width)), curves_of(packed, own)


def curves_of(packed: Arrays, own: Config) -> "Floats | None":
    """The stored curves of a config, float64 [4, radii], None of a dead one. Raises StoreError where damaged."""
    from pipeline.arrays import unpack_curves
    from pipeline.sizes import radius_count

    center = window_of(own).center
    return unpack_curves(packed, radius_count((own.input.height, own.input.width), center))


def unpacked(
    store: Store, rows: Iterable[Mapping[str, Any]], column: str, unpack: Callable[[Arrays, Config, int], T]
) -> Iterator[tuple[str, T]]:
    """(digest, what `unpack` makes of arrays, config and number of probes left out) of the measured rows."""
    for chunk in chunks(rows):
        measured = {row["digest"]: row for row in chunk if row["n_nan"] is not None}
        for stored in _each(store, measured):
            row = measured[stored.digest]
            try:
                own = decode(row["spec"].encode())
                if not 0 <= row["n_nan"] < own.probes.count:  # where all are left out, the config has failed
                    what = f"{row['n_nan']} probes left out, of {own.probes.count}"
                    store.damages.tell(Damage("result", "n_nan", str(stored.key), id_of(stored.digest), what))
                    continue
                made = unpack(stored.arrays, own, row["n_nan"])
            except (msgspec.MsgspecError, InputError) as error:
                what = f"the config cannot be read ({error})"
                store.damages.tell(Damage("config", "json", str(stored.key), id_of(stored.digest), what))
                continue
            except StoreError as error:
                store.damages.tell(stored.damage(str(error), column))
                continue
            digest = stored.digest
            del stored  # its bytes are not needed while the caller works
            yield digest, made
