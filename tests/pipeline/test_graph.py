"""The graph: partitions of about equal cost, each one key with nested tasks."""

from itertools import pairwise

import pytest
from dask.local import get_sync
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import encode
from pipeline.engines.wire import execute, pack, unpack
from pipeline.graph import PARTITION_SECONDS, graph, partition, partition_seconds, partitions
from pipeline.job import Job
from pipeline.limits import DEFAULT_MEMORY, Limits
from pipeline.sweep.build import build

LIMITS = Limits(DEFAULT_MEMORY)


def job(stem: str) -> Job:
    """The job of a stem."""
    config = build({"stem": stem})
    return Job(config.digest, encode(config), 0.001)


@given(st.lists(st.floats(1e-6, 1.0), max_size=200))
def test_partitions_hold_every_job_once_in_its_order_and_cost_no_more_than_their_share(costs):
    jobs = [Job(str(number), b"{}", cost) for number, cost in enumerate(costs)]
    made = list(partitions(jobs))
    assert [one for part in made for one in part.jobs] == jobs
    assert all(part.cost <= PARTITION_SECONDS * (1 + 1e-9) or len(part.jobs) == 1 for part in made)
    # None could have taken the first job of the next one.
    assert all(part.cost + after.jobs[0].cost > PARTITION_SECONDS * (1 - 1e-9) for part, after in pairwise(made))


@pytest.mark.parametrize(("threads", "seconds"), [(1, 0.25), (2, 0.25), (50, 0.25), (200, 1.0), (1000, 5.0)])
def test_many_threads_get_longer_partitions_so_that_200_come_back_in_a_second(threads, seconds):
    assert partition_seconds(threads) == seconds


def test_a_large_config_is_a_partition_of_its_own():
    small, large = Job("a", b"{}", 0.01), Job("b", b"{}", 9.0)
    assert [len(part.jobs) for part in partitions([small, small, large, small])] == [2, 1, 1]


def test_suspected_jobs_do_not_travel_with_others():
    jobs = [Job(name, b"{}", 0.01, suspected=name in "bce") for name in "abcdef"]
    parts = list(partitions(jobs))
    assert [[one.digest for one in part.jobs] for part in parts] == [["a"], ["b", "c"], ["d"], ["e"], ["f"]]
    assert [part.suspected for part in parts] == [False, True, False, True, False]


def test_jobs_are_read_only_as_partitions_are_taken():
    read = []

    def endless():
        while True:
            read.append(len(read))
            yield Job(str(len(read)), b"{}", 0.1)

    made = partitions(endless())
    next(made)
    assert len(read) <= 4


def test_a_partition_is_one_key_with_one_task_for_each_config():
    jobs = [job("3x3"), job("2x3x3")]
    ((key, task),) = graph(partition(jobs), LIMITS).items()
    assert key == task.key == partition(jobs).key
    assert task.func.__name__ == "collect"
    (nested,) = task.args
    assert [(each.func.__name__, each.args[0]) for each in nested.args] == [("measure", one.digest) for one in jobs]


def test_what_travels_as_bytes_is_the_same_graph():
    wanted = partition([job("3x3"), job("5x5 max2x2/2")])
    direct = get_sync(graph(wanted, LIMITS), wanted.key)
    reply = unpack(execute(pack(wanted, LIMITS), None))
    assert [one.digest for one in reply.outcomes] == [one.digest for one in direct]
    assert [one.result.arrays for one in reply.outcomes] == [one.result.arrays for one in direct]
    assert [one.result.sizes for one in reply.outcomes] == [one.result.sizes for one in direct]


@pytest.mark.parametrize("stem", ["3x3", "12x3x3"])
def test_keys_share_one_prefix_so_that_a_scheduler_keeps_no_book_of_each(stem):
    from dask.utils import key_split

    assert key_split(f"{partition([job(stem)]).key}-12") == "erf"
