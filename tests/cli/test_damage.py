"""A damaged value in a store: its row is named on stderr, the others are answered, and the exit code is 3."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.command import erfsweep, good

PATH = "erfsweep.db"


@pytest.fixture(autouse=True)
def _store() -> None:
    good("run", "2x3x3", "-s", "seed=range(0,4)", "--name", "four")


def damage(*statements: str) -> None:
    with closing(sqlite3.connect(PATH)) as database, database:
        for statement in statements:
            database.execute(statement)


HEATMAP = "UPDATE map SET heatmap = x'00' WHERE config_id = 2"
SIZE = "UPDATE result SET eff_rf = 'seven' WHERE config_id = 2"
READING = [
    (HEATMAP, ("table", "four", "--mass", "0.5", "-f", "csv"), "map, column heatmap"),
    (HEATMAP, ("table", "four", "--center", "plane", "-c", "id,config,seed,luo", "-f", "csv"), "map, column heatmap"),
    (SIZE, ("table", "four", "-f", "csv"), "result, column eff_rf"),
    (SIZE, ("table", "-c", "seed,eff_rf", "-f", "csv"), "result, column eff_rf"),
    (SIZE, ("table", "four", "-c", "seed", "--where", "eff_rf > 0", "-f", "csv"), "result, column eff_rf"),
]


@pytest.mark.parametrize(("statement", "command", "place"), READING)
def test_the_other_rows_are_answered(statement: str, command: tuple[str, ...], place: str) -> None:
    damage(statement)
    ended = erfsweep(*command)
    assert ended.code == 3
    assert [row["seed"] for row in ended.rows] == ["0", "2", "3"]
    assert f"of table {place}" in ended.err
    assert "row 2 (g" in ended.err
    assert "1 damaged value in 'sqlite:///erfsweep.db': their rows are left out; `erfsweep db check`" in ended.err


def test_every_other_command_answers_what_it_can() -> None:
    damage(HEATMAP)
    ended = erfsweep("measure", "four", "--again")
    assert (ended.code, ended.out) == (3, "sizes taken anew: 3 results\n")
    ended = erfsweep("export", "four", "--to", "out")
    assert ended.code == 3
    names = {path.name for path in Path("out").iterdir()}
    assert names == {"manifest.json", "table.csv", *(f"erf_sweep_{i}.csv" for i in (0, 2, 3))}
    assert json.loads(Path("out/manifest.json").read_text())["complete"] is True
    ended = erfsweep("table", "four", "--over", "seed", "--map", "mean", "-c", "eff_rf", "-f", "json")
    assert (ended.code, ended.json[0]["n"]) == (3, 4)
    ended = erfsweep("show", "four:1")
    assert (ended.code, "theoretical RF" in ended.out) == (3, True)
    ended = erfsweep("show", "four:1", "--mass", "0.5")
    assert (ended.code, ended.out) == (3, "")
    for command in (("status", "four"), ("ls",), ("table", "four"), ("show", "four:0"), ("db", "backup", "kept.db")):
        assert erfsweep(*command).code == 0, command


def test_growth_and_groups_leave_a_damaged_row_out() -> None:
    good("run", "3x3x3", "-s", "seed=0,1", "--name", "three")
    good("run", "2x3x3, 3x3x3", "-s", "seed=0,1", "--name", "both")
    before = good("growth", "both", "-f", "json").json[0]["draws"]
    damage("UPDATE result SET luo = 'long' WHERE config_id = (SELECT min(config_id) FROM result WHERE luo IS NOT NULL)")
    ended = erfsweep("growth", "both", "-f", "json")
    assert (ended.code, ended.json[0]["draws"]) == (3, before - 1)
    ended = erfsweep("table", "four", "--over", "seed", "-c", "luo", "-f", "json")
    assert (ended.code, [row["n"] for row in ended.json]) == (3, [3])


def test_many_are_counted_and_some_named() -> None:
    good("run", "3x3", "-s", "seed=range(0,60)", "--name", "many")
    damage("UPDATE map SET checksum = 'x'")
    ended = erfsweep("table", "many", "--mass", "0.5")
    assert ended.code == 3
    assert ended.err.count("its checksum differs") == 20
    assert "60 damaged values in 'sqlite:///erfsweep.db', 40 of them not named: their rows" in ended.err


def test_a_damaged_store_is_checked_and_mended() -> None:
    before = good("table", "four", "-f", "json").json
    assert good("db", "check").out == "4 configs looked through, 0 damaged values\n"
    damage(HEATMAP, "UPDATE result SET eff_rf = eff_rf + 2 WHERE config_id = 3")
    ended = erfsweep("db", "check")
    assert ended.code == 3
    *named, last = ended.out.splitlines()
    first, second = sorted(named)
    assert "row 2 (g" in first
    assert "of table map, column heatmap: the heatmap is damaged: its checksum differs; to be measured again" in first
    assert "row 3 (g" in second
    assert "of table result, column eff_rf: '7.0' instead of '5.0', as the heatmap has it" in second
    assert last == "4 configs looked through, 2 damaged values; --mend makes good what can be"
    ended = good("db", "check", "--mend")
    assert ended.out.splitlines()[-1] == (
        "4 configs looked through, 2 damaged values; 2 rows mended, 0 cannot be; "
        "1 config queued to be measured again by `erfsweep work`"
    )
    good("work", "four")
    good("db", "check")
    assert good("table", "four", "-f", "json").json == before


def test_a_store_with_a_trigger_is_refused() -> None:
    damage("CREATE TRIGGER evil AFTER UPDATE ON config BEGIN DELETE FROM result; END")
    for command in (("table", "four"), ("run", "3x3"), ("db", "check"), ("db", "upgrade")):
        ended = erfsweep(*command)
        assert (ended.code, "has a trigger 'evil' on config" in ended.err) == (3, True), command


def test_broken_json_of_a_queued_config_ends_in_a_sentence() -> None:
    good("submit", "5x5", "--name", "next")
    damage("UPDATE config SET json = '{' WHERE id = 5")
    assert erfsweep("status").code == 0
    ended = erfsweep("show", "next:0")
    assert (ended.code, "row 5 of table config, column json: '{' cannot be read" in ended.err) == (3, True)
    ended = erfsweep("table", "-c", "id,spec", "-f", "csv")
    assert (ended.code, len(ended.rows)) == (3, 4)
    assert erfsweep("work", "next").code == 1
