"""What an engine is, and which one a sweep should take."""

from collections.abc import Callable, Iterator
from threading import Event
from typing import Protocol, TypeAlias

from pipeline.engines.names import EngineName
from pipeline.engines.times import Times
from pipeline.graph import Partition
from pipeline.limits import Limits
from pipeline.result import Outcome

Deliver: TypeAlias = Callable[[list[Outcome]], None]
"""Called in the driving thread with the outcomes of a partition, or of a part of it, as soon as they are there."""

SHORT_CONFIG = 0.005
PROCESSES_START = 0.2


class Engine(Protocol):
    """Runs partitions. Every job that it is given is delivered once, or not at all if it was stopped.

    `times` says where the time of its runs went, `threads` how many threads measure now.
    """

    times: Times

    @property
    def threads(self) -> int:
        """Threads of the workers that are there now."""

    def run(self, partitions: Iterator[Partition], limits: Limits, deliver: Deliver, stop: Event) -> None:
        """Takes partitions as there is room for them and delivers their outcomes, until none are left.

        Once `stop` is set it takes no more, and delivers what is finished. Raises EngineError where it cannot go on.
        """


def choose(work: float, count: int) -> EngineName:
    """The engine with the smaller predicted time for `work` seconds of `count` configs on two workers.

    Two threads take 1.5 times the work when configs are short, because the interpreter is theirs in turn, and
    work / 1.5 otherwise; two processes take 0.2 s to start and then work / 1.8.
    """
    if count == 0:
        return "threads"
    threads = 1.5 * work if work / count < SHORT_CONFIG else work / 1.5
    return "threads" if threads <= PROCESSES_START + work / 1.8 else "processes"
