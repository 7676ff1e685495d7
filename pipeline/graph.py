"""Configs as a Dask graph: one ERF task a config, nested in partitions of about equal cost.

Scheduling a task of its own costs 1 to 5 ms and a small stem takes 0.2, so configs travel together: a partition is one
key, `(collect, [(measure, c1), (measure, c2), ...])`, whatever the engine. Configs travel as msgspec bytes.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from pipeline.job import Job
from pipeline.limits import Limits

if TYPE_CHECKING:
    from dask.task_spec import Task

    from pipeline.result import Outcome

PARTITION_SECONDS = 0.25
"""Expected work of a partition: long enough to cost little to schedule, short enough to be shared and lost."""

PARTITIONS_A_SECOND = 200
"""Partitions that come back in a second, at most: each takes a Dask scheduler 2 ms."""

Measure: TypeAlias = Callable[[str, bytes, int, float | None], Any]
"""A task for one config, `pipeline.task.measure`: digest, canonical JSON, bytes of memory, seconds."""


class Partition(msgspec.Struct, frozen=True):
    """Jobs that travel together as one scheduled unit of the graph."""

    key: str
    jobs: tuple[Job, ...]

    @property
    def cost(self) -> float:
        """Seconds that the partition is expected to take."""
        return sum(job.cost for job in self.jobs)

    @property
    def suspected(self) -> bool:
        """Whether its jobs are suspected, all of them or none."""
        return self.jobs[0].suspected


def partition_seconds(threads: int) -> float:
    """The expected work of a partition, in seconds, where so many threads measure."""
    return max(PARTITION_SECONDS, threads / PARTITIONS_A_SECOND)


def partitions(jobs: Iterable[Job], size: Callable[[], float] = lambda: PARTITION_SECONDS) -> Iterator[Partition]:
    """Jobs in their order, in partitions of about `size()` seconds of expected work; a big job is one of its own.

    The size is asked for as each partition begins: it may fall when little is left.
    """
    taken: list[Job] = []
    cost = seconds = 0.0
    for job in jobs:
        if taken and (cost + job.cost > seconds or job.suspected != taken[0].suspected):
            yield partition(taken)
            taken, cost = [], 0.0
        if not taken:
            seconds = size()
        taken.append(job)
        cost += job.cost
    if taken:
        yield partition(taken)


def partition(jobs: Iterable[Job]) -> Partition:
    """The partition of some jobs, its key named by the first of them."""
    listed = tuple(jobs)
    return Partition(f"erf-{listed[0].digest}-{len(listed)}", listed)


def graph(wanted: Partition, limits: Limits, task: Measure | None = None) -> "dict[str, Task]":
    """The Dask graph of a partition: one key with nested tasks, `measure` unless another is given."""
    from dask.task_spec import List, Task

    from pipeline.task import collect

    nested = [Task(None, *each) for each in _tasks(wanted, limits, task)]
    return {wanted.key: Task(wanted.key, collect, List(*nested))}


def outcomes(wanted: Partition, limits: Limits, task: Measure | None = None) -> "list[Outcome]":
    """What the graph of a partition comes to, called in turn: within one key there is nothing to schedule."""
    from pipeline.task import collect

    return collect([measured(*arguments) for measured, *arguments in _tasks(wanted, limits, task)])


def _tasks(wanted: Partition, limits: Limits, task: Measure | None) -> list[tuple[Any, ...]]:
    """For each config, a function and its arguments."""
    if task is None:
        from pipeline.task import measure as task
    return [(task, job.digest, job.config, limits.memory, limits.timeout) for job in wanted.jobs]
