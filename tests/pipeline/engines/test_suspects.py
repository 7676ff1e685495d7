"""Blame, against a simulated fleet: every culprit is found, and no innocent is blamed, however fast workers die."""

import math
import random
from collections import Counter, deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.engines.suspects import CONTROL, DEATHS, LEAST_CONTROL, MOST_CONTROL, Suspects, halves
from pipeline.graph import Partition, partition
from pipeline.job import Job

TICK = 0.005
RESTART = 0.05
"""Seconds until a worker that died has been replaced."""


def jobs(count: int, cost: float = 0.02) -> list[Job]:
    """Jobs whose digest is their number."""
    return [Job(str(number), b"{}", cost) for number in range(count)]


class Seat:
    """A simulated worker."""

    def __init__(self) -> None:
        self.back = 0.0
        self.carried: Partition | None = None
        self.alone = False
        self.until = self.since = 0.0


class Fleet:
    """Workers that run one partition each, in virtual time; a poisoned job ends its worker, and so does a storm.

    `storm(now)`: deaths a second, of all workers together, which strike any that is there.
    """

    def __init__(self, parts, poisoned=(), storm=lambda now: 0.0, seed=0, workers=2, dies_after=0.005) -> None:
        self.fresh = deque(parts)
        self.poisoned = set(poisoned)
        self.storm = storm
        self.random = random.Random(seed)
        self.dies_after = dies_after
        self.now = 0.0
        self.suspects = Suspects(lambda: self.now)
        self.seats = [Seat() for _ in range(workers)]
        self.done: Counter[str] = Counter()
        self.killed: Counter[str] = Counter()
        self.deaths: Counter[str] = Counter()
        self.deaths_alone: Counter[str] = Counter()

    def run(self, limit: float = math.inf) -> None:
        """Until nothing is left, or so many seconds have passed."""
        while self.now < limit and (self.fresh or self.suspects or any(seat.carried for seat in self.seats)):
            self.now += TICK
            here = [seat for seat in self.seats if self.now >= seat.back]
            chance = 1 - math.exp(-self.storm(self.now) * TICK / len(self.seats))
            for seat in here:
                self._advance(seat, self.random.random() < chance)
            here = [seat for seat in here if self.now >= seat.back]
            for job in self.suspects.watch(len(here)):
                self.killed[job.digest] += 1
            self._fill(here)

    def _advance(self, seat: Seat, struck: bool) -> None:
        one = seat.carried
        digests = {job.digest for job in one.jobs} if one else set()
        if struck or (digests & self.poisoned and self.now >= seat.since + self.dies_after):
            self.deaths.update(digests or {"idle"})
            if seat.alone and len(digests) == 1:
                self.deaths_alone.update(digests)
            self.suspects.died([one] if one else [], [], alone=seat.alone, lasted=self.now - seat.since)
            seat.back, seat.carried, seat.alone = self.now + RESTART, None, False
        elif one and self.now >= seat.until:
            self.suspects.finished(one)
            self.done.update(digests)
            seat.carried, seat.alone = None, False

    def _fill(self, here: list[Seat]) -> None:
        idle = not self.fresh and all(seat.alone or seat.carried is None for seat in self.seats)
        for seat in here:
            if seat.carried is None:
                seat.alone = self.suspects.ready(idle=idle) > 0
                if seat.alone or self.fresh:
                    seat.carried = self.suspects.take() if seat.alone else self.fresh.popleft()
                    seat.since, seat.until = self.now, self.now + seat.carried.cost


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 60), st.integers(1, 3), st.data())
def test_every_culprit_is_found_and_only_after_its_deaths_alone(count, workers, data):
    poisoned = {str(number) for number in data.draw(st.sets(st.integers(0, count - 1), max_size=4))}
    size = data.draw(st.integers(1, count))
    listed = jobs(count)
    fleet = Fleet([partition(listed[at : at + size]) for at in range(0, count, size)], poisoned, workers=workers)
    fleet.run()
    assert fleet.killed == Counter(poisoned)
    assert fleet.done == Counter(job.digest for job in listed if job.digest not in poisoned)
    assert all(fleet.deaths_alone[digest] >= DEATHS > 2 for digest in poisoned)


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 500), st.integers(0, 499))
def test_one_culprit_among_n_costs_as_many_workers_as_n_can_be_halved_and_five(count, place):
    culprit = str(place % count)
    fleet = Fleet([partition(jobs(count, 0.001))], {culprit})
    fleet.run()
    assert fleet.killed == {culprit: 1}
    assert fleet.deaths[culprit] <= (count - 1).bit_length() + DEATHS + 2
    assert fleet.deaths_alone[culprit] == DEATHS + 1


def test_many_culprits_share_their_controls():
    fleet = Fleet([partition([job]) for job in jobs(200)], {str(number) for number in range(0, 200, 2)})
    fleet.run()
    assert fleet.killed == Counter(str(number) for number in range(0, 200, 2))
    assert max(fleet.deaths_alone.values()) <= DEATHS + 2
    assert fleet.now < 100 * 0.12 * (DEATHS + 2) + DEATHS * MOST_CONTROL


@pytest.mark.parametrize("rate", [1, 3, 7, 17, 40])
@pytest.mark.parametrize("seconds", [0.01, 0.1, 0.5])
def test_a_storm_convicts_nobody_however_fast_it_is(rate, seconds):
    """Up to forty deaths a second, where no config of half a second comes through at all."""
    for seed, workers in enumerate((2, 1, 4)):
        parts = [partition([job]) for job in jobs(100, seconds)]
        fleet = Fleet(parts, storm=lambda now: rate, seed=seed, workers=workers)
        fleet.run(limit=200.0)
        assert not fleet.killed
        assert set(fleet.done.values()) <= {1}


def test_a_storm_that_comes_and_goes_convicts_nobody_and_everything_is_measured():
    for seed in range(20):
        chance = random.Random(seed)
        period, share, rate = chance.uniform(0.2, 5), chance.uniform(0.1, 0.6), chance.uniform(5, 60)
        parts = [partition([job]) for job in jobs(100, 0.05)]

        def storm(now, period=period, share=share, rate=rate):
            return rate if now % period < share * period else 0.0

        fleet = Fleet(parts, storm=storm, seed=seed)
        fleet.run(limit=2000.0)
        assert not fleet.killed
        assert fleet.done == Counter(str(number) for number in range(100))


def test_a_culprit_is_found_once_a_storm_has_passed():
    for seed in range(10):
        fleet = Fleet([partition(jobs(50))], {"7"}, storm=lambda now: 10.0 if now < 20 else 0.0, seed=seed)
        fleet.run(limit=60.0)
        assert fleet.killed == {"7": 1}
        assert fleet.done == Counter(job.digest for job in jobs(50) if job.digest != "7")


@given(st.floats(1e-4, 1e4), st.integers(1, 50))
def test_an_innocent_is_struck_before_a_calm_control_at_one_time_of_twelve_at_most(struck, workers):
    """r D and S of the derivation: the largest over r D is at ln(1 + 1 / (CONTROL S)) S."""
    assert (1 - math.exp(-struck / workers)) * math.exp(-CONTROL * struck) < 1 / 12


def test_a_control_is_as_long_as_it_was_derived_and_has_bounds():
    for seconds, length in [(0.01, LEAST_CONTROL), (2.0, CONTROL * 2.0), (500.0, MOST_CONTROL)]:
        now = [0.0]
        suspects = Suspects(lambda now=now: now[0])
        (job,) = jobs(1, 0.0)
        suspects.died([partition([job])], [], alone=True, lasted=seconds)
        verdicts = 0
        for _ in range(DEATHS):
            assert suspects.ready(idle=True) == 1
            suspects.died([suspects.take()], [], alone=True, lasted=seconds)
            assert suspects.watch(1) == []
            now[0] += length - 0.01
            assert suspects.watch(1) == []
            assert suspects.ready(idle=True) == 0  # nobody is tried during a control
            now[0] += 1000.0
            assert suspects.watch(0) == []  # without a worker nobody is seen to live
            now[0] += 0.02
            verdicts += len(suspects.watch(1))
        assert verdicts == 1
        assert not suspects


def test_what_comes_back_unmeasured_is_tried_again_and_only_cornered_configs_are_kept():
    suspects = Suspects(lambda: 0.0)
    one, other = (partition([job]) for job in jobs(2))
    suspects.died([one], [], alone=True)
    assert suspects.ready(idle=True) == 1
    assert suspects.take() == one
    assert not suspects.gave_back(other)
    assert suspects.gave_back(one)
    assert suspects.ready(idle=False) == 1
    suspects.finished(suspects.take())
    assert not suspects


def test_halves_hold_every_job_once_in_order():
    whole = partition(jobs(7))
    assert [job for half in halves(whole) for job in half.jobs] == list(whole.jobs)
    (single,) = halves(partition(jobs(1)))
    assert len(single.jobs) == 1
