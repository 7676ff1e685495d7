"""Leases are renewed, and what was lost while a process stood still is noticed."""

import time

import pytest
from msgspec.structs import replace
from sqlalchemy import update

from pipeline.work import leases as module
from pipeline.work.feed import Feed
from pipeline.work.leases import Leases
from store.asking.query import status
from store.database.connection import Store
from store.database.schema import config as config_table
from store.queue.claims import claim, held
from store.queue.owner import this_owner
from store.queue.saving import save
from store.queue.store_queue import StoreQueue
from tests.clock import until
from tests.store.fakes import STRANGER, done, queue

ME = this_owner()


def nothing(text: str) -> None:
    raise AssertionError(text)


def age(store: Store, seconds: float) -> None:
    with store.write() as connection:
        older = config_table.c.lease_until - seconds
        connection.execute(update(config_table).where(config_table.c.state == "running").values(lease_until=older))


def test_claims_outlast_their_lease_while_it_is_renewed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RENEWAL", 0.02)
    queue(store, count=2)
    claim(store, ME)
    with Leases(StoreQueue(store), nothing) as leases:
        age(store, 61)
        until(lambda: status(store).states["running"].configs == 2)
        assert claim(store, STRANGER) == []
        assert leases.still_held() is None


def test_what_others_took_over_is_left_out_and_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that was stopped (Ctrl-Z) for more than a minute, and goes on with jobs that it claimed before."""
    clock = [time.monotonic()]
    monkeypatch.setattr(module, "_clock", lambda: clock[0])
    queue(store, count=6)
    said: list[str] = []
    costs: dict[str, float] = {}
    with Leases(StoreQueue(store), nothing) as leases:
        feed = Feed(StoreQueue(store, "growth"), leases, costs, lambda: 6, said.append).jobs()
        first = next(feed)
        assert said == []
        clock[0] += 61  # it stands still ...
        age(store, 61)
        taken = claim(store, STRANGER, limit=3)  # ... while another takes over, the first among them
        assert first.digest in {job.digest for job in taken}
        save(store, STRANGER, [done(taken[0].digest)])
        rest = list(feed)
    assert {job.digest for job in rest} == held(store, ME)
    assert len(rest) == 3
    assert set(costs) == {first.digest, *(job.digest for job in rest)}
    assert said == ["this process stood still for too long; its claims to 5 configs are free for others"]
    assert save(store, ME, [done(first.digest)]) == []
    assert len(save(store, ME, [done(job.digest) for job in rest])) == 3
    assert len(save(store, STRANGER, [done(job.digest) for job in taken])) == 2


def test_a_renewal_that_comes_too_late_is_doubted_too(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [time.monotonic()]
    monkeypatch.setattr(module, "_clock", lambda: clock[0])
    monkeypatch.setattr(module, "RENEWAL", 0.02)
    queue(store, count=2)
    claim(store, ME)
    with Leases(StoreQueue(store), nothing) as leases:
        age(store, 61)
        claim(store, replace(STRANGER, pid=8), limit=1)
        clock[0] += 61
        until(lambda: leases.is_doubted)  # the renewing thread was faster than whoever asks
        assert leases.still_held() == held(store, ME)
        assert leases.still_held() is None
