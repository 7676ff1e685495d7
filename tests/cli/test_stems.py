"""Stems on the command line: several in one argument, and what is counted and refused before anything is queued."""

import sqlite3
from pathlib import Path

import pytest

from tests.cli.command import erfsweep, good


@pytest.mark.parametrize("line", ["4x3x3,7x7/2:64 max3x3/2,5x5", " 4x3x3 , 7x7/2:64 max3x3/2,\t5x5 "])
def test_several_stems_are_one_sweep(line: str) -> None:
    rows = good("run", line, "-s", "seed=1,2", "-f", "csv").rows
    stems = ["4x3x3", "7x7/2:64 max3x3/2", "5x5"]
    assert [(row["config"], row["seed"]) for row in rows] == [(stem, seed) for stem in stems for seed in ("1", "2")]
    assert "sweep s" in good("run", line, "-s", "seed=1,2").err
    assert len(good("ls", "-f", "json").json) == 1


def test_a_stem_that_comes_again_is_kept_once() -> None:
    assert [row["config"] for row in good("run", "3x3,1x3x3,3x3:4,5x5", "-f", "csv").rows] == ["3x3", "5x5"]


def test_names_of_stem_sweeps_are_no_numbers_to_a_spreadsheet() -> None:
    for seed in range(40):
        good("submit", "3x3", "-s", f"seed={seed}")
    for row in good("ls", "-f", "json").json:
        with pytest.raises(ValueError, match="could not convert"):
            float(row["sweep"])


SAME = 'stems: [3x3, "3x3:4", 1x3x3]\n'
GROWTH = """
grid: {kernel: [3, 5, 7, 9], depth: "range(1, 21)", seed: "range(0, 20)"}
stems: [4x3x3, "7x7/2:64 max3x3/2", {stem: 1x9x9, init.seed: 7}]
"""


def test_repeated_configs_are_counted_once() -> None:
    Path("same.yaml").write_text(SAME)
    assert good("run", "same.yaml", "--dry-run").out.startswith("1 new, 2 that come again; ")
    assert "1 config, 1 new" in good("submit", "same.yaml", "--max-configs", "1").out
    Path("growth.yaml").write_text(GROWTH)  # 4 * 20 * 20 + 2 * 20 + 1, without 20 of 4x3x3 and one 9x9
    assert good("run", "growth.yaml", "--dry-run").out.startswith("1619 new, 1 queued, 21 that come again; ")
    assert "1,620 configs, 1,619 new" in good("submit", "growth.yaml", "--max-configs", "1620").out
    ended = erfsweep("submit", "growth.yaml", "--max-configs", "1619", "--name", "other")
    assert ended.code == 2
    assert "'other' has at least 1620 configs, more than the 1619 of --max-configs" in ended.err


def test_a_sweep_far_too_large_is_refused_at_once() -> None:
    for setting in ("seed=range(0,999999999999)", "input.height=range(5,9999999)"):
        ended = erfsweep("submit", "3x3,5x5,5x5", "-s", setting, "--max-configs", "1000")
        assert ended.code == 2
        assert "at least" in ended.err


def test_a_dry_run_names_what_would_be_refused_for_its_memory() -> None:
    stems = "3x3,3000x3x3:512"
    out = good("run", stems, "-s", "input=301", "--dry-run", "--memory", "100MB").out
    assert out.startswith("2 new; about ")
    assert "1 of these would be refused:\n  stem '3000x3x3:512' on 301x301x1 would take " in out
    assert "more than the 100 MB of --memory; raise it or make the plane, the features or the kernel smaller" in out
    assert "refused" not in good("run", stems, "-s", "input=301", "--dry-run", "--memory", "9TB").out
    good("submit", stems, "-s", "input=301", "--name", "large")
    assert "1 of these would be refused:" in good("run", "large", "--dry-run", "--memory", "100MB").out
    line = good("run", stems, "-s", "input=301", "--dry-run", "-v", "--memory", "100MB").out.splitlines()[1]
    assert "would take" in line


def test_a_dry_run_shows_labels() -> None:
    Path("some.yaml").write_text("stems: [{stem: 3x3, label: small}]")
    assert "small: new" in good("run", "some.yaml", "--dry-run", "-v").out


@pytest.mark.parametrize("setting", ["seed=1,2,-1", "seed=range(5,-5,-1)", "init.kind=he_normal,he", "input=21,0"])
def test_a_value_late_in_a_list_is_refused_before_a_store_is_made(setting: str) -> None:
    assert erfsweep("submit", "3x3,5x5", "-s", setting).code == 2
    assert not Path("erfsweep.db").exists()


@pytest.mark.parametrize("name", ["5x5", "relu", "luo2016-growth"])
def test_an_old_store_may_have_names_that_no_new_sweep_can_have(name: str) -> None:
    good("submit", "3x3,7x7", "--name", "some")
    with sqlite3.connect("erfsweep.db") as database:
        database.execute("UPDATE sweep SET name = ?", (name,))
    database.close()
    assert good("work", name).code == 0
    assert [row["config"] for row in good("table", name, "-f", "csv").rows] == ["3x3", "7x7"]
    assert good("show", f"{name}:1").out.startswith("7x7  g")
    if name != "luo2016-growth":  # a preset is found before a stored sweep, as ever
        assert "0 measured" in good("run", name).err
        assert "2 new" in good("submit", name, "-s", "dtype=float64", "--append").out
    good("submit", "9x9", "--name", "beside")
    assert erfsweep("submit", "9x9", "--name", name).code == 2
    good("rm", name, "--yes")
