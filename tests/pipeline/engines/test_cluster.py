"""Other people's clusters: real schedulers and workers, started from the shell, over TLS; some of them fail."""

import asyncio
import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Timer

import msgspec
import numpy as np
import pytest
from distributed import Client

from pipeline.config import KERNEL_VERSION, encode
from pipeline.draws import sha256_of
from pipeline.engines.cluster.address import Connection
from pipeline.engines.cluster.cluster import ClusterEngine
from pipeline.engines.cluster.dask_fleet import DaskFleet
from pipeline.engines.cluster.shipping import files_of
from pipeline.engines.fleet import Returned
from pipeline.engines.local import LocalEngine
from pipeline.engines.versions import differences, versions
from pipeline.errors import EngineError
from pipeline.graph import partition
from pipeline.job import Job
from pipeline.sweep.build import build
from tests.clock import ends_within, until
from tests.jobs import LIMITS, jobs_of, outcomes_of
from tests.poison import POISONED, exits, slow

ROOT = Path(__file__).resolve().parents[3]


class Cluster:
    """A scheduler and its workers, each a process of its own in an empty directory."""

    def __init__(self, directory: Path, options: list[str], path: Path = ROOT) -> None:
        self.directory = directory
        self.path = path
        self.options = options
        self.file = directory / "scheduler.json"
        self.scheduler = self._start("scheduler", "--scheduler-file", str(self.file), "--port", "0", "--no-dashboard")
        self.workers: list[subprocess.Popen[bytes]] = []

    def _start(self, *command: str) -> "subprocess.Popen[bytes]":
        place = self.directory / f"{command[0]}-{time.monotonic_ns()}"
        place.mkdir()
        host = ["--host", "127.0.0.1" if not self.options else "tls://127.0.0.1"]
        with (self.directory / "log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "distributed.cli.dask_" + command[0], *command[1:], *host, *self.options],
                cwd=place,
                env={**os.environ, "PYTHONPATH": str(self.path)},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def start_worker(self, *options: str) -> None:
        """One worker of one thread under a nanny."""
        common = ("--nthreads", "1", "--no-dashboard", "--scheduler-file", str(self.file))
        self.workers.append(self._start("worker", *common, *options))

    def close(self) -> None:
        """Ends every process that was started here."""
        for process in (*self.workers, self.scheduler):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def cluster(directory: Path, workers: int, *options: str, tls: list[str] | None = None, path: Path = ROOT):
    """A cluster that has its scheduler file; `path`: where its processes find erfsweep."""
    made = Cluster(directory, tls or [], path)
    try:
        for _ in range(workers):
            made.start_worker(*options)
        until(lambda: made.file.exists() and made.file.read_text().endswith("}"))  # Dask writes it in pieces
        yield made
    finally:
        made.close()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """An authority, and a certificate of it that all parts of a cluster share: the options of each, by name."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command")
    place = tmp_path_factory.mktemp("tls")
    ca, key, cert = place / "ca.pem", place / "key.pem", place / "cert.pem"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run([*request, "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    shutil.copy(cert, ca)
    return {"tls_ca": str(ca), "tls_cert": str(cert), "tls_key": str(key)}


def options_of(certificates):
    """The options of the dask command."""
    named = {"tls_ca": "--tls-ca-file", "tls_cert": "--tls-cert", "tls_key": "--tls-key"}
    return [word for name, option in named.items() for word in (option, certificates[name])] + ["--protocol", "tls"]


def same_bits(found, baseline):
    """Whether outcomes have the arrays of others."""
    return found.keys() == baseline.keys() and all(
        found[digest].result.arrays == one.result.arrays for digest, one in baseline.items()
    )


def test_a_cluster_over_tls_loses_a_worker_and_finishes_the_sweep(tmp_path, certificates):
    jobs = jobs_of(["3x3"], "range(0,100)", 0.02)
    with cluster(tmp_path, 2, "--no-nanny", tls=options_of(certificates)) as made:
        shot = []

        def shoot(outcomes):
            pids = {int(one.worker.split(":")[1].split("/")[0]) for one in outcomes}
            if not shot:
                shot.append(min(pids))
                os.kill(shot[0], signal.SIGKILL)

        engine = ClusterEngine(Connection(str(made.file), **certificates), measure=slow)
        assert engine.address.startswith("tls://")
        found = outcomes_of(jobs, engine, None, shoot)
        assert len(shot) == 1
        assert same_bits(found, outcomes_of(jobs, LocalEngine("sync")))

        # Nobody without a certificate gets in.
        plain = engine.address.replace("tls://", "tcp://")
        with pytest.raises(EngineError, match="no scheduler answers"):
            outcomes_of(jobs, ClusterEngine(Connection(plain, patience=2.0)))


def test_files_are_sent_by_content_and_workers_have_none_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    probes, weights = tmp_path / "probes.npy", tmp_path / "weights.npz"
    random = np.random.default_rng(0)
    np.save(probes, random.normal(size=(4, 21, 21, 1)).astype(np.float32))
    np.savez(weights, **{"layer0.weight": random.normal(size=(3, 3, 1, 4)).astype(np.float32)})
    fields = {
        "init": {"kind": "file", "path": "weights.npz", "sha256": sha256_of(str(weights))},
        "probes": {"kind": "file", "count": 4, "path": "probes.npy", "sha256": sha256_of(str(probes))},
    }
    config = build({"stem": "3x3", **fields})
    # Paths that only the driver's folder makes sense of: workers run elsewhere.
    init = msgspec.structs.replace(config.init, path="weights.npz")
    config = msgspec.structs.replace(
        config, init=init, probes=msgspec.structs.replace(config.probes, path="probes.npy")
    )
    jobs = [Job(config.digest, encode(config), 0.001), *jobs_of(["3x3"], "range(0,3)")]
    named = {("weights.npz", fields["init"]["sha256"]), ("probes.npy", fields["probes"]["sha256"])}
    assert files_of(partition(jobs)) == named
    with cluster(tmp_path, 1) as made:
        found = outcomes_of(jobs, ClusterEngine(Connection(str(made.file))))
        assert found[config.digest].failure is None
        assert same_bits(found, outcomes_of(jobs, LocalEngine("sync")))


def test_a_poisoned_config_is_found_where_the_scheduler_has_its_own_idea_of_allowed_failures(tmp_path):
    jobs = jobs_of(["3x3"], "range(70,78)")
    (culprit,) = (job.digest for job in jobs if POISONED in job.config)
    with cluster(tmp_path, 2) as made:
        found = outcomes_of(jobs, ClusterEngine(Connection(str(made.file)), measure=exits))
    assert found.pop(culprit).kind == "killed"
    assert [one.kind for one in found.values()] == ["done"] * 7


def test_a_scheduler_that_goes_away_is_an_error_and_what_was_finished_is_delivered(tmp_path, caplog):
    delivered = []
    with cluster(tmp_path, 1) as made:

        def end(outcomes):
            delivered.extend(outcomes)
            made.scheduler.kill()

        with ends_within(120), pytest.raises(EngineError, match="is gone"):
            outcomes_of(
                jobs_of(["3x3"], "range(0,200)", 0.02),
                ClusterEngine(Connection(str(made.file)), measure=slow),
                None,
                end,
            )
    assert delivered
    gc.collect()  # asyncio tells of errors that nobody took when their tasks are collected
    assert "never retrieved" not in caplog.text


def test_a_cluster_that_somebody_restarts_goes_on(tmp_path):
    """`Client.restart` cancels the tasks of every client and ends every worker; nannies start them again."""
    jobs = jobs_of(["3x3"], "range(0,100)", 0.02)
    with cluster(tmp_path, 2) as made:
        restarted = []

        def restart(outcomes):
            if not restarted:
                with Client(scheduler_file=str(made.file), set_as_default=False) as other:
                    restarted.append(other.restart(wait_for_workers=False, timeout=60))

        found = outcomes_of(
            jobs, ClusterEngine(Connection(str(made.file), patience=120.0), measure=slow), None, restart
        )
    assert len(restarted) == 1
    assert [one.kind for one in found.values()] == ["done"] * 100


@pytest.mark.parametrize("let_go", [0, 1])
def test_a_partition_that_is_let_go_takes_no_reply_of_another_with_it(tmp_path, monkeypatch, let_go):
    """A client of Dask fetches what several tasks wait for at once, in one task that they share."""
    may_fetch = Event()
    fetch = Client._gather_remote

    async def held(*arguments):
        while not may_fetch.is_set():
            await asyncio.sleep(0.01)
        return await fetch(*arguments)

    monkeypatch.setattr(Client, "_gather_remote", held)
    jobs = jobs_of(["3x3"], "range(0,2)")
    keys = ["first", "second"]
    with cluster(tmp_path, 1) as made, Client(scheduler_file=str(made.file), set_as_default=False) as client:
        fleet = DaskFleet(client, LIMITS, 30.0, None)
        fleet.open()
        joined = fleet.events.get(timeout=120)
        for key, job in zip(keys, jobs, strict=True):
            fleet.send(joined.address, key, partition([job]))
        until(lambda: client._gather_keys == {*keys})
        fleet.withdraw(joined.address, keys.pop(let_go))
        may_fetch.set()
        news = fleet.events.get(timeout=120)
        assert (type(news), news.key) == (Returned, *keys)
        until(lambda: not client.futures)
        assert fleet.events.empty()
        fleet.close()


def test_workers_that_come_late_are_waited_for_with_a_message_and_to_a_limit(tmp_path):
    jobs = jobs_of(["3x3"], "range(0,3)")
    said = []
    with cluster(tmp_path, 0) as made:
        with pytest.raises(EngineError, match="no worker"):
            outcomes_of(jobs, ClusterEngine(Connection(str(made.file), patience=1.5), say=said.append))
        assert "waiting for workers" in said[0]
        late = Timer(0.5, made.start_worker)
        late.start()
        found = outcomes_of(jobs, ClusterEngine(Connection(str(made.file), patience=120.0)))
        late.join()
    assert [one.kind for one in found.values()] == ["done"] * 3


def test_no_scheduler_is_an_error_of_one_sentence():
    with pytest.raises(EngineError, match=r"no scheduler answers at tcp://127\.0\.0\.1:9 ") as error:
        outcomes_of(jobs_of(["3x3"], "range(0,3)"), ClusterEngine(Connection("tcp://127.0.0.1:9", patience=1.0)))
    assert "\n" not in str(error.value)
    assert "CancelledError" not in str(error.value)


def test_versions_that_differ_are_named():
    assert differences(versions(), versions()) == ""
    other = {**versions(), "numpy": "1.0", "the kernel of erfsweep": "0"}
    ours = versions()["numpy"]
    assert (
        differences(other, versions())
        == f"numpy 1.0 instead of {ours}, the kernel of erfsweep 0 instead of {KERNEL_VERSION}"
    )


@pytest.fixture
def bare(tmp_path):
    """A module path on which erfsweep cannot be loaded."""
    made = tmp_path / "bare"
    made.mkdir()
    (made / "pipeline.py").write_text("raise ImportError('No module named pipeline')")
    return made


def test_a_worker_without_erfsweep_is_named_with_the_way_out(tmp_path, bare):
    with cluster(tmp_path, 0) as made:
        made.path = bare
        made.start_worker("--no-nanny")
        with pytest.raises(EngineError, match=r"worker tcp://.* `pip install erfsweep` there"):
            outcomes_of(jobs_of(["3x3"], "range(0,3)"), ClusterEngine(Connection(str(made.file))))


def test_a_scheduler_without_erfsweep_is_named_and_no_worker_is_blamed(tmp_path, bare):
    with cluster(tmp_path, 0, path=bare) as made:
        made.path = ROOT
        made.start_worker("--no-nanny")
        with pytest.raises(EngineError, match=r"scheduler at tcp://.* `pip install erfsweep` there") as error:
            outcomes_of(jobs_of(["3x3"], "range(0,3)"), ClusterEngine(Connection(str(made.file))))
        assert "worker" not in str(error.value)


def test_the_address_in_a_scheduler_file_is_what_is_connected_to(tmp_path):
    with cluster(tmp_path, 0) as made:
        assert ClusterEngine(Connection(str(made.file))).address == json.loads(made.file.read_text())["address"]
