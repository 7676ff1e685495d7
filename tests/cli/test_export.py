"""`export`: a sweep as files, by query."""

import csv
from pathlib import Path

import numpy as np
import pytest

from tests.cli.command import REFERENCE, erfsweep, good


def curve(path: Path) -> np.ndarray:
    assert path.read_text().startswith("radius,mass_fraction\n")
    return np.loadtxt(path, delimiter=",", skiprows=1)


def test_the_curve_of_four_3x3_layers_is_the_originals(luo2016: str) -> None:
    ended = good("export", "luo2016", "--to", "out", "--db", luo2016)
    assert "5 rows and 5 mass curves" in ended.err
    names = {path.name for path in Path("out").iterdir()}
    assert names == {"table.csv", *(f"erf_sweep_{position}.csv" for position in range(5))}
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
    assert {path.name for path in Path("out").iterdir()} == {"table.csv", "erf_sweep_2.csv", "erf_sweep_3.csv"}
    with Path("out/table.csv").open(newline="") as stream:
        exported = [row["eff_rf"] for row in csv.DictReader(stream)]
    printed = good("table", "luo2016", "--where", "theo_rf == 9", "--mass", "0.5", "-f", "csv", "--db", luo2016).rows
    assert exported == [row["eff_rf"] for row in printed]


def test_a_grouped_export_has_no_curves(luo2016: str) -> None:
    good("export", "luo2016", "--to", "out", "--over", "seed", "--db", luo2016)
    assert [path.name for path in Path("out").iterdir()] == ["table.csv"]


def test_a_directory_that_cannot_be_made_is_named(luo2016: str) -> None:
    Path("taken").write_text("")
    ended = erfsweep("export", "luo2016", "--to", "taken", "--db", luo2016)
    assert ended.code == 2
    assert "'taken'" in ended.err
    assert Path("taken").read_text() == ""
