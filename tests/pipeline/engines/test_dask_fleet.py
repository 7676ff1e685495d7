"""What a fleet of Dask workers makes of a client that tells of them in an unfortunate order."""

import asyncio
from concurrent.futures import CancelledError
from queue import Empty
from types import SimpleNamespace

import pytest

from pipeline.engines.cluster import dask_fleet
from pipeline.engines.cluster.dask_fleet import DaskFleet
from pipeline.engines.fleet import Broken, Joined, Left, Refused, Returned
from pipeline.engines.versions import versions
from pipeline.graph import partition
from tests.jobs import LIMITS, jobs_of

HERE = "tcp://127.0.0.1:1"
OTHER = "tcp://127.0.0.1:2"
PARTITION = partition(jobs_of(["3x3"], "range(0,2)"))


class Client:
    """A client whose workers answer what `answers` says, and whose tasks come to what `replies` says, one by one."""

    def __init__(self) -> None:
        self.status = "running"
        self.answers = {HERE: versions(), OTHER: versions()}
        self.replies = []
        self.submitted = []
        self.loop = SimpleNamespace(asyncio_loop=asyncio.get_running_loop())
        self.scheduler = SimpleNamespace(address="tcp://127.0.0.1:8786", ncores=self.ncores)

    async def ncores(self, workers=None):
        return dict.fromkeys(self.answers, 1)

    async def run(self, function, *, workers, on_error):
        return {address: self.answers[address] for address in workers}

    def submit(self, function, *arguments, key, **options):
        self.submitted.append(key)
        return Future(self.replies.pop(0))


class Future:
    def __init__(self, reply) -> None:
        self.reply = reply
        self.status = "error" if isinstance(reply, LookupError) else "cancelled"

    def __await__(self):
        if False:
            yield
        if isinstance(self.reply, BaseException):
            raise self.reply
        return self.reply

    def release(self) -> None: ...


def play(scene) -> list[object]:
    """The news that come of a scene with a client and its fleet, on the loop that they share."""

    async def played():
        client = Client()
        fleet = DaskFleet(client, LIMITS, 30.0, None)
        await scene(client, fleet)
        while fleet._tasks:
            await asyncio.gather(*fleet._tasks)
        found = []
        try:
            while True:
                found.append(fleet.events.get_nowait())
        except Empty:
            return found

    return asyncio.run(played())


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch):
    monkeypatch.setattr(dask_fleet, "_PAUSE", 0.0)


async def joined(fleet, *addresses):
    for address in addresses:
        fleet._joined(address)
        await asyncio.gather(*fleet._tasks)


def heard(action, worker):
    return 0.0, {"action": action, "worker": worker, "processing-tasks": {}, "expected": False}


@pytest.mark.parametrize("error", [ConnectionResetError("in the middle"), TimeoutError("slow"), OSError("no route")])
def test_a_worker_that_leaves_while_it_is_asked_for_its_versions_is_not_refused(error):
    async def scene(client, fleet):
        client.answers[HERE] = error
        await joined(fleet, HERE)
        fleet._heard(heard("remove-worker", HERE))
        assert fleet.events.empty()
        assert f"({HERE} does not answer: {error})" in fleet.absence()
        client.answers[HERE] = versions()
        fleet._heard(heard("add-worker", HERE))

    assert play(scene) == [Joined(HERE, 1)]


def test_a_worker_that_could_not_be_asked_is_asked_again():
    async def scene(client, fleet):
        client.answers[HERE] = TimeoutError("busy")
        await fleet._compare()
        await asyncio.gather(*fleet._tasks)
        client.answers[HERE] = versions()
        await fleet._compare()

    assert sorted(play(scene)) == [Joined(HERE, 1), Joined(OTHER, 1)]


def test_a_worker_that_was_of_use_is_waited_for_though_another_was_refused():
    async def scene(client, fleet):
        client.answers[OTHER] = {**versions(), "numpy": "1.0"}
        await joined(fleet, HERE, OTHER)
        fleet._heard(heard("remove-worker", HERE))
        assert "numpy 1.0" in fleet.absence()

    first, refused, left = play(scene)
    assert (first, type(refused), left) == (Joined(HERE, 1), Refused, Left(HERE, frozenset()))


def test_where_every_worker_was_refused_none_is_waited_for():
    async def scene(client, fleet):
        client.answers[OTHER] = {**versions(), "numpy": "1.0"}
        await joined(fleet, OTHER)

    refused, broken = play(scene)
    assert (type(refused), type(broken)) == (Refused, Broken)
    assert refused.reason == str(broken.error)


def test_nothing_is_submitted_for_a_worker_that_has_left():
    """The driving thread may give it a partition before it takes note of that."""

    async def scene(client, fleet):
        await joined(fleet, HERE)
        fleet._heard(heard("remove-worker", HERE))
        fleet._begin(HERE, "late", PARTITION)
        await asyncio.sleep(0)
        assert client.submitted == []
        assert fleet._carrying == {}

    assert play(scene) == [Joined(HERE, 1), Left(HERE, frozenset())]


@pytest.mark.parametrize("error", [CancelledError(), asyncio.CancelledError(), ConnectionResetError()])
def test_what_somebody_cancelled_or_a_connection_lost_is_given_back_while_the_scheduler_is_there(error):
    async def scene(client, fleet):
        await joined(fleet, HERE)
        client.replies = [error, b"reply"]
        fleet._begin(HERE, "first", PARTITION)
        await asyncio.gather(*fleet._tasks)
        fleet._begin(HERE, "second", PARTITION)

    assert play(scene)[1:] == [Returned(HERE, "first", None), Returned(HERE, "second", b"reply")]


@pytest.mark.parametrize("error", [CancelledError(), ConnectionResetError(), LookupError("it is closed")])
def test_of_a_scheduler_that_is_gone_no_worker_is_blamed(error):
    async def scene(client, fleet):
        await joined(fleet, HERE)
        client.replies, client.status = [error], "connecting"
        fleet._begin(HERE, "first", PARTITION)

    (broken,) = play(scene)[1:]
    assert "the scheduler at tcp://127.0.0.1:8786 is gone" in str(broken.error)


def test_a_task_that_raises_is_an_error_of_its_worker():
    async def scene(client, fleet):
        await joined(fleet, HERE)
        client.replies = [LookupError("by the task")]
        fleet._begin(HERE, "first", PARTITION)

    (broken,) = play(scene)[1:]
    assert f"the worker {HERE} cannot run its tasks (LookupError: by the task)" in str(broken.error)
