"""How much is claimed and handed out at a time, by the number of threads that measure."""

import pytest

from pipeline.job import Job
from pipeline.work.feed import Feed


class Claimed:
    """A queue that gives out so many configs of so many seconds, and nothing after that."""

    def __init__(self, configs: int, cost: float) -> None:
        self.jobs = [Job(str(number), b"{}", cost) for number in range(configs)]
        self.asked: list[tuple[float, int]] = []

    def claim(self, seconds: float, least: int) -> list[Job]:
        self.asked.append((seconds, least))
        claimed, self.jobs = self.jobs, []
        return claimed


class Held:
    """Leases that never lapse."""

    def still_held(self) -> None:
        return None


@pytest.mark.parametrize(
    ("configs", "cost", "threads", "seconds", "partition"),
    [
        (16, 0.5, 2, 8.0, 0.25),  # two workers of this machine
        (100, 0.001, 2, 8.0, 0.05),  # a tenth of a second of work is left: half of it for each
        (2000, 1.0, 1000, 5000.0, 5.0),  # a cluster, where 200 partitions may come back in a second
        (900, 1.0, 1000, 5000.0, 0.9),  # fewer are left: each thread gets one
        (2000, 0.001, 1000, 5000.0, 0.05),  # short configs: 50 of them, not two
        (200, 0.001, 1000, 5000.0, 0.0002),
    ],
)
def test_claims_and_partitions_by_the_number_of_threads(configs, cost, threads, seconds, partition):
    queue = Claimed(configs, cost)
    feed = Feed(queue, Held(), {}, lambda: threads, lambda text: None)
    next(feed.jobs())
    assert queue.asked == [(seconds, threads)]
    assert feed.partition_seconds() == pytest.approx(partition)
