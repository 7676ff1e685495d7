"""Engines: the same outcomes and the same bits from all of them, stopped in good order."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from itertools import count
from threading import Event

import dask.local
import msgspec
import pytest
from dask.task_spec import Task

from pipeline.engine import make_engine
from pipeline.engines.cluster.address import Connection, settled_address
from pipeline.engines.cluster.cluster import ClusterEngine
from pipeline.engines.engine import choose
from pipeline.engines.local import LocalEngine, grow
from pipeline.errors import EngineError, InputError, StoreError
from pipeline.job import Job
from tests.clock import ends_within, until
from tests.jobs import jobs_of, outcomes_of
from tests.poison import POISONED, endless, is_shot, slow

IN_PROCESS = ("sync", "threads")
ALL = (*IN_PROCESS, "processes")
STEMS = ["3x3", "dw5x5 2x3x3=gelu", "5x5/2:8 max3x3/2 res(2x3x3:8)", "20x3x3:8"]


def test_all_engines_give_the_same_bits():
    jobs = jobs_of(STEMS, "range(0,5)", 0.05, input=31)
    baseline = outcomes_of(jobs, LocalEngine("sync"))
    assert baseline.keys() == {job.digest for job in jobs}
    assert {one.kind for one in baseline.values()} == {"done"}
    for engine in (LocalEngine("threads"), LocalEngine("threads", 1), LocalEngine("processes")):
        found = outcomes_of(jobs, engine)
        for digest, outcome in baseline.items():
            assert found[digest].result.arrays == outcome.result.arrays
            assert found[digest].result.sizes == outcome.result.sizes
            assert found[digest].result.theory == outcome.result.theory


@pytest.mark.parametrize("engine", ALL)
def test_dask_schedules_every_partition_and_takes_more_as_they_come_back(engine, monkeypatch):
    jobs, submitted, delivered, read = jobs_of(["3x3"], "range(0,40)", 0.1), [], [], []
    get_async = dask.local.get_async

    def watched(submit, *arguments, **options):
        def noted(function, tasks):
            submitted.append([task[0] for task in tasks])
            return submit(function, tasks)

        return get_async(noted, *arguments, **options)

    def listed():
        for job in jobs:
            read.append(len(read) - len(delivered))
            yield job

    monkeypatch.setattr(dask.local, "get_async", watched)
    outcomes_of(listed(), LocalEngine(engine), None, delivered.extend)
    assert len(delivered) == 40
    assert [len(keys) for keys in submitted] == [1] * 20  # of 0.25 s: two jobs each
    assert all(key.startswith("erf-") for keys in submitted for key in keys)
    assert max(read) <= 2 * LocalEngine(engine).room + 2  # the first job of the next partition is read ahead


def test_the_graph_grows_while_dask_runs_it():
    """Of Dask's scheduler this asks what its documentation does not promise; see `grow`."""
    came, numbers = [], iter(range(100))

    def add(tasks, state):
        while len(tasks) < 3 and (number := next(numbers, None)) is not None:
            grow(tasks, state, f"key-{number}", Task(f"key-{number}", pow, number, 2))

    def came_back(key, result, tasks, state, worker):
        came.append(result)
        del tasks[key], state["cache"][key]
        add(tasks, state)

    with ThreadPoolExecutor(2) as threads:
        dask.local.get_async(threads.submit, 2, {}, [], callbacks=[(None, add, None, came_back, None)])
    assert sorted(came) == [number**2 for number in range(100)]


@pytest.mark.parametrize("engine", ALL)
def test_nothing_to_do_is_done_at_once(engine):
    assert outcomes_of([], LocalEngine(engine)) == {}


@pytest.mark.parametrize("engine", ALL)
def test_a_config_that_fails_takes_no_other_along(engine):
    jobs = [*jobs_of(["3x3"], "range(0,3)"), Job("f" * 64, b"{}", 0.001), *jobs_of(["5x5"], "range(0,3)")]
    found = outcomes_of(jobs, LocalEngine(engine))
    assert found.pop("f" * 64).kind == "failed"
    assert [one.kind for one in found.values()] == ["done"] * 6


@pytest.mark.parametrize("engine", ALL)
def test_a_stop_takes_no_more_and_delivers_what_ran(engine):
    stop, read = Event(), []

    def without_end():
        for number in count():
            read.append(number)
            yield from jobs_of(["3x3"], f"range({number},{number + 1})", 0.05)

    found = outcomes_of(without_end(), LocalEngine(engine, measure=slow), stop, lambda outcomes: stop.set())
    assert 0 < len(found) <= len(read)
    assert {one.kind for one in found.values()} == {"done"}


@pytest.mark.parametrize("engine", ALL)
def test_a_stop_before_the_start_runs_nothing(engine):
    stop = Event()
    stop.set()
    assert outcomes_of(jobs_of(["3x3"], "range(0,3)"), LocalEngine(engine), stop) == {}


@pytest.mark.parametrize("engine", ALL)
def test_an_error_of_whoever_takes_the_outcomes_leads_out_and_nothing_keeps_running(engine):
    def broken(outcomes):
        raise StoreError("the disk is full")

    before = threading.active_count()
    with pytest.raises(StoreError, match="disk is full"):
        outcomes_of(jobs_of(["3x3"], "range(0,60)", 0.02), LocalEngine(engine, measure=slow), None, broken)
    until(lambda: threading.active_count() <= before)  # threads finish the config that they are at


def test_workers_that_measure_for_minutes_are_not_waited_for_after_a_stop():
    stop = Event()
    threading.Timer(2.0, stop.set).start()
    with ends_within(55):  # each of the four takes 60 s
        assert outcomes_of(jobs_of(["3x3"], "range(0,4)", 1.0), LocalEngine("processes", measure=endless), stop) == {}


@pytest.mark.parametrize("inside", IN_PROCESS)
def test_what_a_process_may_have_died_of_is_measured_by_a_worker_process_and_blamed_there(inside):
    jobs = jobs_of(["3x3"], "range(70,90)")
    (culprit,) = (job for job in jobs if POISONED in job.config)
    place = jobs.index(culprit)
    jobs[place - 3 : place + 3] = [msgspec.structs.replace(job, suspected=True) for job in jobs[place - 3 : place + 3]]
    found = outcomes_of(jobs, LocalEngine(inside, measure=is_shot))
    ours = {job.digest for job in jobs if not job.suspected}
    processes = {digest: one.worker.split(":")[1].split("/")[0] for digest, one in found.items()}
    assert {digest for digest, process in processes.items() if process == str(os.getpid())} == ours
    assert found.pop(culprit.digest).kind == "killed"
    assert [one.kind for one in found.values()] == ["done"] * 19


def test_a_stop_is_heard_between_what_is_suspected_and_what_is_not():
    stop = Event()
    jobs = [
        msgspec.structs.replace(job, suspected=number % 2 == 0)
        for number, job in enumerate(jobs_of(["3x3"], "range(0,8)"))
    ]
    assert len(outcomes_of(jobs, LocalEngine("sync"), stop, lambda outcomes: stop.set())) == 1


@pytest.mark.parametrize("engine", ALL)
def test_times_are_what_the_clock_says(engine):
    made = LocalEngine(engine, measure=slow)
    outcomes_of(jobs_of(["3x3"], "range(0,30)", 0.02), made, None, lambda outcomes: time.sleep(0.01))
    assert made.times.measuring > 0
    assert made.times.storing >= 0.01
    assert min(made.times.__getattribute__(name) for name in made.times.__struct_fields__) >= 0


def test_auto_takes_the_smaller_prediction():
    # threads 1.5 W or W/1.5, processes 0.2 s + W/1.8
    assert choose(0.2, 1000) == "threads"
    assert choose(0.3, 1000) == "processes"
    assert choose(1.7, 100) == "threads"
    assert choose(1.9, 100) == "processes"
    assert choose(100.0, 10) == "processes"
    assert choose(0.0, 0) == "threads"


@pytest.mark.parametrize(
    "engine", [*(LocalEngine(name) for name in ALL), ClusterEngine(Connection("tcp://127.0.0.1:9"))]
)
def test_a_dask_that_cannot_be_loaded_is_an_error_of_one_sentence(monkeypatch, engine):
    """As it cannot without /proc, which psutil reads when Dask asks it how many processors there are."""

    class Unreadable(MetaPathFinder):
        def find_spec(self, name, path=None, target=None):
            if name == "dask.local":
                raise ProcessLookupError("process PID not found")
            return

    monkeypatch.delitem(sys.modules, "dask.local", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Unreadable(), *sys.meta_path])
    with pytest.raises(EngineError, match=r"PID not found.*/proc") as error:
        outcomes_of(jobs_of(["3x3"], "range(0,3)"), engine)
    assert "\n" not in str(error.value)


def test_choosing_an_engine_loads_neither_dask_nor_numpy():
    code = (
        "import sys, pipeline.engines.engine, pipeline.engine, pipeline.engines.local;"
        "heavy = {'dask', 'distributed', 'numpy'} & sys.modules.keys(); sys.exit(str(heavy) if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("missing", ["bokeh", "cryptography"])
def test_the_dashboard_names_its_libraries_where_they_are_missing(monkeypatch, missing):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == missing else object())
    with pytest.raises(InputError, match=rf"{missing}; type `.*python.* -m pip install 'erfsweep\[dashboard\]'`"):
        make_engine("processes", dashboard=True)


def test_a_dask_cluster_of_this_machine_measures_the_same_and_lets_nobody_else_in(monkeypatch):
    pytest.importorskip("cryptography")
    from distributed import Client
    from distributed.security import Security

    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    jobs, said, refused = jobs_of(["3x3", "5x5"], "range(0,4)"), [], []

    def intrude(outcomes):
        """What any other user of the machine may try, at every port that its scheduler and its workers listen to."""
        if not refused:
            identity = listening[0].scheduler_info(n_workers=-1)
            for address in (
                identity["address"],
                *identity["workers"],
                *(one["nanny"] for one in identity["workers"].values()),
            ):
                assert address.startswith("tls://127.0.0.1:")
                for scheme, security in (("tcp://", None), ("tls://", Security.temporary())):
                    with pytest.raises((OSError, ValueError)):
                        Client(address.replace("tls://", scheme), security=security, timeout=2, set_as_default=False)
                refused.append(address)

    listening = []
    engine = make_engine("processes", dashboard=True, say=said.append)
    cluster = engine.cluster

    @contextmanager
    def watched():
        with cluster() as client:
            listening.append(client)
            yield client

    monkeypatch.setattr(engine, "cluster", watched)
    found = outcomes_of(jobs, engine, None, intrude)
    assert len(refused) == 5  # a scheduler, two workers and their nannies
    baseline = outcomes_of(jobs, LocalEngine("sync"))
    assert {digest: one.result.arrays for digest, one in found.items()} == {
        digest: one.result.arrays for digest, one in baseline.items()
    }
    assert said[0].startswith("dashboard at http://127.0.0.1:")


def test_engines_by_name():
    made = [make_engine(name, 3) for name in ALL]
    assert [engine.name for engine in made] == list(ALL)
    assert [engine.workers for engine in made] == [1, 3, 3]
    with pytest.raises(InputError, match="--scheduler"):
        make_engine("cluster")


@pytest.mark.parametrize(
    ("written", "settled"),
    [
        ("tcp://127.0.0.1:8786", "tcp://127.0.0.1:8786"),
        ("localhost:8786", "tcp://localhost:8786"),
        ("tcp://[::1]:8786", "tcp://[::1]:8786"),
        ("[::1]:8786", "tcp://[::1]:8786"),
        ("TCP://LocalHost:8786", "tcp://LocalHost:8786"),
    ],
)
def test_loopback_addresses_need_no_tls(written, settled):
    assert settled_address(Connection(written)) == settled


@pytest.mark.parametrize("written", ["tcp://10.0.0.1:8786", "head.cluster:8786", "tcp://[fe80::1]:8786"])
def test_other_addresses_need_tls_or_insecure(written):
    with pytest.raises(InputError, match="--insecure"):
        make_engine("cluster", connection=Connection(written))
    assert settled_address(Connection(written, insecure=True)).startswith("tcp://")


@pytest.mark.parametrize(
    "written",
    [
        *("", "nonsense", "x" * 300, "a\0b", "http://host:80", "tcp://host", "inproc://1", "tcp://:8786"),
        *("host:99999", "host:0", "host:-1", "host:8_786", "host:\u0663", "host:", "::1:8786", "[::1:8786"),
        *("tcp://me@host:8786", "tcp://host:8786/path", "tcp://host:8786?query", "tls://tcp://host:8786"),
    ],
)
def test_what_is_no_address_is_refused(written):
    with pytest.raises(InputError, match="scheduler"):
        settled_address(Connection(written))


def test_tls_needs_its_three_files(tmp_path):
    (tmp_path / "ca.pem").write_text("")
    with pytest.raises(InputError, match="--tls-ca"):
        settled_address(Connection("tls://host:8786"))
    with pytest.raises(InputError, match="--tls-cert"):
        settled_address(Connection("tls://host:8786", tls_ca=str(tmp_path / "ca.pem")))
    missing = str(tmp_path / "missing.pem")
    with pytest.raises(InputError, match="not a file"):
        settled_address(Connection("tls://host:8786", missing, missing, missing))
    with pytest.raises(InputError, match="does not use TLS"):
        settled_address(Connection("tcp://127.0.0.1:8786", tls_ca=str(tmp_path / "ca.pem")))


@pytest.mark.parametrize("name", ["pipe.json", "pipe", "zero.json", "zero", "folder.json", "large.json", "deep.json"])
def test_a_scheduler_file_that_is_none_or_without_end_is_refused_at_once(tmp_path, name):
    path = tmp_path / name
    if name.startswith("pipe"):
        os.mkfifo(path)
    elif name.startswith("zero"):
        path.symlink_to("/dev/zero")
    elif name.startswith("folder"):
        path.mkdir()
    else:
        path.write_text("[" * (100_000 if name == "deep.json" else 2**20 + 1))
    with pytest.raises(InputError, match="scheduler") as error:
        settled_address(Connection(str(path)))
    assert "\n" not in str(error.value)


def test_a_scheduler_file_names_its_address(tmp_path):
    path = tmp_path / "scheduler.json"
    with pytest.raises(InputError, match="cannot read"):
        settled_address(Connection(str(path)))
    path.write_text("[]")
    with pytest.raises(InputError, match="not a scheduler file"):
        settled_address(Connection(str(path)))
    path.write_text('{"address": "tcp://10.1.2.3:8786"}')
    with pytest.raises(InputError, match="--insecure"):
        settled_address(Connection(str(path)))
    path.write_text('{"address": "tcp://127.0.0.1:8786"}')
    assert settled_address(Connection(str(path))) == "tcp://127.0.0.1:8786"
