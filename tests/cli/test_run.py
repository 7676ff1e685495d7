"""`run`: queue what is new, measure it, print the table."""

import sqlite3
from pathlib import Path

import pytest

from tests.cli.command import REFERENCE, erfsweep, finished, good, spawn

CLASSIC = (REFERENCE / "luo2016.txt").read_text()
LABELS = ["3x3", "2x3x3", "4x3x3", "9x9", "4x5x5"]


def dump() -> list[str]:
    """The whole store of the working directory."""
    with sqlite3.connect("erfsweep.db") as database:
        return list(database.iterdump())


def test_without_arguments_the_five_stems_are_measured_printed_and_stored() -> None:
    ended = finished(spawn("run", "--format", "csv"))
    assert ended.code == 0
    assert [row["config"] for row in ended.rows] == LABELS
    assert [(row["theo_rf"], row["eff_rf"]) for row in ended.rows] == [
        ("3", "3"),
        ("5", "5"),
        ("9", "7"),
        ("9", "9"),
        ("17", "13"),
    ]
    with sqlite3.connect("erfsweep.db") as database:
        assert database.execute(
            "SELECT config, eff_rf FROM results WHERE state = 'done' ORDER BY eff_rf"
        ).fetchall() == [
            ("3x3", 3.0),
            ("2x3x3", 5.0),
            ("4x3x3", 7.0),
            ("9x9", 9.0),
            ("4x5x5", 13.0),
        ]


def test_the_second_run_measures_nothing_and_prints_the_same() -> None:
    first, second = good("run"), good("run")
    assert second.out == first.out
    assert "5 measured" in first.err
    assert "0 measured" in second.err
    assert {row["attempts"] for row in good("table", "-c", "attempts", "-f", "csv").rows} == {"1"}


def test_the_classic_table_is_the_originals_byte_for_byte(luo2016: str) -> None:
    assert good("table", "luo2016", "--format", "classic", "--db", luo2016).out == CLASSIC
    assert good("run", "luo2016", "--format", "classic", "--db", luo2016).out == CLASSIC


def test_a_stem_is_a_sweep_and_axes_are_set_on_the_command_line() -> None:
    rows = good("run", "4x3x3", "-s", "seed=range(0,3)", "-s", "probes.count=2", "-f", "csv").rows
    assert [row["seed"] for row in rows] == ["0", "1", "2"]
    rows = good("table", "-c", "probes_count,depth,kernel", "-f", "csv").rows
    assert rows == [{"probes_count": "2", "depth": "4", "kernel": "3"}] * 3


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.yaml", "name: a\ngrid: {kernel: [3, 5], depth: 'range(1, 3)'}\n"),
        ("a.toml", 'name = "a"\n[grid]\nkernel = [3, 5]\ndepth = "range(1, 3)"\n'),
        ("a.json", '{"name": "a", "grid": {"kernel": [3, 5], "depth": [1, 2]}}'),
    ],
)
def test_a_sweep_file_is_yaml_toml_or_json(name: str, text: str) -> None:
    Path(name).write_text(text)
    rows = good("run", name, "-f", "csv").rows
    assert [row["config"] for row in rows] == ["3x3", "2x3x3", "5x5", "2x5x5"]


def test_a_stem_file_is_a_sweep_named_after_it() -> None:
    Path("mine.stem").write_bytes(b"# two layers\r\n3x3:8   # the first\r\n\r\n\tmax3x3/2\r\n")
    assert "2 new" in good("run", "mine.stem", "-s", "seed=0,1", "--dry-run").out
    ended = good("submit", "mine.stem", "-s", "seed=0,1")
    assert "sweep mine: 2 configs, 2 new" in ended.out
    rows = good("run", "mine.stem", "-s", "seed=0,1", "-s", "input=9x9x3", "--replace", "-f", "csv").rows
    assert [row["config"] for row in rows] == ["3x3:8 max3x3/2"] * 2
    assert [row["width"] for row in good("table", "mine", "-c", "width", "-f", "csv").rows] == ["9", "9"]
    assert "sweep other" in good("run", "mine.stem", "--name", "other").err


def test_theory_and_run_choose_the_same_plane() -> None:
    Path("deep.stem").write_text("7x7/2:64 max3x3/2\n2xres(2x3x3:64)\n")
    walked = good("theory", "deep.stem", "-f", "json").json
    assert (walked[0]["height"], walked[0]["width"]) == (24, 24)  # of 47, the smallest odd side that holds 43 pixels
    good("run", "deep.stem", "-s", "probes.count=1", "-s", "input.channels=3")
    (row,) = good("table", "deep", "-c", "width,channels,theo_rf,saturated", "-f", "json").json
    assert row == {"width": 47, "channels": 3, "theo_rf": 43, "saturated": False}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_ends_of_lines_in_a_file_separate_blocks(end: str) -> None:
    lines = end.join(
        ["name: folded", "stems:", "  - >-", "    3x3:8", "    max3x3/2", "  - |", "    5x5", "    gap", ""]
    )
    Path("folded.yaml").write_bytes(lines.encode())
    Path("lines.json").write_text('{"stems": ["3x3:8' + end.encode("unicode_escape").decode() + 'max3x3/2 "]}')
    for name, stems in (("folded.yaml", ["3x3:8 max3x3/2", "5x5 gap"]), ("lines.json", ["3x3:8 max3x3/2"])):
        assert [row["config"] for row in good("run", name, "-s", "input=9", "-f", "csv").rows] == stems


def test_an_axis_on_the_command_line_overrides_that_of_the_file() -> None:
    Path("a.yaml").write_text("grid: {kernel: [3, 5, 7], depth: 2}\n")
    rows = good("run", "a.yaml", "-s", "kernel=3", "-s", "depth=range(1,4)", "-f", "csv").rows
    assert [row["config"] for row in rows] == ["3x3", "2x3x3", "3x3x3"]


def test_sweeps_that_overlap_share_their_results() -> None:
    good("run", "3x3", "-s", "seed=0,1")
    ended = good("run", "3x3", "-s", "seed=1,2")
    assert "2 configs, 1 new" in ended.err
    assert "1 measured" in ended.err


def test_a_dry_run_counts_and_writes_nothing() -> None:
    ended = good("run", "--dry-run", "-v")
    assert "5 new" in ended.out
    assert ended.out.count(": new\n") == 5
    assert not list(Path().iterdir())
    good("run", "3x3", "-s", "seed=0,1", "--name", "seeds")
    before = dump()
    ended = good("run", "3x3", "-s", "seed=0,1,2", "--dry-run", "-v")
    assert "1 new, 2 done" in ended.out
    assert ended.out.count("done already") == 2
    assert "2 done" in good("run", "seeds", "--dry-run").out
    assert dump() == before


def test_the_same_name_with_another_list_wants_append_or_replace() -> None:
    good("run", "3x3", "--name", "mine")
    good("run", "3x3", "--name", "mine")
    ended = erfsweep("run", "5x5", "--name", "mine")
    assert ended.code == 2
    assert "--append" in ended.err
    assert "--replace" in ended.err
    rows = good("run", "5x5", "--name", "mine", "--append", "-f", "csv").rows
    assert [row["config"] for row in rows] == ["3x3", "5x5"]
    rows = good("run", "7x7", "--name", "mine", "--replace", "-f", "csv").rows
    assert [row["config"] for row in rows] == ["7x7"]


def test_dry_run_tells_that_the_name_is_taken_by_another_list() -> None:
    good("submit", "3x3", "-s", "seed=0,1", "--name", "mine")
    taken = "the run would be refused: sweep mine exists with another list; use --append, --replace or another name\n"
    for axis in ("seed=0", "seed=1,0", "seed=0,1,2"):
        plan = ("run", "3x3", "-s", axis, "--name", "mine", "--dry-run")
        assert good(*plan).out.endswith(taken)
        assert "refused" not in good(*plan, "--append").out + good(*plan, "--replace").out
    assert "refused" not in good("run", "3x3", "-s", "seed=0,1", "--name", "mine", "--dry-run").out
    assert "refused" not in good("run", "3x3", "-s", "seed=0", "--name", "other", "--dry-run").out


def test_a_config_that_fails_is_named_and_the_others_are_measured() -> None:
    Path("mine.yaml").write_text("stems: [3x3, '9x31x31:64', 5x5]\n")
    ended = erfsweep("run", "mine.yaml", "--memory", "1MB", "-f", "csv")
    assert ended.code == 1
    assert [row["state"] for row in ended.rows] == ["done", "failed", "done"]
    assert "--memory" in ended.rows[1]["error"]
    assert "2 measured, 1 failed" in ended.err


def test_what_failed_is_measured_again_only_when_asked() -> None:
    """Under the same limits; under wider ones it is measured again unasked."""
    narrow = ("--memory", "1kB")
    assert erfsweep("run", "4x3x3", "--name", "mine", *narrow).code == 1
    again = erfsweep("run", "mine", *narrow)
    assert again.code == 1
    assert "0 measured, 1 failed before in" in again.err
    assert "--retry-failed tries again" in again.err
    asked = erfsweep("run", "mine", "--retry-failed", *narrow)
    assert asked.code == 1
    assert "0 measured, 1 failed in" in asked.err
    assert "1 measured in" in good("run", "mine", "--retry-failed").err
    (row,) = good("table", "mine", "-c", "state,attempts,error", "-f", "json").json
    assert row == {"state": "done", "attempts": 3, "error": None}


def test_dry_run_counts_what_retry_failed_measures_again_as_work() -> None:
    stem, narrow = "20x9x9:16", ("--memory", "1kB", "--name", "mine")
    assert erfsweep("run", stem, "-s", "input=101", *narrow).code == 1
    for sweep in (("mine",), (stem, "-s", "input=101")):
        plan = ("run", *sweep, "--dry-run", *narrow)
        assert good(*plan).out == "1 failed; about 0.0 s of work on one core\n"
        asked = good(*plan, "--retry-failed").out
        assert asked.startswith("1 failed; about ")
        assert "about 0.0 s" not in asked
        assert "1 of these would be refused:" in asked
    assert "more than the 1 kB" in good(*plan, "--retry-failed", "-v").out
    wide = ("run", stem, "-s", "input=101", "--dry-run", "--retry-failed", "-v")
    assert good(*wide).out.splitlines()[0].endswith(f"{stem}: failed before; measured again")


@pytest.mark.parametrize("engine", ["sync", "threads", "processes"])
def test_every_engine_yields_the_same_digits(engine: str, luo2016: str) -> None:
    columns = ("-c", "digest,eff_rf,luo,sigma_x,gauss_r2,replknet_50", "-f", "csv")
    finished(spawn("run", "luo2016", "--engine", engine))
    assert good("table", "luo2016", *columns).out == good("table", "luo2016", *columns, "--db", luo2016).out


def test_the_store_is_named_before_or_after_the_command_or_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    good("--db", "sqlite:///a.db", "run", "3x3")
    good("run", "3x3", "--db", "sqlite:///b.db")
    monkeypatch.setenv("ERFSWEEP_DB", "sqlite:///c.db")
    good("run", "3x3")
    assert sorted(path.name for path in Path().glob("?.db")) == ["a.db", "b.db", "c.db"]
    assert not Path("erfsweep.db").exists()
