"""The driver, against a fleet that does what a test says."""

from queue import SimpleQueue
from threading import Event

import pytest

from pipeline.engines.driving import STRUCK, Drive
from pipeline.engines.fleet import Joined, Left
from pipeline.engines.times import Times
from pipeline.errors import EngineError
from pipeline.graph import partitions
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
