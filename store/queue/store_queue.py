"""The queue of a store as `pipeline.work` drives it: the claims of this process to a sweep, or to everything."""

from collections.abc import Sequence

from sqlalchemy import Connection

from pipeline.errors import StoreError, counted, quote
from pipeline.job import Job
from pipeline.limits import Limits
from pipeline.queue import Holder, Left
from pipeline.result import Outcome
from store.database.connection import Store
from store.database.faults import RESTORE
from store.queue.claims import claim, held, release, renew, requeue, requeue_wider
from store.queue.owner import this_owner
from store.queue.saving import save
from store.queue.states import Count, counts, holders
from store.queue.sweep_ids import sweep_id


class StoreQueue:
    """A `pipeline.queue.Queue`.

    unsaved: the outcomes that are being saved. done: how many results were saved. states: the configs by state, as they
    were counted last.
    """

    def __init__(self, store: Store, sweep: str | None = None) -> None:
        self.owner = this_owner()
        self.unsaved: Sequence[Outcome] = ()
        self.done = 0
        self.states: dict[str, Count] = {}
        self._store = store
        self._sweep = sweep

    def retry(self, limits: Limits, *, everything: bool) -> int:
        """See `Queue.retry`."""
        if everything:
            return requeue(self._store, self._sweep, failed=True, killed=True)
        return requeue_wider(self._store, self._sweep, limits)

    def claim(self, seconds: float, least: int) -> list[Job]:
        """See `Queue.claim`."""
        return claim(self._store, self.owner, self._sweep, seconds=seconds, least=least)

    def held(self) -> set[str]:
        """See `Queue.held`."""
        return held(self._store, self.owner)

    def renew(self) -> None:
        """See `Queue.renew`."""
        renew(self._store, self.owner)

    def ask(self) -> None:
        """See `Queue.ask`. A file answers always."""
        if self._store.file is None:
            self._store.ask()

    def abandon(self) -> None:
        """See `Queue.abandon`."""
        if self._store.is_silent:
            self._store.patience.give_up()

    def save(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """See `Queue.save`."""
        self.unsaved = outcomes
        saved = save(self._store, self.owner, outcomes)
        self.unsaved = ()
        self.done += sum(outcome.kind == "done" for outcome in saved)
        return saved

    def release(self, *, all_saved: bool = False) -> None:
        """See `Queue.release`. A server that does not answer is not asked: the leases end by themselves.

        Raises StoreError if configs that were measured cannot be found by their digests any more.
        """
        if self._store.is_given_up or (self._store.is_silent and not all_saved):
            return
        left = release(self._store, self.owner)
        if all_saved and left:  # it could not be saved, and would be measured again without end
            lost = f"{counted(left, 'config')} of {quote(self._store.address.path or self._store.address.shown)}"
            raise StoreError(f"{lost} cannot be found by their digests; the store is damaged, {RESTORE}")

    def left(self) -> Left:
        """See `Queue.left`. What processes held that are gone counts as free, as the next claim makes it."""
        return self._store.reading(self._left)

    def _left(self, connection: Connection) -> Left:
        key = None if self._sweep is None else sweep_id(connection, self._sweep)
        known = holders(connection, key)
        states = self.states = counts(connection, key, known)
        free, running = states["queued"], states["running"]
        return Left(
            free=free.configs,
            free_seconds=free.cost,
            held=running.configs,
            held_seconds=running.cost,
            holders=tuple(Holder(each.owner.place, each.configs) for each in known if not each.is_gone),
            failed=states["failed"].configs + states["killed"].configs,
        )
