"""A run that is interrupted or killed: nothing lost, nothing twice, and the next run goes on at once."""

import io
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.arrays import unpack_curves, unpack_heatmap
from pipeline.result import Arrays
from tests.cli.command import environment, erfsweep, finished, good, hear_ctrl_c, spawn
from tests.clock import until

SWEEP = "name: long\ngrid: {kernel: [3, 5], depth: [4, 8], features: 8, seed: 'range(0, 100)'}\n"
TIMES = ("cost", "erf_seconds", "size_seconds")


@pytest.fixture(autouse=True)
def _sweep_file() -> None:
    Path("long.yaml").write_text(SWEEP)


def content(path: str) -> dict[str, Any]:
    """Configs, scalars and decoded arrays by digest, without the times that a measurement took or was to take."""
    database = sqlite3.connect(path)
    database.row_factory = sqlite3.Row
    maps = "(SELECT config.digest, heatmap, curves, checksum FROM map JOIN config ON config.id = map.config_id) AS maps"
    found = {}
    for row in database.execute(f"SELECT results.*, heatmap, curves, checksum FROM results JOIN {maps} USING (digest)"):
        columns = dict(row)
        packed = Arrays(*(columns.pop(name) for name in Arrays.__struct_fields__))
        plane = columns["height"], columns["width"]
        curves = unpack_curves(packed, sum(plane))  # None: a dead config has none
        scalars = {name: value for name, value in columns.items() if name not in TIMES}
        found[row["digest"]] = (
            scalars,
            unpack_heatmap(packed, plane).tolist(),
            None if curves is None else curves.tolist(),
        )
    database.close()
    return found


def wait_for_results(process: "subprocess.Popen[str]", least: int) -> None:
    """Until the store holds so many results, or the process has ended."""
    while process.poll() is None:
        if Path("erfsweep.db").exists():
            with sqlite3.connect("erfsweep.db", timeout=60) as database:
                tables = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'results'").fetchall()
                if tables and database.execute("SELECT count(*) FROM result").fetchone()[0] >= least:
                    return
        time.sleep(0.01)


def test_killed_at_any_moment_and_run_again_the_content_is_the_same() -> None:
    good("run", "long.yaml", "--db", "sqlite:///undisturbed.db")
    moments = random.Random(20160607)
    for _ in range(5):
        process = spawn("run", "long.yaml")
        time.sleep(moments.uniform(0.3, 1.0))
        process.kill()
        process.wait()
        process.communicate()
    ended = finished(spawn("run", "long.yaml"))
    assert ended.code == 0
    assert not re.search(r"waiting for \d", ended.err)  # what the dead ones held
    assert content("erfsweep.db") == content("undisturbed.db")
    with sqlite3.connect("erfsweep.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("SELECT count(*) FROM attempt").fetchone() == (400,)


def test_killed_between_saves_the_finished_results_stay() -> None:
    process = spawn("run", "long.yaml", "--engine", "sync")
    wait_for_results(process, 1)
    process.kill()
    process.communicate()
    with sqlite3.connect("erfsweep.db") as database:
        done = database.execute("SELECT count(*) FROM result").fetchone()[0]
    assert done >= 1
    assert f"{400 - done} measured" in good("run", "long").err


@pytest.mark.parametrize("options", [(), ("--fail-fast",)])
def test_ctrl_c_saves_what_is_finished_and_exits_with_130(options: tuple[str, ...]) -> None:
    axes = ("-s", "seed=range(0,150)", "-s", "input=61", "--name", "slow")
    process = spawn("run", "6x9x9:16", *axes, "--engine", "sync", *options)
    wait_for_results(process, 1)
    process.send_signal(signal.SIGINT)
    ended = finished(process)
    assert ended.code == 130
    assert "Traceback" not in ended.err
    assert "run it again" in ended.err
    found = good("status", "slow", "-f", "json").json
    assert found["running"] == 0
    assert 1 <= found["done"] < 150
    assert found["done"] + found["queued"] == 150
    assert f"{found['queued']} measured" in good("run", "slow").err
    assert {row["attempts"] for row in good("table", "-c", "attempts", "-f", "csv").rows} == {"1"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=["SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("engine", ["sync", "threads", "processes"])
def test_a_batch_system_or_a_closed_terminal_stops_it_as_ctrl_c_does(
    engine: str, number: signal.Signals, tmp_path: Path
) -> None:
    """The signal goes to the driver and to all that it started; nothing of them stays in the temporary directory."""
    axes = ("-s", "seed=range(0,2000)", "-s", "input=61", "--name", "slow")
    (tmp_path / "tmp").mkdir()
    own: dict[str, Any] = {
        "env": environment(TMPDIR=str(tmp_path / "tmp")),
        "start_new_session": True,
        "preexec_fn": _hear_hang_up,
    }
    process = spawn("run", "6x9x9:16", *axes, "--engine", engine, **own)
    wait_for_results(process, 1)
    os.killpg(process.pid, number)
    ended = finished(process)
    assert ended.code == 128 + number
    assert "Traceback" not in ended.err
    assert ended.err.rstrip().endswith(f"erfsweep: interrupted by {number.name}; run it again to go on")
    found = good("status", "slow", "-f", "json").json
    assert (found["running"], found["failed"], found["killed"]) == (0, 0, 0)
    assert found["done"] >= 1
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("after", [0.0, 0.1, 0.3, 0.8])
def test_a_second_signal_ends_it_at_once_and_leaves_nothing_behind(after: float, tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    own: dict[str, Any] = {
        "env": environment(TMPDIR=str(tmp_path / "tmp")),
        "start_new_session": True,
        "preexec_fn": _hear_hang_up,
    }
    process = spawn("run", "6x9x9:16", "-s", "seed=range(0,2000)", "-s", "input=61", "--engine", "processes", **own)
    wait_for_results(process, 0)
    time.sleep(after)
    for _ in range(2):
        os.killpg(process.pid, signal.SIGTERM)
        time.sleep(0.02)
    ended = finished(process)
    assert ended.code == 143
    assert "Traceback" not in ended.err
    assert list((tmp_path / "tmp").iterdir()) == []
    assert good("status", "-f", "json").json["running"] == 0


def test_a_terminal_that_closes_does_not_end_what_nohup_started() -> None:
    process = spawn("run", "6x9x9:16", "-s", "seed=range(0,40)", "--engine", "sync", preexec_fn=_ignore_hang_up)
    wait_for_results(process, 1)
    process.send_signal(signal.SIGHUP)
    assert finished(process).code == 0


def _hear_hang_up() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever started the tests may ignore it


def _ignore_hang_up() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def test_a_stopped_process_loses_its_claims_and_goes_on_when_it_is_resumed() -> None:
    """Ctrl-Z for longer than a lease lasts: others finish the sweep, nothing is doubled."""
    good("submit", "6x9x9:16", "-s", "seed=range(0,30)", "-s", "input=61", "--name", "slow")
    stopped = spawn("work", "slow", "--engine", "sync")
    wait_for_results(stopped, 1)
    stop_between_transactions(stopped)
    with sqlite3.connect("erfsweep.db", timeout=60) as database:
        database.execute("UPDATE config SET lease_until = lease_until - 61 WHERE state = 'running'")
    assert good("status", "slow", "-f", "json").json["running"] == 0
    ended = finished(spawn("work", "slow"))
    assert ended.code == 0
    assert good("status", "slow", "-f", "json").json["done"] == 30
    os.kill(stopped.pid, signal.SIGCONT)
    resumed = finished(stopped)
    assert resumed.code == 0
    measured = [int(each.err.rpartition(" measured")[0].split()[-1]) for each in (ended, resumed)]
    assert sum(measured) == 30
    assert {row["attempts"] for row in good("table", "-c", "attempts", "-f", "csv").rows} == {"1"}


def stop_between_transactions(process: "subprocess.Popen[str]") -> None:
    """Stops a process while it does not lock the store, as it does for a moment whenever it saves."""

    def is_stopped_and_locks_nothing() -> bool:
        os.kill(process.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        try:
            with sqlite3.connect("erfsweep.db", timeout=0) as database:
                database.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            os.kill(process.pid, signal.SIGCONT)
            return False
        return True

    until(is_stopped_and_locks_nothing)


def test_fail_fast_stops_at_the_first_failure() -> None:
    memory = ("--memory", "1MB", "--fail-fast", "--engine", "sync")
    ended = erfsweep("run", "4x31x31:64", "-s", "seed=range(0,50)", *memory)
    assert ended.code == 1
    found = good("status", "-f", "json").json
    assert found["failed"] >= 1
    assert found["queued"] >= 1
    assert found["failed"] + found["queued"] == 50


def test_the_view_results_is_readable_by_any_sqlite(luo2016: str) -> None:
    fields = {row["field"] for row in good("fields", "-f", "csv").rows}
    with sqlite3.connect(luo2016.removeprefix("sqlite:///")) as database:
        cursor = database.execute("SELECT * FROM results")
        columns = [column[0] for column in cursor.description]
        assert columns[:3] == ["sweep", "position", "label"]
        assert len(columns) == len({*columns})
        assert {*columns} == fields
        assert len(cursor.fetchall()) == 5
        (heatmap,) = database.execute("SELECT heatmap FROM map LIMIT 1").fetchone()
    assert np.load(io.BytesIO(zlib.decompress(heatmap))).shape == (21, 21)


def test_a_run_goes_on_when_nobody_reads_its_messages_any_more() -> None:
    process = spawn("run", "3x3", "-s", "seed=range(0,5)", "--name", "unread")
    assert process.stderr is not None
    process.stderr.close()
    process.stderr = None
    assert finished(process).code == 0
    assert good("status", "unread", "-f", "json").json["done"] == 5


@pytest.mark.parametrize("after", [0.0, 0.3, 0.6, 1.2])
def test_ctrl_c_is_answered_with_one_sentence_at_any_moment(after: float, tmp_path: Path) -> None:
    """While modules are loaded, while workers start, while they measure: never a traceback, and never silence."""
    db = f"sqlite:///{tmp_path}/store.db"
    axes = ("-s", "seed=range(0,20000)", "-s", "input=61")
    process = spawn("run", "6x9x9:16", *axes, "--engine", "processes", "--db", db)
    assert process.stderr is not None
    while not Path(tmp_path / "store.db").exists():  # the command itself is loaded
        time.sleep(0.01)
    time.sleep(after)
    process.send_signal(signal.SIGINT)
    ended = finished(process)
    assert ended.code == 130
    assert "Traceback" not in ended.err
    assert ended.err.rstrip().endswith("erfsweep: interrupted; run it again to go on")


@pytest.mark.parametrize("options", [(), ("--db", "sqlite:////{}/store.db"), ("--engine", "processes")])
def test_a_working_directory_that_was_removed_is_told(tmp_path: Path, options: tuple[str, ...]) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    ended = erfsweep("run", "3x3", *(option.format(tmp_path) for option in options))
    os.chdir(tmp_path)
    assert ended.code == 2
    assert ended.err.rstrip().endswith("erfsweep: the working directory was removed; change to another one")


DRIVER = """
import sys
from pipeline import engine as make
from pipeline.engines import suspects
from tests import poison

measure, control = sys.argv[1:3]
del sys.argv[1:3]
suspects.LEAST_CONTROL, suspects.MOST_CONTROL = float(control), max(float(control), suspects.MOST_CONTROL)
original = make.make_engine

def patched(*arguments, **options):
    engine = original(*arguments, **options)
    engine.measure = getattr(poison, measure)
    return engine

make.make_engine = patched
from cli.main import main
main()
"""


def spawn_with(measure: str, *arguments: str, control: float = 1.0) -> "subprocess.Popen[str]":
    """Starts `erfsweep` with a task of `tests.poison`; nothing is convicted before `control` seconds of calm."""
    options: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    command = [sys.executable, "-c", DRIVER, measure, str(control), *arguments]
    return subprocess.Popen(command, env=environment(), preexec_fn=hear_ctrl_c, **options)


@pytest.mark.parametrize("engine", ["sync", "threads"])
def test_a_config_that_ends_the_driver_is_found_by_the_next_run_and_no_run_dies_of_it_again(engine: str) -> None:
    """Interrupted as it is found, the second run leaves it suspected for the third."""

    def run(control: float = 1.0) -> "subprocess.Popen[str]":
        axes = ("-s", "seed=range(60,90)", "--name", "poisoned")
        return spawn_with("is_shot", "run", "3x3", *axes, "--engine", engine, control=control)

    first = finished(run())
    assert first.code == -signal.SIGKILL
    second = run(control=600.0)
    wait_for_results(second, 29)
    second.send_signal(signal.SIGINT)
    assert finished(second).code == 130
    third = finished(run())
    assert third.code == 1, third
    assert "1 killed" in third.err
    found = good("status", "poisoned", "-f", "json").json
    assert (found["done"], found["killed"], found["queued"]) == (29, 1, 0)
    error = good("table", "poisoned", "--where", "state == 'killed'", "-c", "seed,error", "-f", "csv")
    assert error.rows[0]["seed"] == "77"
    assert "signal 9 (SIGKILL)" in error.rows[0]["error"]


@pytest.mark.parametrize("engine", ["sync", "processes"])
@pytest.mark.parametrize("how", ["removed", "renamed", "replaced"])
def test_a_store_that_is_taken_away_during_a_run_is_kept_and_taken_back(how: str, engine: str) -> None:
    good("submit", "5x5", "--name", "other", "--db", "sqlite:///other.db")
    process = spawn_with("slow", "run", "long.yaml", "--engine", engine)
    wait_for_results(process, 1)
    if how == "replaced":
        Path("other.db").replace("erfsweep.db")
    else:
        for beside in Path().glob("erfsweep.db*"):
            if how == "removed":
                beside.unlink()
            else:
                beside.rename(f"renamed{beside.suffix}")
    ended = finished(process)
    assert ended.code == 3
    assert "the store 'erfsweep.db' was removed, renamed or replaced during the run" in ended.err
    (kept,) = Path().glob("*.kept")
    assert f"erfsweep db restore {kept.absolute()}`" in ended.err
    good("db", "restore", str(kept))
    done = good("status", "long", "-f", "json").json["done"]
    assert done >= 1
    assert f"{400 - done} measured" in good("run", "long").err
    with sqlite3.connect("erfsweep.db") as database:
        assert database.execute("SELECT count(*), max(number) FROM attempt").fetchone() == (400, 1)
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
