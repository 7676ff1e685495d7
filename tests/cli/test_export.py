"""`export`: a sweep as files, by query."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from cli.render import folder
from pipeline.errors import InputError
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
    made_of = json.loads(Path("out/manifest.json").read_text())
    assert (made_of["sweep"], made_of["store"]) == ("luo2016", luo2016)
    assert (made_of["where"], made_of["mass"], made_of["center"]) == ("theo_rf == 9", 0.5, "unit")
    assert (made_of["over"], made_of["map"]) == (None, None)
    assert made_of["files"] == ["table.csv", "erf_sweep_2.csv", "erf_sweep_3.csv"]
    assert made_of["complete"] is True
    good("export", "luo2016", "--to", "out", "--over", "seed", "--db", luo2016)
    made_of = json.loads(Path("out/manifest.json").read_text())
    assert (made_of["over"], made_of["mass"], made_of["files"]) == ("seed", 0.9, ["table.csv"])


@pytest.mark.parametrize("manifest", [None, "{", '{"files": ["../table.csv"]}'])
def test_files_that_no_manifest_lists_are_not_overwritten(luo2016: str, manifest: str | None) -> None:
    Path("out").mkdir()
    Path("out/erf_sweep_7.csv").write_text("old")
    if manifest is not None:
        Path("out/manifest.json").write_text(manifest)
    before = content("out")
    ended = erfsweep("export", "luo2016", "--to", "out", "--db", luo2016)
    assert ended.code == 2
    assert "'out' holds 'erf_sweep_7.csv', which no manifest.json there lists" in ended.err
    assert content("out") == before
    good("export", "luo2016", "--to", "out", "--force", "--db", luo2016)
    assert set(content("out")) == {"manifest.json", "table.csv", *(f"erf_sweep_{place}.csv" for place in range(5))}


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
    honest = folder.write_lines

    def full_after_two(path: Path, lines: Iterable[str]) -> None:
        if path.name == "erf_sweep_2.csv":
            raise InputError(f"cannot write {path.name!r}: No space left on device; choose another place")
        honest(path, lines)

    monkeypatch.setattr(folder, "write_lines", full_after_two)
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
    assert json.loads(Path("out/manifest.json").read_text())["complete"] is False
    good("export", "luo2016", "--to", "out", "--db", luo2016)
    assert len(content("out")) == 7
    assert json.loads(Path("out/manifest.json").read_text())["complete"] is True


def stopped() -> None:
    raise KeyboardInterrupt
