"""A run that is interrupted or killed: nothing lost, nothing twice, and the next run goes on at once."""

import io
import random
import signal
import sqlite3
import subprocess
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.arrays import unpack_curves, unpack_heatmap
from pipeline.result import Arrays
from tests.cli.command import erfsweep, finished, good, spawn

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
        curves = unpack_curves(packed)  # None: a dead config has none
        scalars = {name: value for name, value in columns.items() if name not in TIMES}
        found[row["digest"]] = scalars, unpack_heatmap(packed).tolist(), None if curves is None else curves.tolist()
    database.close()
    return found


def wait_for_results(process: "subprocess.Popen[str]", least: int) -> None:
    """Until the store holds so many results, or the process has ended."""
    while process.poll() is None:
        if Path("erfsweep.db").exists():
            with sqlite3.connect("erfsweep.db", timeout=10) as database:
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
    assert "waiting for" not in ended.err
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
    axes = ("-s", "seed=range(0,60)", "-s", "input=61", "--name", "slow")
    process = spawn("run", "6x9x9:16", *axes, "--engine", "sync", *options)
    wait_for_results(process, 1)
    process.send_signal(signal.SIGINT)
    ended = finished(process)
    assert ended.code == 130
    assert "Traceback" not in ended.err
    assert "run it again" in ended.err
    found = good("status", "slow", "-f", "json").json
    assert found["running"] == 0
    assert 1 <= found["done"] < 60
    assert found["done"] + found["queued"] == 60
    assert f"{found['queued']} measured" in good("run", "slow").err
    assert {row["attempts"] for row in good("table", "-c", "attempts", "-f", "csv").rows} == {"1"}


def test_fail_fast_stops_at_the_first_failure() -> None:
    memory = ("--memory", "1MB", "--fail-fast", "--engine", "sync")
    ended = erfsweep("run", "4x31x31:64", "-s", "seed=range(0,50)", *memory)
    assert ended.code == 1
    found = good("status", "-f", "json").json
    assert found["failed"] >= 1
    assert found["queued"] >= 1
    assert found["failed"] + found["queued"] == 50


def test_the_view_results_is_readable_by_any_sqlite(luo2016: str) -> None:
    fields = [row["field"] for row in good("fields", "-f", "csv").rows if row["field"] != "position"]
    with sqlite3.connect(luo2016.removeprefix("sqlite:///")) as database:
        cursor = database.execute("SELECT * FROM results")
        assert [column[0] for column in cursor.description] == fields
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
    process = spawn("run", "4x3x3", "-s", "seed=range(0,20000)", "--engine", "processes", "--db", db)
    assert process.stderr is not None
    while not Path(tmp_path / "store.db").exists():  # the command itself is loaded
        time.sleep(0.01)
    time.sleep(after)
    process.send_signal(signal.SIGINT)
    ended = finished(process)
    assert ended.code == 130
    assert "Traceback" not in ended.err
    assert ended.err.rstrip().endswith("erfsweep: interrupted; run it again to go on")
