"""One record with other sizes than those that are stored."""

import msgspec

from pipeline.config import encode
from pipeline.errors import StoreError, quote
from store.asking.choices import CenterName
from store.asking.reading import new_sizes
from store.asking.records import Record
from store.asking.selection import Selection
from store.database.connection import Store
from store.database.faults import RESTORE


def resized(store: Store, record: Record, mass: float | None = None, center: CenterName = "unit") -> Record:
    """The record with the sizes of this mass and centre, read off its heatmap where they are not those stored.

    Raises StoreError where the heatmap is missing or damaged.
    """
    if record.result is None or Selection(None, mass=mass, center=center).is_stored:
        return record
    row = {"digest": record.digest, "spec": encode(record.config).decode(), "n_nan": record.result.n_nan}
    found = dict(new_sizes(store, [row], mass, center))
    if record.digest not in found:
        raise StoreError(f"the heatmap of {quote(record.id)} is missing or damaged; {RESTORE}, or leave out --mass")
    sizes = found[record.digest]
    return msgspec.structs.replace(record, result=msgspec.structs.replace(record.result, sizes=sizes))
