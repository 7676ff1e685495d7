"""Workers load the driver's erfsweep and nothing of the working directory, and leave nothing behind."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import psutil
import pytest

from pipeline.config import KERNEL_VERSION
from pipeline.engines import forkserver as template
from pipeline.engines import process_fleet
from pipeline.engines.forking import Loaded
from pipeline.engines.forkserver import RUNNING, UNKNOWN, Template, module_path
from pipeline.engines.local import LocalEngine
from pipeline.engines.versions import erfsweep_version
from pipeline.errors import EngineError
from tests.clock import ends_within
from tests.jobs import jobs_of, outcomes_of

ROOT = Path(__file__).resolve().parents[3]
HOSTILE = ["numpy", "signal", "socket", "struct", "dask", "msgspec", "multiprocessing", "sitecustomize", "threading"]


@pytest.fixture
def hostile(tmp_path):
    """A working directory whose modules leave a mark when they are run, and an older clone of erfsweep."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    for name in HOSTILE:
        (folder / f"{name}.py").write_text(
            f"open({str(tmp_path / 'ran')!r}, 'a').write({name!r})\nraise SystemExit(7)\n"
        )
    clone_with(folder, "KERNEL_VERSION = ", "KERNEL_VERSION = 3 or ")
    return folder


@pytest.fixture
def started():
    """A template of this test's own."""
    made = Template()
    yield made
    made.close()


def clone_with(folder, before, after):
    """A copy of the pipeline with another `config.py`."""
    shutil.copytree(ROOT / "pipeline", folder / "pipeline", ignore=shutil.ignore_patterns("__pycache__"))
    config = folder / "pipeline" / "config" / "config.py"
    config.write_text(config.read_text().replace(before, after, 1))


def loaded_by(started):
    return msgspec.json.decode(started.loaded(), type=Loaded)


@pytest.mark.parametrize("leading", ["", None])
def test_the_template_loads_what_the_driver_has_loaded_wherever_it_is_started(hostile, started, monkeypatch, leading):
    monkeypatch.chdir(hostile)
    if leading is not None:
        monkeypatch.setattr(sys, "path", [leading, *sys.path])
    assert loaded_by(started) == Loaded(erfsweep_version())
    assert not (hostile.parent / "ran").exists()


def test_a_folder_named_pipeline_changes_nothing(tmp_path, started, monkeypatch):
    (tmp_path / "pipeline").mkdir()
    monkeypatch.chdir(tmp_path)
    assert loaded_by(started) == Loaded(erfsweep_version())


def test_a_working_directory_that_was_deleted_and_a_long_folder_for_temporary_files_change_nothing(
    tmp_path, started, monkeypatch
):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / ("x" * 200)))
    try:
        assert loaded_by(started) == Loaded(erfsweep_version())
    finally:
        os.chdir(ROOT)


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ("KERNEL_VERSION = ", "KERNEL_VERSION = 3 or ", f"kernel of erfsweep 3 instead of {KERNEL_VERSION}"),
        ("import hashlib", "import hashlib  # changed", "erfsweep's files"),
        ("import hashlib", "import hashlib, nowhere", "No module named 'nowhere'"),
    ],
)
def test_workers_with_another_erfsweep_are_refused_before_they_get_work(
    tmp_path, started, monkeypatch, before, after, named
):
    clone_with(tmp_path, before, after)
    monkeypatch.setattr(template, "module_path", lambda: [str(tmp_path), *module_path()])
    monkeypatch.setattr(process_fleet, "TEMPLATE", started)
    with ends_within(60), pytest.raises(EngineError, match=named) as error:
        outcomes_of(jobs_of(["3x3"], "range(0,3)"), LocalEngine("processes"))
    assert "\n" not in str(error.value)


def test_a_python_that_cannot_load_erfsweep_at_all_is_an_error_at_once(started, monkeypatch):
    monkeypatch.setattr(template, "module_path", list)
    monkeypatch.setattr(process_fleet, "TEMPLATE", started)
    with ends_within(60), pytest.raises(EngineError, match="exited with status 1"):
        outcomes_of(jobs_of(["3x3"], "range(0,3)"), LocalEngine("processes"))


def test_a_template_that_was_killed_is_started_again(started):
    others = psutil.Process().children()
    assert loaded_by(started) == Loaded(erfsweep_version())
    (process,) = [child for child in psutil.Process().children() if child not in others]
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # whoever started it reaps it
    assert loaded_by(started) == Loaded(erfsweep_version())


def test_how_a_worker_ended_is_told_by_the_process_that_forked_it(started):
    ours, theirs = os.pipe()
    pid = started.fork(ours)  # a worker whose line is closed at once ends by itself
    os.close(theirs)
    os.close(ours)
    deadline = time.monotonic() + 60
    while (code := started.ending(pid)) == RUNNING and time.monotonic() < deadline:
        time.sleep(0.01)
    assert code == 0
    assert started.ending(pid) == UNKNOWN  # told once


DRIVER = """
from threading import Event
from pipeline.engines.local import LocalEngine
from pipeline.run import run
from tests.jobs import LIMITS, jobs_of

run(jobs_of(["3x3"], "range(0,20)"), LocalEngine("processes"), LIMITS, lambda outcomes: print(len(outcomes)), Event())
"""


def test_a_driver_in_a_hostile_folder_runs_nothing_of_it_and_leaves_nothing_in_the_temporary_folder(hostile, tmp_path):
    """As a script, which needs no `if __name__ == "__main__"`: workers never run it."""
    script, temporary = tmp_path / "driver.py", tmp_path / "temporary"
    script.write_text(DRIVER)
    temporary.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)}
    ended = subprocess.run(
        [sys.executable, str(script)], cwd=hostile, env=environment, capture_output=True, text=True, timeout=120
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert sum(map(int, ended.stdout.split())) == 20
    assert not (tmp_path / "ran").exists()
    assert list(temporary.iterdir()) == []
