"""`erfsweep pareto`: the front in every format, and what is said of rows that take no part."""

from typing import get_args

import pytest

from cli.options import Format
from tests.cli.command import erfsweep, good


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Linear stacks of equal weights, whose windows and work are known, and one that is dead.

    The window is 1 + depth * (kernel - 1); a layer of 3x3 and of 5x5 takes 9 and 25 multiply-adds a pixel.
    """
    url = f"sqlite:///{tmp_path_factory.mktemp('pareto')}/p.db"
    axes = ("-s", "init.kind=uniform_kernel", "-s", "probes.count=1", "-s", "input=21", "--name", "p")
    stems = ("1x3x3:1=linear", "2x3x3:1=linear", "3x3x3:1=linear", "1x5x5:1=linear", "2x5x5:1=linear", "4x3x3:1=linear")
    good("run", ", ".join(stems), *axes, "--db", url)
    return url


def test_the_front_is_that_of_the_arithmetic(db: str) -> None:
    rows = good("pareto", "p", "--max", "theo_rf", "--min", "macs", "-f", "csv", "--db", db).rows
    # Windows 3, 5, 7, 5, 9, 9 for 9, 18, 27, 25, 50, 36 multiply-adds: both stacks of 5x5 are beaten.
    assert [(row["theo_rf"], int(row["macs"]) // 21**2) for row in rows] == [("9", 36), ("7", 27), ("5", 18), ("3", 9)]
    first = good(
        "pareto", "p", "--max", "theo_rf", "--min", "macs", "--sort", "macs", "-n", "1", "-f", "csv", "--db", db
    )
    assert [row["config"] for row in first.rows] == ["3x3:1=linear"]


@pytest.mark.parametrize("format_", get_args(Format))
def test_every_format_has_it(db: str, format_: str) -> None:
    out = good("pareto", "--max", "theo_rf", "--min", "macs", "-c", "depth", "-f", format_, "--db", db).out
    assert "theo_rf" in out.replace("\\_", "_")


def test_a_condition_that_no_row_meets_is_said(db: str) -> None:
    ended = good("pareto", "p", "--max", "pred_luo,kernel", "--where", "depth > 9", "-f", "csv", "--db", db)
    assert ended.err == "no row meets --where 'depth > 9'\n"
    assert ended.rows == []


def test_unmeasured_rows_take_no_part_and_are_counted(db: str) -> None:
    good("submit", "7x7, 9x9", "--name", "queued", "--db", db)
    ended = good("pareto", "queued", "--max", "luo", "--min", "macs", "-f", "csv", "--db", db)
    assert (ended.rows, ended.err) == ([], "2 of 2 rows have no luo and take no part\n")


def test_a_row_that_failed_takes_no_part(db: str) -> None:
    erfsweep("run", "3x3, 40x9x9:64", "-s", "input=301", "--timeout", "0.05", "--name", "failed", "--db", db)
    states = [row["state"] for row in good("table", "failed", "-c", "state", "-f", "csv", "--db", db).rows]
    ended = good("pareto", "failed", "--max", "theo_rf", "--min", "macs", "-f", "csv", "--db", db)
    assert len(ended.rows) == states.count("done") < 2
    assert "no theo_rf and take" in ended.err
    pytest.importorskip("matplotlib")
    refused = erfsweep("plot", "heatmap", "failed:1", "-o", "x.png", "--db", db)
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert "'failed:1' has no heatmap: failed; `erfsweep show g" in refused.err


def test_other_shares_of_the_mass_are_objectives_too(db: str) -> None:
    one = ("--where", "depth == 2 and kernel == 5")
    (row,) = good("pareto", "p", "--max", "eff_square", "--mass", "1", *one, "-f", "csv", "--db", db).rows
    assert row["eff_square"] == "9"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((), "a front needs an objective; write --max luo, --min macs or both"),
        (("--max", "luo", "--min", "luo"), "'luo' is an objective twice"),
        (("--max", "config"), "'config' holds no numbers"),
        (("--max", "luo,"), "--max 'luo,' lacks a name"),
        (("--min", "macs", "--over", "luo"), "not an axis"),
    ],
)
def test_what_cannot_be_used_is_said_in_a_sentence(db: str, arguments: tuple[str, ...], named: str) -> None:
    ended = erfsweep("pareto", "p", *arguments, "--db", db)
    assert (ended.code, ended.out) == (2, "")
    assert named in ended.err
