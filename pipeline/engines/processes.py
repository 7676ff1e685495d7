"""Processes of our own on this machine, two unless more are asked for."""

from collections.abc import Callable, Iterator
from itertools import chain
from threading import Event

from pipeline.engines.engine import Deliver
from pipeline.engines.times import Times
from pipeline.graph import Measure, Partition
from pipeline.limits import Limits


class ProcessesEngine:
    """Workers that live as long as a run."""

    def __init__(
        self, workers: int = 2, *, say: Callable[[str], None] = lambda text: None, measure: Measure | None = None
    ) -> None:
        self.workers = workers
        self.say = say
        self.measure = measure
        self.times = Times()

    def run(self, partitions: Iterator[Partition], limits: Limits, deliver: Deliver, stop: Event) -> None:
        """See `Engine.run`."""
        first = next(partitions, None)
        if first is None or stop.is_set():
            return
        with self.times.spent("starting"):
            from pipeline.engines.driving import Drive
            from pipeline.engines.process_fleet import ProcessFleet

            fleet = ProcessFleet(self.workers, limits, self.measure)
        Drive(fleet, deliver, stop, self.times, self.say).run(chain([first], partitions))
