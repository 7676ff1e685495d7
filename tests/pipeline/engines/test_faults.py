"""Faults: workers that die, schedulers that go away, Ctrl-C; every config comes back once, and nobody is left over."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from pipeline.engines.local import LocalEngine
from pipeline.errors import EngineError
from tests.clock import until
from tests.jobs import jobs_of, outcomes_of
from tests.poison import POISONED, exits, faithless, is_shot, slow

ROOT = Path(__file__).resolve().parents[3]


def same_bits(found, baseline):
    """Whether outcomes have the arrays and the sizes of others."""
    return all(
        found[digest].result.arrays == one.result.arrays and found[digest].result.sizes == one.result.sizes
        for digest, one in baseline.items()
    )


@pytest.mark.parametrize(("task", "ending"), [(exits, "exited with status 3"), (is_shot, "signal 9 (SIGKILL)")])
def test_one_poisoned_config_among_200_is_found_alone(task, ending):
    jobs = jobs_of(["3x3"], "range(0,200)")
    (culprit,) = (job.digest for job in jobs if POISONED in job.config)
    found = outcomes_of(jobs, LocalEngine("processes", measure=task))
    poisoned = found.pop(culprit)
    assert poisoned.kind == "killed"
    assert poisoned.failure.type == "KilledWorker"
    assert ending in poisoned.failure.message
    assert len(found) == 199
    assert same_bits(found, outcomes_of([job for job in jobs if job.digest != culprit], LocalEngine("sync")))


def test_workers_that_are_killed_at_random_lose_nothing_and_convict_nobody():
    jobs = jobs_of(["3x3", "2x3x3"], "range(0,75)", 0.02)
    chance = random.Random(0)
    shot = []

    def shoot(outcomes):
        # At a random moment of whatever that worker does next.
        time.sleep(chance.random() * 0.2)
        pid = int(outcomes[-1].worker.split(":")[1].split("/")[0])
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            shot.append(pid)

    found = outcomes_of(jobs, LocalEngine("processes", measure=slow), None, shoot)
    assert len(shot) >= 5
    assert {one.kind for one in found.values()} == {"done"}
    assert same_bits(found, outcomes_of(jobs, LocalEngine("sync")))


def test_the_process_that_workers_are_forked_from_may_die_too():
    jobs = jobs_of(["3x3"], "range(0,100)", 0.02)
    shot = []

    def shoot(outcomes):
        if not shot:
            worker = psutil.Process(int(outcomes[-1].worker.split(":")[1].split("/")[0]))
            shot.append(worker.parent().pid)
            worker.parent().kill()
            worker.kill()

    found = outcomes_of(jobs, LocalEngine("processes", measure=slow), None, shoot)
    assert shot[0] != os.getpid()
    assert len(found) == 100
    assert {one.kind for one in found.values()} == {"done"}


def test_a_task_that_raises_is_an_error_of_the_engine_and_not_of_the_config():
    with pytest.raises(EngineError, match="LookupError"):
        outcomes_of(jobs_of(["3x3"], "range(0,3)"), LocalEngine("processes", measure=faithless))


def test_workers_that_cannot_be_started_are_an_error_of_one_sentence():
    with pytest.raises(EngineError, match="cannot be started") as error:
        outcomes_of(jobs_of(["3x3"], "range(0,3)"), LocalEngine("processes", measure=lambda *arguments: None))
    assert "\n" not in str(error.value)


SCRIPT = """
import signal
from threading import Event
from pipeline.engines.local import LocalEngine
from pipeline.run import interruptible, run
from tests.jobs import LIMITS, jobs_of
from tests.poison import slow

if __name__ == "__main__":
    stop = Event()
    jobs = jobs_of(["3x3"], "range(0,5000)", 0.02)
    deliver = lambda outcomes: print(len(outcomes), flush=True)
    with interruptible(stop, lambda: print("stopping", flush=True)):
        print("begin", flush=True)
        run(jobs, LocalEngine("processes", measure=slow), LIMITS, deliver, stop)
    print("closed", flush=True)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run is over: what is tested ends here
"""


@pytest.fixture
def script(tmp_path):
    """A process that runs a long sweep, in a session of its own; what is left of the session afterwards is an error."""
    path = tmp_path / "sweep.py"
    path.write_text(SCRIPT)
    running = subprocess.Popen(
        [sys.executable, str(path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    yield running
    with suppress(ProcessLookupError):
        running.kill()
    running.wait()
    running.stdout.close()
    running.stderr.close()
    for process in session_of(running):
        process.kill()


def session_of(running):
    """The processes of a session."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, ProcessLookupError):
            if os.getsid(process.pid) == running.pid and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def test_ctrl_c_in_a_terminal_stops_in_good_order_and_workers_do_not_die_of_it(script):
    assert script.stdout.readline() == "begin\n"
    assert script.stdout.readline().strip().isdigit()
    os.killpg(script.pid, signal.SIGINT)  # as a terminal does: to the driver and to all that it started
    out, err = script.communicate(timeout=120)
    assert out.splitlines()[-1] == "closed"
    assert "stopping" in out
    assert err == ""
    assert script.returncode == 0
    until(lambda: not session_of(script))


@pytest.mark.parametrize("delay", [0.0, 0.15, 0.3, 0.45, 0.6, 0.9, 1.5])
def test_ctrl_c_twice_ends_it_at_once_at_any_moment(script, delay):
    assert script.stdout.readline() == "begin\n"
    time.sleep(delay)
    os.killpg(script.pid, signal.SIGINT)
    time.sleep(0.02)
    os.killpg(script.pid, signal.SIGINT)
    _, err = script.communicate(timeout=120)
    assert script.returncode in (-signal.SIGINT, 1, 0)
    assert err == "" or err.rstrip().endswith("KeyboardInterrupt")
    until(lambda: not session_of(script))


def test_workers_do_not_outlive_a_driver_that_is_killed(script):
    assert script.stdout.readline() == "begin\n"
    script.stdout.readline()
    assert len(session_of(script)) >= 3
    script.kill()
    script.wait()
    until(lambda: not session_of(script))
