"""The loop over a queue, against a queue in memory: what it claims, saves, waits for and gives back."""

import signal
from threading import Event

import pytest

from pipeline import engine as make
from pipeline.config import encode
from pipeline.errors import GivenUpError, StoreError
from pipeline.job import Job
from pipeline.limits import Limits
from pipeline.queue import Holder, Left
from pipeline.sweep.build import build
from pipeline.task import measure
from pipeline.work import Settings, loop, work

SYNC = Settings(Limits(10**9), engine="sync")


def job(seed, cost=0.01):
    config = build({"stem": "3x3", "init": {"seed": seed}})
    return Job(config.digest, encode(config), cost)


class MemoryQueue:
    """A queue in memory. `others`: jobs that another process holds, which it gives back when it is asked the first time
    after everything else is done, or keeps for good."""

    def __init__(self, jobs, others=(), *, others_die=False):
        self.free = list(jobs)
        self.mine = {}
        self.others = list(others)
        self.others_die = others_die
        self.saved = []
        self.claims = []
        self.failed = []
        self.is_away = False

    def retry(self, limits, *, everything):
        again = [one for one in self.failed if everything or one.cost < limits.memory]
        self.free += again
        self.failed = []
        return len(again)

    def claim(self, seconds, least):
        taken = []
        while self.free and (len(taken) < least or sum(one.cost for one in taken) < seconds):
            taken.append(self.free.pop(0))
        self.mine |= {one.digest: one for one in taken}
        self.claims.append(len(taken))
        return taken

    def held(self):
        return set(self.mine)

    def renew(self):
        pass

    def ask(self):
        if self.is_away:
            raise GivenUpError("nobody answers")

    def abandon(self):
        pass

    def save(self, outcomes):
        counted = [one for one in outcomes if self.mine.pop(one.digest, None) is not None]
        self.saved += counted
        return counted

    def release(self, *, all_saved=False):
        if all_saved and self.mine:
            raise StoreError(f"{len(self.mine)} cannot be found")
        self.free += self.mine.values()
        self.mine.clear()

    def left(self):
        if self.others_die and not self.free and self.saved:
            self.free, self.others = self.others, []
        holders = (Holder("elsewhere:7", len(self.others)),) if self.others else ()
        failed = len(self.failed) + sum(one.kind != "done" for one in self.saved)
        return Left(len(self.free), 0.01 * len(self.free), len(self.others), 0.01, holders, failed)


class Heard:
    """Keeps what a run tells."""

    def __init__(self):
        self.begun = []
        self.finished = []
        self.said = []

    def begin(self, configs, seconds):
        self.begun.append(configs)

    def advance(self, done, failed, seconds):
        self.finished.append((done, failed, seconds))

    def say(self, text):
        self.said.append(text)


def test_everything_is_measured_and_saved_once():
    jobs = [job(seed) for seed in range(7)]
    queue, heard = MemoryQueue(jobs), Heard()
    summary = work(queue, SYNC, heard)
    assert sorted(one.digest for one in queue.saved) == sorted(one.digest for one in jobs)
    assert (summary.done, summary.failed, summary.killed, summary.failed_before, summary.held) == (7, 0, 0, 0, 0)
    assert not summary.is_interrupted
    assert heard.begun == [7]
    assert sum(done for done, _, _ in heard.finished) == 7
    assert sum(seconds for _, _, seconds in heard.finished) == pytest.approx(0.07)
    assert heard.said == []
    assert 0 < summary.times.measuring < summary.seconds


def test_a_config_that_fails_is_counted_and_the_others_go_on():
    jobs = [job(0), Job("a" * 64, b"{", 0.01), job(1)]
    summary = work(MemoryQueue(jobs), SYNC)
    assert (summary.done, summary.failed, summary.failed_before) == (2, 1, 0)


@pytest.mark.parametrize("everything", [True, False])
def test_what_failed_before_is_measured_again(everything):
    queue, heard = MemoryQueue([job(0)]), Heard()
    queue.failed = [job(1), job(2)]
    assert work(queue, Settings(Limits(10**9), engine="sync", retry_failed=everything), heard).done == 3
    assert heard.begun == [3]
    told = [] if everything else ["2 configs failed under narrower limits; measured again"]
    assert heard.said == told


def test_nothing_is_claimed_where_nothing_is_free():
    queue = MemoryQueue([])
    work(queue, SYNC)
    assert queue.claims == []


def test_the_first_failure_stops_a_run_that_fails_fast_and_the_rest_is_given_back():
    jobs = [Job("a" * 64, b"{", 1.0), *(job(seed, cost=1.0) for seed in range(20))]
    queue = MemoryQueue(jobs)
    summary = work(queue, Settings(Limits(10**9), engine="sync", fail_fast=True))
    assert (summary.failed, summary.done) == (1, 0)
    assert len(queue.free) == 20
    assert queue.mine == {}


def test_what_others_hold_is_waited_for_and_taken_over(monkeypatch):
    monkeypatch.setattr(loop, "POLL_SECONDS", 0.01)
    queue, heard = MemoryQueue([job(0)], others=[job(1), job(2)], others_die=True), Heard()
    assert work(queue, SYNC, heard).done == 3
    alone, told = MemoryQueue([], others=[job(1)]), Heard()
    summary = work(alone, Settings(Limits(10**9), engine="sync", wait=False), told)
    assert (summary.done, summary.held, told.said) == (0, 1, [])


def test_the_wait_is_told_once_with_those_who_are_waited_for(monkeypatch):
    monkeypatch.setattr(loop, "POLL_SECONDS", 0.01)
    queue, heard = MemoryQueue([], others=[job(1)]), Heard()
    asked = []

    def left():
        asked.append(True)
        if len(asked) == 5:
            queue.others.clear()
        return MemoryQueue.left(queue)

    queue.left = left
    assert work(queue, SYNC, heard).done == 0
    assert heard.said == ["waiting for 1 config: elsewhere:7 holds 1"]


def test_a_queue_that_keeps_what_was_saved_is_no_endless_run():
    queue = MemoryQueue([job(0)])
    queue.save = lambda outcomes: []
    with pytest.raises(StoreError, match="cannot be found"):
        work(queue, SYNC)


def test_a_signal_ends_the_run_in_good_order():
    queue = MemoryQueue([job(seed, cost=1.0) for seed in range(30)])
    heard = Heard()
    save = queue.save

    def save_and_interrupt(outcomes):
        counted = save(outcomes)
        if len(queue.saved) == 2:
            signal.raise_signal(signal.SIGINT)
        return counted

    queue.save = save_and_interrupt
    summary = work(queue, SYNC, heard)
    assert summary.is_interrupted
    assert summary.done == len(queue.saved) < 30
    assert len(queue.free) == 30 - len(queue.saved)
    assert heard.said == ["stopping: saving what is finished (Ctrl-C again stops at once)"]


def test_the_queue_is_given_back_where_the_engine_cannot_go_on(monkeypatch):
    class Broken:
        times = loop.Times()
        threads = 1

        def run(self, partitions, limits, deliver, stop):
            next(partitions)
            raise OSError("broken")

    monkeypatch.setattr(loop, "_engine", lambda *_: Broken())
    queue = MemoryQueue([job(seed) for seed in range(3)])
    with pytest.raises(OSError, match="broken"):
        work(queue, SYNC)
    assert len(queue.free) == 3


@pytest.mark.parametrize("engine", ["sync", "threads"])
def test_a_queue_that_gives_no_sign_of_life_ends_the_run_whatever_is_measured(engine, monkeypatch):
    monkeypatch.setattr("pipeline.work.leases.PULSE", 0.1)
    queue = MemoryQueue([job(seed) for seed in range(9)])
    original = make.make_engine
    is_over = Event()

    def endless(*arguments):
        queue.is_away = True
        is_over.wait(60)
        return measure(*arguments)

    def made(*arguments, **options):
        engine = original(*arguments, **options)
        engine.measure = endless
        return engine

    monkeypatch.setattr(make, "make_engine", made)
    try:
        with pytest.raises(GivenUpError, match="nobody answers"):
            work(queue, Settings(Limits(10**9), engine=engine))
        assert not is_over.is_set()
        assert queue.saved == []
    finally:
        is_over.set()  # threads that measure for nobody end
