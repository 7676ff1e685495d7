"""The pool of workers, over a fleet that does what a test says."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Event

import pytest

from pipeline.engines.fleet import Broken, Joined, Left, Returned
from pipeline.engines.pool import WorkerPool
from pipeline.engines.times import Times
from pipeline.engines.wire import execute, pack
from pipeline.errors import EngineError
from pipeline.graph import Partition, partition
from tests.jobs import LIMITS, jobs_of


class Obedient:
    """A fleet whose workers do nothing but what they are told to: `sent` holds what they were given."""

    def __init__(self, workers: int = 1) -> None:
        self.events = SimpleQueue()
        self.patience = 60.0
        self.workers = workers
        self.sent: SimpleQueue[tuple[str, str, Partition]] = SimpleQueue()
        self.is_closed = False

    def open(self) -> None:
        for number in range(self.workers):
            self.join(f"worker {number}")

    def close(self) -> None:
        self.is_closed = True

    def send(self, address, key, sent) -> None:
        self.sent.put((address, key, sent))

    def withdraw(self, address, key) -> None: ...

    def tend(self) -> None: ...

    def join(self, address) -> None:
        self.events.put(Joined(address, 1))

    def work(self) -> Partition:
        """Measures the next partition that some worker was given."""
        address, key, sent = self.sent.get(timeout=120)
        self.events.put(Returned(address, key, execute(pack(sent, LIMITS), None)))
        return sent


@contextmanager
def opened(fleet, stop=None):
    """A pool, and threads that wait for it."""
    pool = WorkerPool(fleet, stop or Event(), Times(), lambda text: None)
    with ThreadPoolExecutor() as threads:
        pool.open()
        try:
            yield pool, threads
        finally:
            pool.close()
    assert fleet.is_closed


def digests(outcomes):
    return [one.digest for one in outcomes]


def test_a_partition_comes_back_with_its_outcomes_in_order():
    jobs, fleet = jobs_of(["3x3"], "range(0,3)"), Obedient()
    with opened(fleet) as (pool, threads):
        pool.begin(partition(jobs))
        fleet.work()
        found = threads.submit(pool.measure, partition(jobs)).result(120)
        assert digests(found) == digests(jobs)
        assert {one.kind for one in found} == {"done"}
        assert not pool.owes


def test_what_a_worker_died_with_comes_later_and_nobody_waits_for_it():
    jobs, others, fleet = jobs_of(["3x3"], "range(0,4)"), jobs_of(["5x5"], "range(0,2)"), Obedient()
    with opened(fleet) as (pool, threads):
        waiting = threads.submit(pool.measure, partition(jobs))
        fleet.sent.get(timeout=120)
        fleet.events.put(Left("worker 0"))
        assert waiting.result(120) == []
        assert pool.owes
        fleet.join("worker 1")
        first = fleet.work()  # one half of the suspects, before anything else
        assert digests(first.jobs) == digests(jobs)[:2]
        second = threads.submit(pool.measure, partition(others))
        assert digests(fleet.work().jobs) == digests(jobs)[2:]
        fleet.work()
        found = digests(second.result(120))
        while pool.owes:
            found += digests(threads.submit(pool.late).result(120))
        assert sorted(found) == sorted(digests(jobs) + digests(others))


def test_a_job_that_is_claimed_again_while_it_is_measured_holds_nobody_up():
    jobs, fleet = jobs_of(["3x3"], "range(0,3)"), Obedient(2)
    with opened(fleet) as (pool, threads):
        waiting = [threads.submit(pool.measure, partition(part)) for part in (jobs[:2], jobs[1:])]
        fleet.work()
        fleet.work()
        found = [digest for one in waiting for digest in digests(one.result(120))]
        while pool.owes:
            found += digests(threads.submit(pool.late).result(120))
        assert set(found) == set(digests(jobs))


def test_a_fleet_that_cannot_go_on_is_an_error_for_everyone_who_waits():
    jobs, fleet = jobs_of(["3x3"], "range(0,2)"), Obedient()
    with opened(fleet) as (pool, threads):
        waiting = threads.submit(pool.measure, partition(jobs[:1]))
        fleet.sent.get(timeout=120)
        fleet.events.put(Broken(EngineError("nothing works")))
        for each in (waiting, threads.submit(pool.measure, partition(jobs[1:]))):
            with pytest.raises(EngineError, match="nothing works"):
                each.result(120)


def test_a_pool_that_is_closed_keeps_nobody_waiting():
    with ThreadPoolExecutor() as threads:
        fleet = Obedient()
        with opened(fleet) as (pool, _):
            waiting = threads.submit(pool.measure, partition(jobs_of(["3x3"], "range(0,2)")))
            fleet.sent.get(timeout=120)
        with pytest.raises(EngineError, match="called off"):
            waiting.result(120)


def test_after_a_stop_partitions_come_back_with_what_is_there():
    jobs, fleet, stop = jobs_of(["3x3"], "range(0,4)"), Obedient(), Event()
    with opened(fleet, stop) as (pool, threads):
        running, behind = (threads.submit(pool.measure, partition(part)) for part in (jobs[:2], jobs[2:]))
        fleet.sent.get(timeout=120)
        stop.set()
        assert running.result(120) == behind.result(120) == []
        assert threads.submit(pool.measure, partition(jobs)).result(120) == []
