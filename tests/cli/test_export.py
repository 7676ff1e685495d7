"""`export`: a sweep as files, by query."""

import csv
import hashlib
import json
from errno import ENOSPC
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.config import KERNEL_VERSION
from store.asking.export import folder
from tests.cli.command import REFERENCE, erfsweep, good


def curve(path: Path) -> np.ndarray:
    assert path.read_text().startswith("radius,mass_fraction\n")
    return np.loadtxt(path, delimiter=",", skiprows=1)


def test_the_curve_of_four_3x3_layers_is_the_originals(luo2016: str) -> None:
    ended = good("export", "luo2016", "--to", "out", "--db", luo2016)
    assert "5 rows and 5 mass curves" in ended.err
    names = {path.name for path in Path("out").iterdir()}
    assert names == {"manifest.json", "table.csv", *(f"erf_sweep_{position}.csv" for position in range(5))}
    ours, theirs = curve(Path("out/erf_sweep_2.csv")), curve(REFERENCE / "erf_sweep_2.csv")
    np.testing.assert_array_equal(ours[:, 0], theirs[:, 0])
    np.testing.assert_allclose(ours[:, 1], theirs[:, 1], rtol=0, atol=2e-6)


@pytest.mark.parametrize("position", range(5))
def test_a_curve_never_falls_and_ends_at_one(luo2016: str, position: int) -> None:
    good("export", "luo2016", "--to", "out", "--db", luo2016)
    fractions = curve(Path(f"out/erf_sweep_{position}.csv"))[:, 1]
    assert (np.diff(fractions) >= 0).all()
    assert fractions[-1] == 1


def test_the_table_has_every_column_that_fields_lists(luo2016: str) -> None:
    good("export", "luo2016", "--to", "out", "--db", luo2016)
    with Path("out/table.csv").open(newline="") as stream:
        header, *rows = csv.reader(stream)
    listed = [row["field"] for row in good("fields", "-f", "csv").rows]
    assert header == listed
    assert len(rows) == 5


def test_where_mass_and_center_hold_for_an_export(luo2016: str) -> None:
    good("export", "luo2016", "--to", "out", "--where", "theo_rf == 9", "--mass", "0.5", "--db", luo2016)
    assert {path.name for path in Path("out").iterdir()} == {
        "manifest.json",
        "table.csv",
        "erf_sweep_2.csv",
        "erf_sweep_3.csv",
    }
    with Path("out/table.csv").open(newline="") as stream:
        exported = [row["eff_rf"] for row in csv.DictReader(stream)]
    printed = good("table", "luo2016", "--where", "theo_rf == 9", "--mass", "0.5", "-f", "csv", "--db", luo2016).rows
    assert exported == [row["eff_rf"] for row in printed]


def test_a_grouped_export_has_no_curves(luo2016: str) -> None:
    good("export", "luo2016", "--to", "out", "--over", "seed", "--db", luo2016)
    assert {path.name for path in Path("out").iterdir()} == {"manifest.json", "table.csv"}


def test_a_directory_that_cannot_be_made_is_named(luo2016: str) -> None:
    Path("taken").write_text("")
    ended = erfsweep("export", "luo2016", "--to", "taken", "--db", luo2016)
    assert ended.code == 2
    assert "'taken'" in ended.err
    assert Path("taken").read_text() == ""


def manifest() -> Any:
    return json.loads(Path("out/manifest.json").read_text())


def content(folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def test_an_export_replaces_the_last_one_of_its_sweep_and_leaves_other_files_alone(luo2016: str) -> None:
    good("export", "luo2016", "--to", "out", "--db", luo2016)
    Path("out/notes.txt").write_text("mine")
    good("export", "luo2016", "--to", "out", "--where", "theo_rf == 9", "--mass", "0.5", "--db", luo2016)
    again = content("out")
    assert again.pop("notes.txt") == b"mine"
    good("export", "luo2016", "--to", "fresh", "--where", "theo_rf == 9", "--mass", "0.5", "--db", luo2016)
    assert again == content("fresh")
    assert set(again) == {"manifest.json", "table.csv", "erf_sweep_2.csv", "erf_sweep_3.csv"}


def test_the_manifest_says_what_the_files_were_made_of(luo2016: str) -> None:
    good("export", "luo2016", "--to", "out", "--where", "theo_rf == 9", "--mass", "0.5", "--db", luo2016)
    made_of = manifest()
    query = {"sweep": "luo2016", "where": "theo_rf == 9", "over": None, "map": None, "mass": 0.5, "center": "unit"}
    assert (made_of["query"], made_of["store"], made_of["complete"]) == (query, luo2016, True)
    assert made_of["erfsweep"] == {"version": version("erfsweep"), "kernel_version": KERNEL_VERSION}
    assert made_of["files"] == [
        {"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name in ("table.csv", "erf_sweep_2.csv", "erf_sweep_3.csv")
        for data in [Path("out", name).read_bytes()]
    ]
    assert made_of["columns"] == {row["field"]: row["type"] for row in good("fields", "-f", "csv").rows}
    good("export", "luo2016", "--to", "out", "--over", "seed", "--db", luo2016)
    made_of = manifest()
    assert (made_of["query"]["over"], made_of["query"]["mass"]) == ("seed", 0.9)
    assert [file["name"] for file in made_of["files"]] == ["table.csv"]
    assert (made_of["columns"]["eff_rf"], made_of["columns"]["n"], made_of["columns"]["eff_rf_sd"]) == (
        *("float", "int", "float"),
    )


@pytest.mark.parametrize("written", [None, "{", '{"files": ["../table.csv"]}'])
@pytest.mark.parametrize("name", ["erf_sweep_7.csv", "notes.txt"])
def test_a_folder_with_other_files_is_refused(luo2016: str, name: str, written: str | None) -> None:
    Path("out").mkdir()
    Path("out", name).write_text("old")
    if written is not None:
        Path("out/manifest.json").write_text(written)
    before = content("out")
    ended = erfsweep("export", "luo2016", "--to", "out", "--db", luo2016)
    assert ended.code == 2
    assert f"'out' holds {name!r}, which no manifest.json there lists" in ended.err
    assert content("out") == before
    good("export", "luo2016", "--to", "out", "--force", "--db", luo2016)
    ours = {"manifest.json", "table.csv", *(f"erf_sweep_{place}.csv" for place in range(5))}
    assert set(content("out")) == ours | {name}
    assert Path("out", name).read_text() == "old"  # no manifest lists it: it is not removed


def test_the_manifest_of_another_program_is_not_overwritten(luo2016: str) -> None:
    Path("out").mkdir()
    Path("out/manifest.json").write_text('{"name": "a web page"}')
    ended = erfsweep("export", "luo2016", "--to", "out", "--db", luo2016)
    assert ended.code == 2
    assert "'out' holds a manifest.json that is no export's" in ended.err
    assert content("out") == {"manifest.json": b'{"name": "a web page"}'}


def test_an_empty_folder_and_hidden_files_are_no_obstacle(luo2016: str) -> None:
    Path("out").mkdir()
    Path("out/.DS_Store").write_text("")
    good("export", "luo2016", "--to", "out", "--db", luo2016)
    assert len(content("out")) == 8


def test_a_file_beside_the_last_export_is_not_overwritten(luo2016: str) -> None:
    good("export", "luo2016", "--to", "out", "--where", "theo_rf == 9", "--db", luo2016)
    Path("out/erf_sweep_0.csv").write_text("mine")
    before = content("out")
    ended = erfsweep("export", "luo2016", "--to", "out", "--db", luo2016)
    assert ended.code == 2
    assert "'out' holds 'erf_sweep_0.csv', which no manifest.json there lists" in ended.err
    assert content("out") == before
    good("export", "luo2016", "--to", "out", "--force", "--db", luo2016)
    assert curve(Path("out/erf_sweep_0.csv"))[-1, 1] == 1


def test_a_manifest_removes_no_file_but_those_of_an_export(luo2016: str) -> None:
    good("export", "luo2016", "--to", "out", "--db", luo2016)
    Path("mine.csv").write_text("mine")
    Path("out/notes.txt").write_text("mine")
    handed_over = manifest()
    names = ["../mine.csv", "notes.txt", str(Path("mine.csv").absolute()), "..", "", "erf_sweep_9.csv"]
    handed_over["files"] += [{"name": name, "size": 4, "sha256": ""} for name in names]
    Path("out/manifest.json").write_text(json.dumps(handed_over))
    good("export", "luo2016", "--to", "out", "--over", "seed", "--db", luo2016)
    assert set(content("out")) == {"manifest.json", "table.csv", "notes.txt"}
    assert (Path("mine.csv").read_text(), Path("out/notes.txt").read_text()) == ("mine", "mine")


def test_the_folder_of_another_sweep_is_refused(luo2016: str) -> None:
    good("run", "3x3", "--name", "other")
    good("export", "other", "--to", "out")
    before = content("out")
    ended = erfsweep("export", "luo2016", "--to", "out", "--db", luo2016)
    assert ended.code == 2
    assert "'out' holds the export of sweep 'other'; choose another --to, or add --force" in ended.err
    assert content("out") == before
    good("export", "luo2016", "--to", "out", "--force", "--db", luo2016)
    assert len(content("out")) == 7


@pytest.mark.parametrize("before", [True, False])
def test_an_export_that_fails_changes_nothing(before: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    good("run", "3x3", "-s", "seed=0,1,2", "--name", "mine")
    if before:
        good("export", "mine", "--to", "out")
    listed = content("out") if before else None
    honest = folder._write

    def full_after_two(staging: Path, name: str, write: Any) -> Any:
        if name == "erf_sweep_2.csv":
            raise OSError(ENOSPC, "No space left on device")
        return honest(staging, name, write)

    monkeypatch.setattr(folder, "_write", full_after_two)
    ended = erfsweep("export", "mine", "--to", "out", "--mass", "0.5")
    assert ended.code == 2
    assert "No space left" in ended.err
    assert not Path("out").exists() if listed is None else content("out") == listed
    assert not [path for path in Path().iterdir() if path.name.startswith(".")]


def test_an_interrupted_exchange_is_told_and_mended_by_the_next_export(
    luo2016: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    good("export", "luo2016", "--to", "out", "--db", luo2016)
    honest = Path.replace
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", lambda self, to: stopped() if self.name == "table.csv" else honest(self, to))
        assert erfsweep("export", "luo2016", "--to", "out", "--where", "theo_rf == 9", "--db", luo2016).code == 130
    assert manifest()["complete"] is False
    good("export", "luo2016", "--to", "out", "--db", luo2016)
    assert len(content("out")) == 7
    assert manifest()["complete"] is True


def stopped() -> None:
    raise KeyboardInterrupt
