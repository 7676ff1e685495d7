"""A dry run says of each config what a run would then do with it."""

from typing import Any

import pytest

from pipeline.limits import Limits
from pipeline.result import Failure, Outcome
from pipeline.sweep.sweep import Sweep, sweep
from store.asking.dryrun import DryRun, dry_run, dry_run_of_stored, foreseen
from store.database.connection import Store
from store.queue.claims import claim, requeue, requeue_wider
from store.queue.owner import this_owner
from store.queue.saving import save
from store.queue.sweeps import submit_sweep
from tests.store.fakes import STRANGER, done, failed, killed

LIMITS = Limits(10**9)


def described(name: str = "mine", depths: str = "range(1,9)", **fields: Any) -> Sweep:
    return sweep({"name": name, "input": 21, "grid": {"kernel": [3], "depth": depths}, **fields})


def of(store: Store | None, found: Sweep, **options: Any) -> DryRun:
    return dry_run(store, found, foreseen(store, found, LIMITS, **options))


@pytest.fixture
def filled(store: Store) -> Store:
    """Eight configs: one done, one failed, one killed, one refused under narrower limits, two held by another process,
    two queued.
    """
    submit_sweep(store, described(), described().labelled(), cost=lambda config: 1.0)
    jobs = claim(store, this_owner(), limit=4)
    refused = Failure("InputError", "it would take 2 kB, more than the 1 kB of --memory")
    narrow = Outcome(jobs[3].digest, "failed", 100.0, 100.5, "worker-1", failure=refused)
    save(store, this_owner(), [done(jobs[0].digest), failed(jobs[1].digest), killed(jobs[2].digest), narrow])
    claim(store, STRANGER, limit=2)
    return store


STANDINGS = {"done": 1, "failed": 1, "killed": 1, "limited": 1, "running": 2, "queued": 2}


def test_without_a_store_everything_is_new() -> None:
    found = of(None, described())
    assert (found.standings, found.repeated, found.refusals, found.is_taken) == ({"new": 8}, 0, (), False)
    assert found.seconds > 0


def test_every_config_is_what_the_store_knows_of_it(filled: Store) -> None:
    assert of(filled, described()).standings == STANDINGS
    assert of(filled, described(depths="range(1,12)")).standings == STANDINGS | {"new": 3}
    assert dry_run_of_stored(filled, "mine", LIMITS).standings == STANDINGS


def test_the_work_is_that_of_what_a_run_would_measure(filled: Store) -> None:
    assert dry_run_of_stored(filled, "mine", LIMITS).seconds == 2 + 1  # queued, and failed under narrower limits
    again = dry_run_of_stored(filled, "mine", LIMITS, retry_failed=True)
    assert (again.seconds, again.standings["failed"], "limited" in again.standings) == (2 + 3, 2, False)


@pytest.mark.parametrize("retry", [False, True])
def test_what_is_wanted_is_what_the_next_claims_get(filled: Store, retry: bool) -> None:
    wanted = {one.config.digest for one in foreseen(filled, described(), LIMITS, retry_failed=retry) if one.is_wanted}
    if retry:
        requeue(filled, "mine", failed=True, killed=True)
    else:
        requeue_wider(filled, "mine", LIMITS)
    assert {job.digest for job in claim(filled, this_owner(), "mine")} == wanted
    assert len(wanted) == (5 if retry else 3)


def test_configs_that_come_again_are_counted_apart() -> None:
    found = of(None, described(stems=["3x3", "2x3x3", "5x5"]))
    assert (found.standings, found.repeated) == ({"new": 9}, 2)


def test_what_would_be_refused_is_told_for_what_is_wanted_alone(filled: Store) -> None:
    tiny = Limits(10)
    each = list(foreseen(filled, described(), tiny))
    assert [bool(one.refusal) for one in each] == [one.is_wanted for one in each]
    assert all("more than the 10 bytes of --memory" in one.refusal for one in each if one.is_wanted)
    found = dry_run(filled, described(), each)
    assert len(found.refusals) == sum(one.is_wanted for one in each)


def test_a_name_is_taken_by_another_list_alone(filled: Store) -> None:
    assert not of(filled, described()).is_taken
    other = described(depths="range(1,5)")
    assert of(filled, other).is_taken
    assert not of(filled, described("other", depths="range(1,5)")).is_taken
    for mode in ("append", "replace"):
        assert not dry_run(filled, other, foreseen(filled, other, LIMITS), mode).is_taken  # type: ignore[arg-type]
