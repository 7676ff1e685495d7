"""`db`: the store itself."""

import re
import sqlite3
from pathlib import Path

from tests.cli.command import erfsweep, good


def test_info_says_what_the_store_holds(luo2016: str) -> None:
    found = good("db", "info", "-f", "json", "--db", luo2016).json
    assert found["url"] == luo2016
    assert found["dialect"] == "sqlite"
    assert found["tables"] == {"sweep": 1, "config": 5, "sweep_config": 5, "attempt": 5, "result": 5}
    assert found["states"]["done"] == 5
    assert found["size"] == Path(luo2016.removeprefix("sqlite:///")).stat().st_size
    assert re.search(r"(?m)^size +\d+(\.\d+)? (kB|KiB)$", good("db", "info", "--db", luo2016).out)


def test_a_backup_is_a_whole_store(luo2016: str) -> None:
    good("db", "backup", "copy.db", "--db", luo2016)
    assert good("table", "luo2016", "-f", "csv", "--db", "sqlite:///copy.db").out == (
        good("table", "luo2016", "-f", "csv", "--db", luo2016).out
    )
    before = Path("copy.db").read_bytes()
    ended = erfsweep("db", "backup", "copy.db", "--db", luo2016)
    assert ended.code == 2
    assert "'copy.db'" in ended.err
    assert Path("copy.db").read_bytes() == before


def test_a_copy_says_what_it_moved_and_wants_an_empty_store(luo2016: str) -> None:
    ended = good("db", "copy", luo2016, "sqlite:///copy.db")
    assert "5 config" in ended.out
    assert "5 map" in ended.out
    first = good("show", "luo2016:2", "-f", "json", "--db", luo2016).json
    assert good("show", "luo2016:2", "-f", "json", "--db", "sqlite:///copy.db").json == first
    ended = erfsweep("db", "copy", luo2016, "sqlite:///copy.db")
    assert ended.code == 3
    assert "not empty" in ended.err


def test_upgrade_leaves_a_store_of_this_revision_alone(luo2016: str) -> None:
    assert "already" in good("db", "upgrade", "--db", luo2016).out


def test_a_store_of_a_newer_revision_is_refused() -> None:
    good("run", "3x3")
    with sqlite3.connect("erfsweep.db") as database:
        database.execute("UPDATE erfsweep_version SET version_num = '9999'")
    for command in (("table",), ("run", "5x5"), ("db", "upgrade")):
        ended = erfsweep(*command)
        assert ended.code == 3
        assert "'9999'" in ended.err


def test_a_backup_is_restored_and_what_was_there_is_kept(luo2016: str) -> None:
    good("db", "backup", "kept.db", "--db", luo2016)
    good("submit", "3x3x3", "--name", "other")
    ended = good("db", "restore", "kept.db")
    kept = ended.out.rpartition("kept in ")[2].strip()
    assert good("ls", "-f", "json").json == good("ls", "-f", "json", "--db", luo2016).json
    assert [row["sweep"] for row in good("ls", "-f", "json", "--db", f"sqlite:///{kept}").json] == ["other"]
    assert good("db", "restore", "kept.db", "--db", "sqlite:///new.db").out == "new.db restored from kept.db\n"
    ended = erfsweep("db", "restore", "nowhere.db")
    assert (ended.code, ended.err) == (2, "erfsweep: there is no backup 'nowhere.db'; check the path\n")
