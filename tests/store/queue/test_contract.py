"""What every store does, on whatever database."""

import os
import time
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import select, text, update

from pipeline.config import KERNEL_VERSION, Config, decode
from pipeline.errors import InputError, StoreError
from pipeline.result import Sizes
from pipeline.stem import Plane
from store.asking.heatmaps import arrays, each_arrays
from store.asking.query import rows, status, sweeps
from store.asking.records import find
from store.database.connection import Store
from store.database.schema import config as config_table
from store.database.schema import map_ as map_table
from store.queue.claims import claim, held, release, renew, requeue
from store.queue.orphans import Pruned, prune
from store.queue.owner import this_owner
from store.queue.saving import save, save_sizes
from store.queue.states import Count
from store.queue.sweeps import known, remove, submit
from store.upkeep.transfer import info
from tests.store.fakes import ORIGIN, STRANGER, configs, done, failed, killed, measure_all, queue, result, unlabelled

ME = this_owner()


def states(store: Store, sweep: str | None = None) -> dict[str, int]:
    return {state: count.configs for state, count in status(store, sweep).states.items() if count.configs}


def contents(store: Store) -> list[tuple[Any, ...]]:
    with store.read() as connection:
        return [tuple(row) for row in connection.execute(text("SELECT * FROM results ORDER BY digest"))]


class TestSubmitting:
    def test_queues_every_config_in_order(self, store: Store) -> None:
        submission = queue(store, count=7)
        assert (submission.configs, submission.added, submission.new) == (7, 7, 7)
        assert submission.states["queued"] == Count(7, 3.5)
        table = rows(store, "growth", columns=["position", "digest", "config"])
        assert [row[0] for row in table.rows] == list(range(7))
        assert [row[1] for row in table.rows] == [config.digest for config in configs(7)]
        assert [*table.rows][1][2] == "2x3x3"

    def test_counts_a_repeated_config_once_at_its_first_place(self, store: Store) -> None:
        one, two, three = configs(3)
        many = [one, two, one, *configs(600, first=10), two, three, one]  # more than one chunk apart
        submission = submit(store, "s", {}, unlabelled(many), ORIGIN)
        assert submission.configs == 603
        assert find(store, "s:0").digest == one.digest
        assert find(store, "s:602").digest == three.digest
        assert submit(store, "s", {}, unlabelled(many), ORIGIN).added == 0

    def test_the_same_list_again_changes_nothing(self, store: Store) -> None:
        queue(store)
        measure_all(store)
        before = contents(store)
        again = queue(store)
        assert (again.added, again.new, again.states["done"].configs) == (0, 0, 5)
        assert contents(store) == before

    @pytest.mark.parametrize("other", [3, 6], ids=["shorter", "longer"])
    def test_another_list_under_a_name_is_refused(self, store: Store, other: int) -> None:
        queue(store, count=5)
        with pytest.raises(InputError, match=r"'growth' exists with another list; use --append, --replace"):
            queue(store, count=other)
        assert states(store) == {"queued": 5}

    def test_the_same_configs_in_another_order_are_another_list(self, store: Store) -> None:
        queue(store, count=3)
        with pytest.raises(InputError, match="another list"):
            submit(store, "growth", {}, unlabelled(reversed(list(configs(3)))), ORIGIN)

    def test_appends_only_what_is_new(self, store: Store) -> None:
        queue(store, count=5)
        submission = queue(store, count=5, first=3, mode="append")
        assert (submission.configs, submission.added, submission.new) == (8, 3, 3)
        assert [row[0] for row in rows(store, "growth", columns=["digest"]).rows] == [c.digest for c in configs(8)]
        assert find(store, "growth:0").sweeps[0].specs == ({"count": 5}, {"count": 5})

    def test_replacing_keeps_results_and_drops_what_nobody_wants(self, store: Store) -> None:
        queue(store, count=4)
        first = claim(store, ME, "growth", limit=1)[0]
        save(store, ME, [done(first.digest)])
        queue(store, "other", count=1, first=1)
        submission = queue(store, count=2, first=3, mode="replace")
        assert (submission.configs, submission.new) == (2, 1)
        digests = {row[0] for row in rows(store, columns=["digest"]).rows}
        assert digests == {config.digest for config in (*configs(2), *configs(2, first=3))}

    def test_sweeps_that_overlap_share_results(self, store: Store) -> None:
        queue(store, "a", count=4)
        measure_all(store, "a")
        submission = queue(store, "b", count=4, first=2)
        assert (submission.new, submission.states["done"].configs, submission.states["queued"].configs) == (2, 2, 2)

    def test_nothing_stays_of_a_submission_that_breaks_off(self, store: Store) -> None:
        def broken() -> Any:
            yield from configs(700)
            raise InputError("the grid has a hole")

        with pytest.raises(InputError, match="a hole"):
            submit(store, "s", {}, unlabelled(broken()), ORIGIN)
        assert sweeps(store) == []
        assert states(store) == {}

    @pytest.mark.parametrize("name", ["", "a b", "a:b", "x" * 65, "a\n", "../a"])
    def test_a_name_is_letters_digits_dots_and_dashes(self, store: Store, name: str) -> None:
        with pytest.raises(InputError, match="name"):
            submit(store, name, {}, unlabelled(configs(1)), ORIGIN)

    def test_known_tells_the_state_of_each_config_and_writes_nothing(self, store: Store) -> None:
        queue(store, count=2)
        one = claim(store, ME, limit=1)[0]
        assert [state for _, state in known(store, unlabelled(configs(3)))] == ["running", "queued", None]
        assert decode(one.config) == next(configs(1))
        assert states(store) == {"running": 1, "queued": 1}

    @pytest.mark.skipif(not ME.boot, reason="this system does not tell boots and start times")
    def test_what_a_dead_process_holds_is_foreseen_as_queued(self, store: Store) -> None:
        queue(store, count=4)
        claim(store, ME, limit=1)
        claim(store, replace(ME, started="1"), limit=2)
        assert [state for _, state in known(store, unlabelled(configs(4)))] == ["running", "queued", "queued", "queued"]
        found = status(store, "growth")
        assert (found.states["running"], found.states["queued"]) == (Count(1, 0.5), Count(3, 1.5))
        assert [holder.owner for holder in found.holders] == [ME]
        assert sweeps(store)[0].states == {"running": 1, "queued": 3, "done": 0, "failed": 0, "killed": 0}
        assert info(store).states == sweeps(store)[0].states


class TestRemoving:
    def test_keeps_what_another_sweep_uses(self, store: Store) -> None:
        queue(store, "a", count=4)
        queue(store, "b", count=4, first=2)
        measure_all(store, "a")
        removal = remove(store, "a")
        assert (removal.removed, removal.kept) == (2, 2)
        assert [line.name for line in sweeps(store)] == ["b"]
        assert states(store, "b") == {"done": 2, "queued": 2}
        assert info(store).tables == {"sweep": 1, "config": 4, "sweep_config": 4, "attempt": 2, "result": 2}
        with store.read() as connection:
            assert len(connection.execute(select(map_table.c.config_id)).all()) == 2

    def test_a_sweep_that_is_measured_is_refused(self, store: Store) -> None:
        queue(store, "a", count=4)
        queue(store, "b", count=4, first=2)
        claim(store, STRANGER, limit=3)
        with pytest.raises(InputError, match=r"'a' is being measured \(another-host:7 holds 3\); .* --force"):
            remove(store, "a")
        with pytest.raises(InputError, match=r"'b' is being measured \(another-host:7 holds 1\)"):
            remove(store, "b")
        TestQueue.age(store, 61)
        assert remove(store, "a").removed == 2
        claim(store, STRANGER)
        assert remove(store, "b", force=True).removed == 4

    def test_what_belongs_to_no_sweep_is_counted_and_pruned(self, store: Store) -> None:
        queue(store, "a", count=6)
        queue(store, "b", count=2)
        measure_all(store, "a")
        queue(store, "other", count=3, first=10)
        (busy,) = claim(store, STRANGER, "other", limit=1)
        assert queue(store, "other", count=1, first=20, mode="replace").orphans == 1  # the one that is measured
        assert queue(store, "a", count=1, mode="replace").orphans == 5
        assert remove(store, "a").orphans == 5
        assert prune(store).configs == 4
        digests = {row[0] for row in rows(store, columns=["digest"]).rows}
        assert digests == {config.digest for config in (*configs(2), *configs(1, first=20))} | {busy.digest}
        TestQueue.age(store, 61)
        assert prune(store).configs == 1
        assert info(store).tables == {"sweep": 2, "config": 3, "sweep_config": 3, "attempt": 2, "result": 2}

    def test_pruning_gives_the_space_back(self, store: Store) -> None:
        queue(store, "a", count=100)
        for each in claim(store, ME):
            save(store, ME, [done(each.digest, heatmap=os.urandom(50_000))])
        queue(store, "a", count=1, mode="replace")
        pruned = prune(store)
        assert pruned.configs == 99
        assert pruned.bytes > 90 * 50_000
        assert prune(store) == Pruned(0, 0)
        assert rows(store, "a", columns=["state"]).rows == [("done",)]

    def test_an_unknown_sweep_is_named_with_its_neighbours(self, store: Store) -> None:
        queue(store, "growth")
        with pytest.raises(InputError, match=r"no sweep 'grwth' in the store; did you mean growth\? \(`erfsweep ls`"):
            remove(store, "grwth")

    def test_a_result_that_comes_after_is_passed_over(self, store: Store) -> None:
        queue(store)
        held = claim(store, ME, limit=2)
        remove(store, "growth", force=True)
        assert len(save(store, ME, [done(each.digest) for each in held])) == 0
        assert info(store).tables["result"] == 0


class TestQueue:
    def test_gives_each_config_once_in_the_order_of_the_sweep(self, store: Store) -> None:
        queue(store, count=7)
        taken = [each.digest for _ in range(4) for each in claim(store, ME, "growth", limit=2)]
        assert taken == [config.digest for config in configs(7)]
        assert claim(store, ME, "growth") == []

    def test_takes_as_many_as_make_up_the_seconds_but_at_least_one(self, store: Store) -> None:
        queue(store, count=20)  # half a second each
        assert len(claim(store, ME, seconds=1.2)) == 2
        assert len(claim(store, ME, seconds=0.1)) == 1

    def test_keeps_to_one_sweep(self, store: Store) -> None:
        queue(store, "a", count=2)
        queue(store, "b", count=2, first=2)
        assert [each.digest for each in claim(store, ME, "b")] == [config.digest for config in configs(2, first=2)]

    def test_finds_what_was_queued_again_in_front_of_the_last_claim(self, store: Store) -> None:
        queue(store, count=6)
        first = claim(store, ME, "growth", limit=3)
        save(store, ME, [failed(each.digest) for each in first])
        claim(store, ME, "growth", limit=3)
        other = Store(store.address) if not store.address.in_memory else store
        requeue(other, "growth", failed=True)
        assert [each.digest for each in claim(store, ME, "growth")] == [each.digest for each in first]
        other.close() if other is not store else None

    def test_of_everything_too_finds_what_was_queued_again_in_front_of_the_last_claim(self, store: Store) -> None:
        queue(store, count=6)
        first = [job.digest for job in claim(store, ME, limit=2)]
        save(store, ME, [failed(digest) for digest in first])
        claim(store, ME, limit=2)
        with store.write() as connection:  # as another process does, which this one does not hear of
            connection.execute(update(config_table).where(config_table.c.digest.in_(first)).values(state="queued"))
        later = [job.digest for job in (*claim(store, ME, limit=2), *claim(store, ME, limit=2))]
        assert later == [config.digest for config in configs(2, first=4)] + first

    @pytest.mark.parametrize("sweep", [None, "growth"])
    def test_long_configs_are_claimed_by_their_first_few_costs(self, store: Store, sweep: str | None) -> None:
        """Configs of 0.5 s: 8 s are 16 of them, whether the costs of 250 or of all 600 are read."""
        queue(store, count=600)
        assert len(claim(store, ME, sweep, seconds=8.0)) == 16
        # 584 are left, of 292 s together: a process that is alone takes a quarter, 73 s.
        assert len(claim(store, ME, sweep, seconds=120.0)) == 146

    def test_released_configs_are_queued_again(self, store: Store) -> None:
        queue(store)
        claim(store, ME, limit=3)
        assert release(store, ME) == 3
        assert states(store) == {"queued": 5}

    @pytest.mark.skipif(not ME.boot, reason="this system does not tell boots and start times")
    def test_what_a_dead_process_held_is_suspected_until_it_is_measured(self, store: Store) -> None:
        """However often it is claimed and given back meanwhile, by whomever."""
        queue(store, count=4)
        dead = replace(ME, started="1")
        suspects = {job.digest for job in claim(store, dead, limit=2)}
        assert not {job.digest for job in claim(store, dead, limit=1) if job.suspected} & suspects
        release(store, dead)
        assert not any(job.suspected for job in claim(store, dead, limit=2))
        for again in range(3):
            found = claim(store, ME)
            assert [job.digest for job in found if job.suspected] == [job.digest for job in found[:2]]
            assert len(found) == 4
            assert status(store, "growth").holders[0].owner == ME
            if again < 2:
                assert release(store, ME) == 4
        assert len(save(store, ME, [done(found[0].digest), killed(found[1].digest)])) == 2
        assert release(store, ME) == 2
        assert not any(job.suspected for job in claim(store, ME))

    def test_what_was_killed_is_suspected_when_it_is_queued_again(self, store: Store) -> None:
        queue(store, count=2)
        one, two = claim(store, ME)
        save(store, ME, [failed(one.digest), killed(two.digest)])
        requeue(store, failed=True, killed=True)
        assert [job.suspected for job in claim(store, ME)] == [False, True]

    def test_says_who_holds_what(self, store: Store) -> None:
        queue(store)
        claim(store, ME, limit=2)
        claim(store, STRANGER, limit=1)
        found = {holder.owner: holder.configs for holder in status(store, "growth").holders}
        assert found == {ME: 2, STRANGER: 1}

    def test_requeues_only_what_is_asked_for(self, store: Store) -> None:
        queue(store, count=3)
        one, two, three = claim(store, ME)
        save(store, ME, [done(one.digest), failed(two.digest), killed(three.digest)])
        assert requeue(store) == 0
        assert requeue(store, "growth", failed=True) == 1
        assert states(store) == {"done": 1, "queued": 1, "killed": 1}
        assert requeue(store, killed=True) == 1

    def test_the_lease_of_another_host_lasts_a_minute_and_can_be_renewed(self, store: Store) -> None:
        queue(store, count=2)
        claim(store, STRANGER)
        assert claim(store, ME) == []
        self.age(store, 61)
        assert renew(store, STRANGER) == 2
        assert claim(store, ME) == []
        self.age(store, 61)
        assert len(claim(store, ME)) == 2

    def test_a_lease_that_lapsed_is_lost_by_a_process_that_lives_here_too(self, store: Store) -> None:
        queue(store, count=3)
        first, second, _ = claim(store, ME)
        assert len(save(store, ME, [done(first.digest)])) == 1
        self.age(store, 59)
        assert claim(store, STRANGER) == []
        self.age(store, 2)
        assert states(store) == {"done": 1, "queued": 2}
        assert status(store).holders == []
        assert len(claim(store, STRANGER)) == 2
        assert (renew(store, ME), held(store, ME), release(store, ME)) == (0, set(), 0)
        assert held(store, STRANGER) > {second.digest}
        assert [holder.owner for holder in status(store).holders] == [STRANGER]

    def test_who_asks_again_keeps_what_it_holds_though_its_lease_lapsed(self, store: Store) -> None:
        queue(store, count=3)
        (one,) = claim(store, ME, limit=1)
        self.age(store, 61)
        assert one.digest not in {each.digest for each in claim(store, ME)}
        assert renew(store, ME) == 3

    @pytest.mark.parametrize("ahead", [300, -3600, 90 * 86400])
    def test_leases_go_by_the_clock_of_the_database_alone(
        self, store: Store, ahead: float, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Another process whose clock is wrong: it neither takes a living lease for lapsed nor waits for a dead one."""
        queue(store, count=2)
        claim(store, STRANGER)
        if store.dialect == "postgresql":  # where the database has a clock of its own
            monkeypatch.setattr(time, "time", lambda honest=time.time: honest() + ahead)
        assert states(store) == {"running": 2}
        assert claim(store, ME) == []
        self.age(store, 61)
        assert states(store) == {"queued": 2}
        assert len(claim(store, ME)) == 2

    def test_a_claim_leaves_a_share_to_others(self, store: Store) -> None:
        queue(store, count=720)  # half a second each
        owners = [ME, *(replace(STRANGER, pid=number) for number in range(3))]
        claims: dict[str, int] = {}
        for turn in range(10_000):
            owner = owners[turn % 4]
            found = claim(store, owner, "growth", seconds=1e6)
            if not found:
                break
            assert len(found) <= max(720 / 4, 1)
            claims[str(owner)] = claims.get(str(owner), 0) + len(found)
        assert sum(claims.values()) == 720
        assert min(claims.values()) > 720 / 10

    def test_a_claim_takes_at_least_one_for_each_worker(self, store: Store) -> None:
        queue(store, count=7)
        assert len(claim(store, ME, seconds=0.1, least=3)) == 3

    def test_what_little_is_left_is_claimed_at_once(self, store: Store) -> None:
        submit(store, "small", {}, unlabelled(configs(40)), ORIGIN, cost=lambda config: 0.0001)
        assert len(claim(store, ME, "small", seconds=8.0)) == 40

    @staticmethod
    def age(store: Store, seconds: float) -> None:
        with store.write() as connection:
            older = config_table.c.lease_until - seconds
            connection.execute(update(config_table).where(config_table.c.state == "running").values(lease_until=older))


class TestSaving:
    def test_keeps_every_scalar_and_the_arrays(self, store: Store) -> None:
        queue(store, count=1)
        (held,) = claim(store, ME)
        assert len(save(store, ME, [done(held.digest)])) == 1
        record = find(store, held.digest[:6])
        assert record.state == "done"
        assert record.config == next(configs(1))
        assert (record.axes.kernel, record.axes.depth, record.axes.height, record.axes.channel) == (3, 1, 21, "0")
        measured, expected = record.result, result()
        assert measured is not None
        assert (measured.dead, measured.n_zero, measured.n_nan) == (False, 2, 1)
        assert (measured.theory, measured.sizes, measured.provenance) == (
            expected.theory,
            expected.sizes,
            expected.provenance,
        )
        assert arrays(store, held.digest) == expected.arrays
        (attempt,) = record.attempts
        assert (attempt.number, attempt.started, attempt.finished, attempt.worker) == (1, 100.0, 101.5, "worker-1")
        assert (attempt.outcome, attempt.error_type, attempt.message, attempt.traceback) == ("done", None, None, None)

    def test_a_result_of_another_kernel_version_is_refused_with_all_that_came_with_it(self, store: Store) -> None:
        queue(store, count=2)
        good, foreign = (done(job.digest) for job in claim(store, ME))
        assert foreign.result is not None
        provenance = replace(foreign.result.provenance, kernel_version=KERNEL_VERSION - 1)
        foreign = replace(foreign, result=replace(foreign.result, provenance=provenance))
        with pytest.raises(StoreError, match=f"kernel version {KERNEL_VERSION - 1} instead of {KERNEL_VERSION}"):
            save(store, ME, [good, foreign])
        assert states(store) == {"running": 2}
        assert len(save(store, ME, [good])) == 1

    def test_a_second_save_of_the_same_changes_nothing(self, store: Store) -> None:
        queue(store, count=3)
        outcomes = [done(each.digest) for each in claim(store, ME)]
        assert len(save(store, ME, [*outcomes, outcomes[0]])) == 3
        before = contents(store)
        assert len(save(store, ME, outcomes)) == 0
        assert contents(store) == before
        assert info(store).tables["attempt"] == 3

    def test_of_two_owners_the_first_result_stays(self, store: Store) -> None:
        queue(store, count=1)
        (held,) = claim(store, STRANGER)
        TestQueue.age(store, 61)
        claim(store, ME)
        assert len(save(store, STRANGER, [done(held.digest, eff_rf=5.0)])) == 1
        assert len(save(store, ME, [done(held.digest, eff_rf=7.0)])) == 0
        assert rows(store, columns=["eff_rf", "attempts"]).rows == [(5.0, 1)]

    def test_a_failure_of_one_who_lost_the_config_is_passed_over(self, store: Store) -> None:
        queue(store, count=1)
        (held,) = claim(store, STRANGER)
        TestQueue.age(store, 61)
        claim(store, ME)
        assert len(save(store, STRANGER, [failed(held.digest)])) == 0
        assert states(store) == {"running": 1}

    def test_attempts_are_counted_and_the_last_error_is_shown(self, store: Store) -> None:
        queue(store, count=1)
        for outcome in (failed, killed):
            (held,) = claim(store, ME)
            save(store, ME, [outcome(held.digest)])
            requeue(store, failed=True) if outcome is failed else None
        record = find(store, "growth:0")
        assert [(each.number, each.outcome) for each in record.attempts] == [(1, "failed"), (2, "killed")]
        assert record.attempts[0].traceback == "Traceback ..."
        assert rows(store, columns=["state", "attempts", "error", "dead", "theo_rf"]).rows == [
            ("killed", 2, "Killed: its worker died twice", None, None)
        ]

    def test_outcomes_that_counted_are_told_from_those_passed_over(self, store: Store) -> None:
        queue(store, count=2)
        one, two = claim(store, ME)
        outcomes = [done(one.digest), failed(two.digest)]
        save(store, ME, outcomes[:1])
        assert save(store, ME, outcomes) == outcomes[1:]

    def test_text_that_no_database_takes_is_kept_legible(self, store: Store) -> None:
        queue(store, count=1)
        (held,) = claim(store, ME)
        odd = failed(held.digest)
        assert odd.failure is not None
        failure = replace(odd.failure, message="a\0b\ud800c")
        save(store, ME, [replace(odd, failure=failure)])
        assert find(store, "growth:0").attempts[0].message == "a\ufffdb?c"

    def test_new_sizes_replace_the_old(self, store: Store) -> None:
        queue(store, count=2)
        digests = measure_all(store)
        fresh = Sizes(eff_rf=3.0, reasons={"hdr": "made up"})
        assert save_sizes(store, [(digests[0], fresh)]) == 1
        assert save_sizes(store, []) == 0
        first, second = (find(store, digest).result for digest in digests)
        assert first is not None
        assert first.sizes == fresh
        assert second is not None
        assert second.sizes == result().sizes

    def test_arrays_that_changed_on_disk_are_not_handed_out(self, store: Store) -> None:
        queue(store, count=2)
        one, two = measure_all(store)
        with store.write() as connection:
            connection.execute(update(map_table).where(map_table.c.config_id == 1).values(heatmap=b"heaT"))
        with pytest.raises(StoreError, match=rf"row 1 \(g{one[:12]}\) of table map, column heatmap: .* is damaged"):
            arrays(store, one)
        assert arrays(store, two).heatmap == b"heat"
        assert [digest for digest, _ in each_arrays(store, [two, "0" * 64])] == [two]

    def test_no_result_yet_is_said_so(self, store: Store) -> None:
        queue(store, count=1)
        with pytest.raises(InputError, match=r"no result of .* yet"):
            arrays(store, next(configs(1)).digest)


class TestFinding:
    def test_a_unique_prefix_or_a_place_names_a_config(self, store: Store) -> None:
        queue(store, count=5)
        digests = [config.digest for config in configs(5)]
        assert [find(store, digest[:12]).digest for digest in digests] == digests
        assert [find(store, f"growth:{place}").digest for place in range(5)] == digests
        assert find(store, digests[0].upper()).id == "g" + digests[0][:12]
        (membership,) = find(store, "growth:3").sweeps
        assert (membership.sweep, membership.position, membership.origin) == ("growth", 3, ORIGIN)

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("growth:99", "the sweep 'growth' has no position 99; they run from 0 to "),
            ("other:0", "no sweep 'other'"),
            ("xyz", "'xyz' names no config; write the first characters of its id, or SWEEP:position"),
            ("", "names no config"),
            ("f" * 64, "there is no config"),
            ("growth:99999999999999999999", "names no config"),
        ],
    )
    def test_what_names_none_is_told(self, store: Store, text: str, said: str) -> None:
        queue(store)
        with pytest.raises(InputError, match=said):
            find(store, text)

    def test_a_prefix_of_several_names_them(self, store: Store) -> None:
        queue(store, count=40)
        digests = [config.digest for config in configs(40)]
        first = next(letter for letter in "0123456789abcdef" if sum(d.startswith(letter) for d in digests) > 1)
        with pytest.raises(InputError, match=r"begins several configs .* write more of the id"):
            find(store, first)


class TestTables:
    def test_rows_can_be_filtered_sorted_and_cut(self, store: Store) -> None:
        queue(store, count=10)
        measure_all(store)
        table = rows(
            store,
            "growth",
            where="depth in (2, 3) and like(config, '?x3x3')",
            columns=["depth", "seed"],
            sort=["-depth", "seed"],
        )
        assert table.rows == [(3, 0), (3, 1), (2, 0), (2, 1)]
        assert [*rows(store, "growth", columns=["position"], limit=2).dicts()] == [{"position": 0}, {"position": 1}]

    def test_null_comes_last_both_ways(self, store: Store) -> None:
        queue(store, count=3)
        one, two, _ = claim(store, ME)
        save(store, ME, [done(one.digest, eff_rf=5.0), done(two.digest, eff_rf=7.0)])
        for sort, expected in (("eff_rf", [5.0, 7.0, None]), ("-eff_rf", [7.0, 5.0, None])):
            assert [row[0] for row in rows(store, columns=["eff_rf"], sort=[sort]).rows] == expected

    def test_rows_of_everything_hold_every_field_but_the_place(self, store: Store) -> None:
        queue(store, count=2)
        measure_all(store)
        table = rows(store)
        assert "position" not in table.columns
        first = next(table.dicts())
        assert (first["id"], first["config"]) == ("g" + next(configs(1)).digest[:12], "3x3")
        assert first["saturated"] is True
        assert first["ratio"] == 7 / 9
        assert {*rows(store, "growth").columns} == {*table.columns, "sweep", "position", "label"}

    def test_a_config_has_a_row_for_each_place_where_places_are_asked_for(self, store: Store) -> None:
        queue(store, "a", count=3)
        queue(store, "b", count=2, first=1)  # the second and third config of a
        assert len(rows(store).rows) == 3
        assert [*rows(store, columns=["sweep", "position"], sort=["sweep", "position"]).rows] == [
            *(("a", place) for place in (0, 1, 2)),
            *(("b", place) for place in (0, 1)),
        ]
        assert [*rows(store, columns=["sweep"], where="position == 1", sort=["-sweep"]).rows] == [("b",), ("a",)]
        assert [*rows(store, columns=["depth"], sort=["-position", "sweep"]).rows] == [(3,), (2,), (3,), (1,), (2,)]

    def test_sweeps_are_listed_with_their_states(self, store: Store) -> None:
        queue(store, "a", count=3)
        measure_all(store, "a")
        queue(store, "b", count=4, first=2)
        assert [(line.name, line.states, line.configs) for line in sweeps(store)] == [
            ("a", {"done": 3}, 3),
            ("b", {"done": 1, "queued": 3}, 4),
        ]

    def test_the_pace_is_what_the_last_minute_finished(self, store: Store) -> None:
        queue(store, count=12)
        held = claim(store, ME)
        times = [time.time() - 120 * (place < 6) for place in range(12)]
        save(store, ME, [replace(done(each.digest), finished=at) for each, at in zip(held, times, strict=True)])
        pace = status(store, "growth").pace
        assert (pace.configs, pace.cost) == (6 / 60, 3.0 / 60)

    def test_the_view_shows_configs_that_were_never_measured_too(self, store: Store) -> None:
        queue(store, count=1)
        with store.read() as connection:
            row = connection.execute(text("SELECT config, state, depth, eff_rf FROM results")).one()
        assert tuple(row) == ("3x3", "queued", 1, None)


def test_a_config_that_is_no_plain_stack_has_no_axes_of_one(store: Store) -> None:
    mixed = [Config(stem, Plane(21, 21)) for stem in ("7x7/2:64 max3x3/2", "3x3 5x5", "2x3x5@2")]
    submit(store, "mixed", {}, unlabelled(mixed), ORIGIN)
    columns = ["config", "kernel", "depth", "features", "dilation", "stride", "activation"]
    assert rows(store, "mixed", columns=columns).rows == [
        ("7x7/2:64 max3x3/2", None, None, None, None, None, None),
        ("3x3 5x5", None, None, None, None, None, None),
        ("2x3x5@2", None, 2, 4, 2, 1, "relu"),
    ]
