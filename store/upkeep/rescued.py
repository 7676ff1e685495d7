"""The queue of a store for one run, whose work is kept where the store is taken away under it."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.errors import InputError, StoreError, counted, quote
from store.database.connection import Store
from store.database.faults import MovedError
from store.queue.store_queue import StoreQueue
from store.queue.sweeps import specs


@contextmanager
def rescued_queue(store: Store, sweep: str | None = None) -> Iterator[StoreQueue]:
    """The queue of one sweep, or of everything, for `pipeline.work.loop.work`.

    Raises StoreError where the sweep is removed meanwhile, and where the file of the store is removed, renamed or
    replaced: what it held and what was measured is then kept in a new file, which the message names.
    """
    queue = StoreQueue(store, sweep)
    try:
        yield queue
    except MovedError as error:
        raise _rescued(store, queue, error) from error
    except InputError as error:
        was_there = bool(queue.states)  # else its configs were never counted
        if sweep is None or not was_there or specs(store, sweep) is not None:
            raise
        measured = counted(queue.done, "config")
        raise StoreError(f"the sweep {quote(sweep)} was removed while it ran; {measured} had been measured") from error


def _rescued(store: Store, queue: StoreQueue, error: MovedError) -> StoreError:
    """What to say of a store that was removed under a run, once all that is known of it is kept."""
    from store.upkeep.restore import rescue

    try:
        kept = rescue(store, queue.owner, queue.unsaved)
    except StoreError as fault:
        return StoreError(f"{error}; what it held could not be kept ({fault})")
    shown = quote(store.address.path)
    return StoreError(
        f"the store {shown} was removed, renamed or replaced during the run; what it held and what was measured is "
        f"kept: type `erfsweep db restore {shlex.quote(str(kept))}`, with the same --db, to take it back"
    )
