"""`submit`, `work`, `status`, `ls`, `requeue` and `rm`: the queue and the sweeps of a store."""

import re
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pipeline.job import Job
from store.queue.claims import claim
from tests.cli.command import environment, erfsweep, finished, good, spawn


def states(*arguments: str) -> dict[str, int]:
    found = good("status", *arguments, "-f", "json").json
    return {state: found[state] for state in ("queued", "running", "done", "failed", "killed") if found[state]}


def test_submit_queues_and_work_measures() -> None:
    assert "5 configs, 5 new" in good("submit", "luo2016").out
    assert states() == {"queued": 5}
    assert "5 measured" in good("work", "luo2016").err
    assert states() == {"done": 5}
    assert "5 configs, 0 new" in good("submit", "luo2016").out
    assert states("luo2016") == {"done": 5}


def test_work_without_a_sweep_measures_everything() -> None:
    good("submit", "3x3", "-s", "seed=0,1")
    good("submit", "5x5")
    assert "3 measured" in good("work").err


def test_a_stored_sweep_is_run_by_its_name_and_expanded_again_with_other_axes() -> None:
    Path("mine.yaml").write_text("grid: {kernel: 3, depth: [1, 2]}\n")
    good("submit", "mine.yaml")
    Path("mine.yaml").unlink()
    assert "2 measured" in good("run", "mine").err
    rows = good("run", "mine", "-s", "depth=3", "--name", "deeper", "-f", "csv").rows
    assert [row["config"] for row in rows] == ["3x3x3"]


def test_ls_lists_sweeps_with_their_states() -> None:
    good("run", "3x3", "--name", "first")
    good("submit", "5x5", "-s", "seed=0,1", "--name", "second")
    rows = good("ls", "-f", "json").json
    assert [(row["sweep"], row["configs"], row["queued"], row["done"]) for row in rows] == [
        ("first", 1, 0, 1),
        ("second", 2, 2, 0),
    ]


def test_ls_says_what_a_sweep_is() -> None:
    Path("mine.yaml").write_text("description: |\n  kernels\n  of two sizes\ngrid: {kernel: [3, 5]}\n")
    good("submit", "mine.yaml")
    good("submit", "3x3, 5x5, 7x7", "--name", "three", "-s", "seed=range(0,3)")
    rows = {row["sweep"]: row["description"] for row in good("ls", "-f", "json").json}
    assert rows == {"mine": "kernels of two sizes", "three": "3x3, 5x5 and 1 more; seed=range(0,3)"}
    head = good("ls", "-f", "plain").out.splitlines()[0].split()
    assert head == ["sweep", "configs", "queued", "submitted", "description"]  # no state that no config is in


def test_a_sweep_gets_another_name() -> None:
    good("run", "3x3", "--name", "first")
    assert good("rename", "first", "second").out == "sweep first is called second now\n"
    assert [row["sweep"] for row in good("ls", "-f", "csv").rows] == ["second"]
    assert len(good("table", "second", "-f", "csv").rows) == 1
    assert "second is stored already" in good("run", "second").err


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (("first", "second"), "there is a sweep 'second' already; choose another name, or remove it first"),
        (("first", "first"), "there is a sweep 'first' already; choose another name, or remove it first"),
        (("first", "luo2016"), "the name 'luo2016' is a preset, which the sweep would hide; choose another"),
        (("first", "4x3x3"), "the name '4x3x3' is a stem, which the sweep would hide; choose another"),
        (("first", "a b"), "'a b' is not a valid name for a sweep"),
        (("frist", "third"), "there is no sweep 'frist' in the store; did you mean first?"),
    ],
)
def test_a_name_that_a_sweep_cannot_get_is_refused(names: tuple[str, str], why: str) -> None:
    for name in ("first", "second"):
        good("submit", "3x3", "--name", name)
    ended = erfsweep("rename", *names)
    assert (ended.code, ended.out, why in ended.err) == (2, "", True)
    assert {row["sweep"] for row in good("ls", "-f", "csv").rows} == {"first", "second"}


def test_run_prints_the_first_rows_and_says_how_to_see_the_rest() -> None:
    ended = good("run", "3x3", "-s", "seed=range(0,41)", "--name", "many", "-f", "plain")
    assert len(ended.out.splitlines()) == 1 + 40
    assert "the first 40 of 41 rows; `erfsweep table many` prints all of them\n" in ended.err
    assert len(good("run", "many", "-f", "csv").rows) == 41
    ended = good("run", "3x3", "-s", "seed=range(0,40)", "--name", "fewer", "-f", "plain")
    assert (len(ended.out.splitlines()), "the first" in ended.err) == (1 + 40, False)


def test_two_processes_share_a_queue_and_measure_nothing_twice() -> None:
    good("submit", "4x3x3", "-s", "seed=range(0,400)", "--name", "shared")
    both = [finished(process) for process in [spawn("work", "shared"), spawn("work")]]
    assert [ended.code for ended in both] == [0, 0]
    assert states() == {"done": 400}
    assert {row["attempts"] for row in good("table", "-c", "attempts", "-f", "csv").rows} == {"1"}


def test_short_sweeps_are_shared() -> None:
    good("submit", "6x9x9:16", "-s", "seed=range(0,120)", "-s", "input=61", "--name", "shared")  # 6 s of work
    processes = [spawn("work", "shared", "--engine", engine) for engine in ("sync", "threads", "processes")]
    ended = [finished(process) for process in processes]
    measured = [int(each.err.rpartition(" measured")[0].split()[-1]) for each in ended]
    assert sum(measured) == 120
    assert min(measured) >= 3  # one that starts late finds something left


def test_what_cannot_be_found_by_its_digest_is_told_and_not_waited_for() -> None:
    good("submit", "3x3", "-s", "seed=0,1", "--name", "mine")
    with pytest.MonkeyPatch.context() as patch:  # as an index that is damaged answers
        patch.setattr("store.queue.saving.places_of", lambda connection, digests: {})
        ended = erfsweep("work", "mine")
    assert ended.code == 3
    assert "2 configs of 'erfsweep.db' cannot be found by their digests" in ended.err
    assert states("mine") == {"queued": 2}


def test_rows_that_a_transaction_has_locked_are_waited_for_without_asking_all_the_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a server a claim passes over locked rows and gets nothing, though the status says that some are queued."""
    good("submit", "3x3", "-s", "seed=0,1", "--name", "mine")
    asked: list[float] = []

    def locked_for_three(*arguments: Any, **options: Any) -> list[Job]:
        asked.append(time.monotonic())
        return [] if len(asked) <= 3 else claim(*arguments, **options)

    monkeypatch.setattr("store.queue.store_queue.claim", locked_for_three)
    monkeypatch.setattr("pipeline.work.loop.POLL_SECONDS", 0.2)
    ended = good("work", "mine")
    assert "2 measured" in ended.err
    assert ended.err.count("waiting for 2 configs that a transaction of another process has locked") == 1
    assert all(after - before > 0.19 for before, after in pairwise(asked[:4]))


def test_the_last_line_says_where_the_time_went_only_if_asked() -> None:
    assert "storing" not in good("run", "3x3").err
    assert re.search(r"1 measured in .* \(starting .* waiting .* s\)", good("run", "5x5", "-v").err)
    good("submit", "7x7", "--name", "seven")
    assert "storing" in good("work", "seven", "-v").err


def test_the_dashboard_is_asked_for_its_library_before_anything_is_queued(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    ended = erfsweep("run", "3x3", "--dashboard")
    assert ended.code == 2
    assert "--dashboard needs the library" in ended.err
    assert not Path("erfsweep.db").exists()


def test_the_dashboard_is_quiet_on_the_terminal(tmp_path: Path) -> None:
    pytest.importorskip("bokeh")
    pytest.importorskip("cryptography")
    (tmp_path / "tmp").mkdir()
    own = environment(TMPDIR=str(tmp_path / "tmp"))
    ended = finished(spawn("run", "4x3x3=linear", "-s", "seed=range(0,20)", "--dashboard", env=own))
    assert ended.code == 0
    passing = ("measuring: ", "waiting for workers at ")  # the latter on a busy machine, where they take over 1 s
    sweep, dashboard, measured = (line for line in ended.err.splitlines() if not line.startswith(passing))
    assert "20 configs" in sweep
    assert dashboard.startswith("dashboard at http")
    assert "20 measured" in measured
    assert list((tmp_path / "tmp").iterdir()) == []


def test_requeue_queues_what_failed() -> None:
    assert erfsweep("run", "3x3", "--memory", "1kB", "--name", "mine").code == 1
    assert states() == {"failed": 1}
    assert "0 configs" in good("requeue", "--killed").out
    assert "1 config " in good("requeue", "mine", "--failed").out
    assert states() == {"queued": 1}
    assert erfsweep("run", "3x3", "--memory", "1kB", "--name", "mine").code == 1
    assert "1 config " in good("requeue").out
    good("work")
    assert states() == {"done": 1}


@pytest.mark.parametrize(
    ("narrow", "wide"), [(("--memory", "10"), ("--memory", "8GB")), (("--timeout", "0.001"), ("--timeout", "60"))]
)
def test_what_failed_for_a_limit_is_tried_again_under_a_wider_one(
    narrow: tuple[str, ...], wide: tuple[str, ...]
) -> None:
    """In every sweep that shares it, and only then: the same limit, or another one, is no reason."""
    axes = ("-s", "seed=0,1", "-s", "input=101")
    assert erfsweep("run", "20x9x9:16", *axes, "--name", "first", *narrow).code == 1
    again = erfsweep("run", "20x9x9:16", *axes, "--name", "second", *narrow)
    assert (again.code, states()) == (1, {"failed": 2})
    assert "measured again" not in again.err
    assert "2 failed before" in again.err
    assert good("run", "second", "--dry-run", *narrow).out.startswith("2 failed; ")
    for sweep in (("second",), ("20x9x9:16", *axes)):
        assert good("run", *sweep, "--dry-run", *wide).out.startswith("2 failed under narrower limits; ")
    ended = good("run", "20x9x9:16", *axes, "--name", "second", *wide)
    assert "2 configs failed under narrower limits; measured again" in ended.err
    assert states("first") == {"done": 2}


def test_rm_keeps_what_another_sweep_uses() -> None:
    good("run", "3x3", "-s", "seed=0,1", "--name", "one")
    good("run", "3x3", "-s", "seed=1,2", "--name", "two")
    assert "1 config removed, 1 kept" in good("rm", "one", "--yes").out
    assert [row["sweep"] for row in good("ls", "-f", "csv").rows] == ["two"]
    assert [row["seed"] for row in good("table", "-c", "seed", "-f", "csv").rows] == ["1", "2"]
    assert "0 measured" in good("run", "two").err
    assert "2 configs removed, 0 kept" in good("rm", "two", "-y").out
    assert good("table", "-f", "json").json == []


@pytest.mark.parametrize("engine", ["sync", "threads", "processes"])
def test_rm_of_a_sweep_that_runs_is_refused_and_with_force_its_run_ends(engine: str) -> None:
    good("submit", "6x9x9:16", "-s", "seed=range(0,2000)", "-s", "input=61", "--name", "slow")
    running = spawn("work", "slow", "--engine", engine)
    while not states("slow").get("done"):
        time.sleep(0.05)
    ended = erfsweep("rm", "slow", "--yes")
    assert ended.code == 2
    assert "'slow' is being measured (" in ended.err
    assert f":{running.pid} holds " in ended.err
    assert "add --force" in ended.err
    assert "2,000 configs removed" in good("rm", "slow", "--yes", "--force").out
    told = finished(running)
    assert told.code == 3
    assert "the sweep 'slow' was removed while it ran" in told.err
    assert good("table", "-f", "json").json == []


def test_orphans_are_told_and_pruned() -> None:
    good("run", "3x3", "-s", "seed=range(0,20)", "--name", "mine")
    said = good("submit", "3x3", "-s", "seed=0", "--name", "mine", "--replace").out
    assert "19 configs belong to no sweep (`erfsweep db prune` removes what belongs to none)" in said
    good("run", "5x5", "--name", "other")
    assert "19 configs belong to no sweep" in good("rm", "other", "--yes").out
    size = Path("erfsweep.db").stat().st_size
    assert "19 configs that belonged to no sweep removed" in good("db", "prune").out
    assert Path("erfsweep.db").stat().st_size < size
    assert "no sweep" not in good("rm", "mine", "--yes").out


def test_rm_asks_before_it_removes() -> None:
    good("run", "3x3", "--name", "mine")
    ended = erfsweep("rm", "mine")
    assert ended.code == 2
    assert "1 config wants --yes" in ended.err
    assert len(good("ls", "-f", "json").json) == 1
