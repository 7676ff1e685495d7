"""Engines that measure in this process, with worker processes for what may end it."""

from collections.abc import Iterator
from itertools import groupby
from threading import Event

from pipeline.engines.engine import Deliver, Engine
from pipeline.engines.processes import ProcessesEngine
from pipeline.graph import Partition
from pipeline.limits import Limits


class GuardedEngine:
    """An engine of this process, `inside`; what is suspected is measured by `outside` instead.

    A config that ends the process which measures it (a crash, a lack of memory) takes an engine inside this process
    with it, and the whole run. The next run finds what that run had claimed, and does not measure it in its own process
    again: a worker process takes it, and where it ends that too, it is found and blamed as on any other engine.
    """

    def __init__(self, inside: Engine, outside: ProcessesEngine) -> None:
        self.inside = inside
        self.outside = outside
        self.times = outside.times = inside.times

    def run(self, partitions: Iterator[Partition], limits: Limits, deliver: Deliver, stop: Event) -> None:
        """See `Engine.run`."""
        for suspected, stretch in groupby(partitions, lambda partition: partition.suspected):
            engine = self.outside if suspected else self.inside
            engine.run(stretch, limits, deliver, stop)
            if stop.is_set():
                return
