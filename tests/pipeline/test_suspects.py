"""Blame, against a simulated fleet: every culprit is found, no innocent is blamed."""

import random
from collections import Counter, deque

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.engines.suspects import LEAST_DEATHS, Suspects, halves
from pipeline.graph import Partition, partition
from pipeline.job import Job


def jobs(count: int) -> list[Job]:
    """Jobs whose digest is their number."""
    return [Job(str(number), b"{}", 0.001) for number in range(count)]


class Fleet:
    """Two workers that run partitions in turns; a poisoned job ends its worker, and so does chance."""

    def __init__(self, parts: list[Partition], poisoned: set[str], chance: float, seed: int) -> None:
        self.fresh = deque(parts)
        self.poisoned = poisoned
        self.random = random.Random(seed)
        self.chance = chance
        self.now = 0.0
        self.suspects = Suspects(lambda: self.now)
        self.done: Counter[str] = Counter()
        self.killed: Counter[str] = Counter()
        self.deaths_alone: Counter[str] = Counter()

    def run(self) -> None:
        """Until nothing is left."""
        while self.fresh or self.suspects.waiting:
            self.now += 0.1
            if self.suspects.waiting:
                running, behind, alone = self.suspects.waiting.popleft(), [], True
            else:
                running, alone = self.fresh.popleft(), False
                behind = [self.fresh.popleft()] if self.fresh else []
            digests = {job.digest for job in running.jobs}
            if digests & self.poisoned or self.random.random() < self.chance:
                if alone and len(digests) == 1:
                    self.deaths_alone.update(digests)
                culprit = self.suspects.died([running], behind, alone=alone)
                if culprit is not None:
                    self.killed[culprit.digest] += 1
            else:
                self.suspects.finished(running)
                self.done.update(digests)
                self.fresh.extendleft(behind)


@settings(max_examples=50)
@given(st.integers(1, 60), st.data())
def test_every_culprit_is_found_and_only_after_ending_its_worker_more_than_twice_while_it_was_alone(count, data):
    poisoned = {str(number) for number in data.draw(st.sets(st.integers(0, count - 1), max_size=4))}
    size = data.draw(st.integers(1, count))
    listed = jobs(count)
    fleet = Fleet([partition(listed[at : at + size]) for at in range(0, count, size)], poisoned, 0.0, 0)
    fleet.run()
    assert fleet.killed == Counter(poisoned)
    assert fleet.done == Counter(job.digest for job in listed if job.digest not in poisoned)
    assert all(fleet.deaths_alone[digest] >= LEAST_DEATHS > 2 for digest in poisoned)


@given(st.integers(2, 500), st.integers(0, 499))
def test_one_culprit_among_n_costs_as_many_deaths_as_n_can_be_halved_and_three(count, place):
    fleet = Fleet([partition(jobs(count))], {str(place % count)}, 0.0, 0)
    fleet.run()
    deaths = len(fleet.suspects._deaths) + sum(fleet.deaths_alone.values())
    assert deaths <= (count - 1).bit_length() + 3
    assert fleet.deaths_alone[str(place % count)] == 3


def test_workers_that_are_shot_at_random_convict_nobody():
    # One death for every ten configs that run, each a partition of its own: far worse than any operator.
    for seed in range(200):
        fleet = Fleet([partition([job]) for job in jobs(100)], set(), 1 / 10, seed)
        fleet.run()
        assert not fleet.killed
        assert fleet.done == Counter(str(number) for number in range(100))


def test_a_culprit_is_found_among_workers_that_are_shot_at_random():
    for seed in range(20):
        fleet = Fleet([partition(jobs(50))], {"7"}, 0.1, seed)
        fleet.run()
        assert fleet.killed == {"7": 1}


def test_halves_hold_every_job_once_in_order():
    whole = partition(jobs(7))
    assert [job for half in halves(whole) for job in half.jobs] == list(whole.jobs)
    (single,) = halves(partition(jobs(1)))
    assert len(single.jobs) == 1
