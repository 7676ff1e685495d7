"""The driver, against a fleet that does what a test says."""

from queue import SimpleQueue
from threading import Event

import pytest

from pipeline.engines.driving import STRUCK, Drive
from pipeline.engines.fleet import Broken, Joined, Left, Returned
from pipeline.engines.times import Times
from pipeline.engines.wire import execute, pack
from pipeline.errors import EngineError
from pipeline.graph import partitions
from pipeline.limits import Limits
from pipeline.task import measure
from tests.jobs import jobs_of


class Doomed:
    """A fleet of one worker, which dies of whatever it is given, and while it waits too; it is always replaced."""

    def __init__(self) -> None:
        self.events = SimpleQueue()
        self.patience = 0.5
        self.deaths = 0
        self.closed = False

    def open(self) -> None:
        self.events.put(Joined("worker 0", 1))

    def close(self) -> None:
        self.closed = True

    def send(self, address, key, partition) -> None:
        self.tend()

    def tend(self) -> None:
        self.events.put(Left(f"worker {self.deaths}", ending="was killed by signal 9 (SIGKILL)"))
        self.deaths += 1
        self.events.put(Joined(f"worker {self.deaths}", 1))

    def waiting(self) -> str:
        return "waiting"

    def absence(self) -> str:
        return "nobody came"


def test_where_idle_workers_die_too_nobody_is_blamed_and_the_run_ends():
    fleet, delivered = Doomed(), []
    drive = Drive(fleet, delivered.extend, Event(), Times(), lambda text: None)
    with pytest.raises(EngineError, match="killed from outside") as error:
        drive.run(partitions(jobs_of(["3x3"], "range(0,3)")))
    assert "\n" not in str(error.value)
    assert delivered == []
    assert fleet.closed
    assert drive.struck >= STRUCK


class Prompt:
    """A fleet of so many workers of one thread, which bring back what they are given, all of it at once."""

    def __init__(self, workers: int) -> None:
        self.events = SimpleQueue()
        self.patience = 0.5
        self.workers = workers
        self.sent = []

    def open(self) -> None:
        for number in range(self.workers):
            self.events.put(Joined(f"worker {number}", 1))

    def close(self) -> None:
        pass

    def send(self, address, key, partition) -> None:
        self.sent.append((address, key, partition))

    def withdraw(self, address, key) -> None:
        self.sent = [each for each in self.sent if each[:2] != (address, key)]

    def tend(self) -> None:
        """The driver has nothing to do: everybody is done."""
        done, self.sent = self.sent, []
        for address, key, partition in done:
            self.events.put(Returned(address, key, execute(pack(partition, Limits(10**9)), measure)))

    def waiting(self) -> str:
        return "waiting"

    def absence(self) -> str:
        return "nobody came"


def test_what_came_back_meanwhile_is_delivered_together():
    """Four workers, two partitions each: eight transactions would be as slow as eight configs are few."""
    jobs = jobs_of(["3x3"], "range(0,8)", cost=1.0)
    fleet, delivered = Prompt(4), []
    drive = Drive(fleet, delivered.append, Event(), Times(), lambda text: None)
    drive.run(partitions(jobs))
    assert [len(batch) for batch in delivered] == [8]
    assert {outcome.digest for outcome in delivered[0]} == {job.digest for job in jobs}
    assert drive.threads == 4


def test_what_came_back_before_a_fleet_broke_is_delivered():
    jobs = jobs_of(["3x3"], "range(0,2)", cost=1.0)
    fleet, delivered = Prompt(1), []
    bring = fleet.tend

    def bring_and_break() -> None:
        bring()
        fleet.events.put(Broken(EngineError("the scheduler is gone")))

    fleet.tend = bring_and_break
    with pytest.raises(EngineError, match="the scheduler is gone"):
        Drive(fleet, delivered.extend, Event(), Times(), lambda text: None).run(partitions(jobs))
    assert {outcome.digest for outcome in delivered} == {job.digest for job in jobs}
