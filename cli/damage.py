"""What readers found damaged, as sentences: each place, and what to do."""

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from pipeline.errors import quote

if TYPE_CHECKING:
    from store.database.connection import Store

NAMED_AT_MOST = 20


def damage_lines(store: "Store") -> Iterator[str]:
    """A sentence for each damaged value, up to 20, and one for all of them; nothing where all is well."""
    found = store.damages
    if not len(found):
        return
    yield from map(str, islice(found, NAMED_AT_MOST))
    more = len(found) - NAMED_AT_MOST
    count = "1 damaged value" if len(found) == 1 else f"{len(found):,} damaged values"
    yield (
        f"{count} in {quote(store.address.shown)}{f', {more:,} of them not named' if more > 0 else ''}: their rows are "
        "left out; `erfsweep db check` looks through the whole store"
    )
