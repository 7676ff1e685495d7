"""`show`, `theory`, `fields`, `presets` and `schema`: one thing at a time."""

import re
import sqlite3
import time
from pathlib import Path

import numpy as np
import pytest

from erfsweep import open_store as erfsweep_store
from tests.cli.command import ROOT, erfsweep, good


def test_show_has_heatmap_sizes_theory_and_provenance(luo2016: str) -> None:
    out = good("show", "luo2016:2", "--db", luo2016).out
    assert out.startswith("4x3x3  ")
    for word in ("theoretical RF", "sigma", "luo", "pred_sigma", "luo2016:2", "numpy_version", "attempt"):
        assert word in out
    assert re.search(r"(?m)^stem +4x3x3$", out)
    assert re.search(r"(?m)^init\.kind +neural_api$", out)
    # The window of four 3x3 layers is nine pixels wide, on a plane of 21 around the pixel (10, 10).
    rows = re.findall(r"(?m)^( 6|  |10| 8|12|14)  │([ .:\-=+*#%@<>]{18})│$", out)
    assert [label for label, _ in rows] == [" 6", "  ", " 8", "  ", "10", "  ", "12", "  ", "14"]
    assert rows[4][1][8:10] == "><"  # the centre
    assert any("@@" in row for _, row in rows)
    assert (
        "\nwindow: x 6 to 14, y 6 to 14 of the plane 21x21;\nthe box is the effective square: x 6 to 14, y 6 to 14; "
        in out
    )


def test_times_have_their_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")  # 5:30 ahead of UTC, all year round
    time.tzset()
    try:
        good("run", "3x3", "--name", "one")
        out = good("show", "one:0").out
    finally:
        monkeypatch.undo()
        time.tzset()
    times = re.findall(r"(?m)^(?:submitted +|.* done +)(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\S*)", out)
    assert [each[19:] for each in times] == ["+05:30", "+05:30"]


def test_a_failure_is_its_sentence_and_a_traceback_with_debug_alone() -> None:
    assert erfsweep("run", "3x3", "-s", "probes.count=2", "--name", "mine").code == 0
    with sqlite3.connect("erfsweep.db") as store:
        store.execute("UPDATE config SET state = 'failed'")
        store.execute("DELETE FROM result")
        store.execute("UPDATE attempt SET error_type='OSError', message='no\x1b[2J room', traceback='Traceback: here'")
    out = good("show", "mine:0").out
    assert out.splitlines()[2] == "OSError: no\\x1b[2J room"
    assert "Traceback" not in out
    assert "--debug shows where" in out
    assert good("show", "mine:0", "--debug").out.endswith("Traceback: here")


@pytest.mark.parametrize("name", ["x.npy", "x.npz", "x.csv", "x.PNG"])
def test_a_heatmap_is_saved_as_it_is_stored(name: str, luo2016: str) -> None:
    ended = good("show", "luo2016:2", "--save", name, "-f", "json", "--db", luo2016)
    assert (ended.err, ended.json["config"]) == (f"{name} written\n", "4x3x3")
    assert [path.name for path in Path().iterdir() if "x." in path.name] == [name]  # nothing is left beside it
    with erfsweep_store(luo2016) as store:
        heatmap, curves = store.heatmap("luo2016:2"), store.curves("luo2016:2")
        (stored,) = (row["spec"] for row in store.rows("luo2016", columns="spec", where="stem == '4x3x3'"))
    if name == "x.npy":
        found = np.load(name, allow_pickle=False)
        assert (found.dtype, found.tolist()) == (np.float64, heatmap.tolist())
    if name == "x.csv":
        assert np.loadtxt(name, delimiter=",").tolist() == heatmap.tolist()
    if name == "x.npz":
        with np.load(name, allow_pickle=False) as kept:
            assert sorted(kept) == ["config", "curves", "heatmap"]
            assert kept["heatmap"].tolist() == heatmap.tolist()
            assert kept["curves"].tolist() == curves.tolist()
            assert str(kept["config"]) == stored
    if name == "x.PNG":
        assert Path(name).read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_what_cannot_be_saved_is_said(luo2016: str) -> None:
    ended = erfsweep("show", "luo2016:2", "--save", "x.pickle", "--db", luo2016)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "erfsweep: --save 'x.pickle' ends in no format; end it in .npy, .npz, .png or .csv\n"
    ended = erfsweep("show", "luo2016:2", "--save", "no/x.npy", "--db", luo2016)
    assert (ended.code, "cannot write 'no/x.npy'" in ended.err) == (2, True)
    good("submit", "5x5", "--name", "later")
    ended = erfsweep("show", "later:0", "--save", "x.npy")
    assert (ended.code, "there is no result of" in ended.err) == (2, True)
    assert not Path("x.npy").exists()


def test_a_config_is_named_by_its_id_or_by_its_place(luo2016: str) -> None:
    rows = good("table", "luo2016", "-c", "id,digest", "-f", "json", "--db", luo2016).json
    for position, row in enumerate(rows):
        for name in (f"luo2016:{position}", row["id"], row["digest"], row["id"][:8].upper()):
            assert good("show", name, "-f", "json", "--db", luo2016).json["digest"] == row["digest"]


def test_show_and_table_agree_in_every_column(luo2016: str) -> None:
    shown = good("show", "luo2016:4", "-f", "json", "--db", luo2016).json
    columns = [name for name in shown if name not in ("spec", "sweeps", "attempts", "reasons")]
    table = good("table", "luo2016", "-c", ",".join(columns), "-f", "json", "--db", luo2016).json[4]
    assert {name: shown[name] for name in columns} == table


def test_a_size_that_is_not_there_has_its_reason() -> None:
    good("run", "tanh 3x3 relu 3x3=linear", "--name", "mine", "-s", "init.kind=uniform_kernel,normal")
    good("run", "3x3p0 up4", "--name", "dead", "-s", "input=3")
    shown = good("show", "dead:0", "-f", "json").json
    for name in ("eff_rf", "luo", "fwhm_x", "sigma_x"):
        assert (shown[name] is None) == (name in shown["reasons"])


def test_mass_holds_for_show(luo2016: str) -> None:
    half = good("show", "luo2016:2", "--mass", "0.5", "-f", "json", "--db", luo2016).json
    whole = good("show", "luo2016:2", "--mass", "1", "-f", "json", "--db", luo2016).json
    assert half["eff_rf"] < whole["eff_rf"] == whole["theo_rf"] == 9


# The classic tables of receptive-field arithmetic: (RF, jump, padding) after the layers named.
NETWORKS = {
    "alexnet.stem": [(11, 4, 0), (19, 8, 0), (51, 8, 16), (99, 16, 32), (131, 16, 48), (163, 16, 64), (195, 32, 64)],
    "vgg16.stem": [(5, 1, 2), (6, 2, 2), (16, 4, 6), (44, 8, 18), (100, 16, 42), (212, 32, 90)],
    "resnet18.stem": [(7, 2, 3), (11, 4, 5), (43, 4, 21), (99, 8, 49), (211, 16, 105), (435, 32, 217)],
}


@pytest.mark.parametrize("name", NETWORKS)
def test_theory_prints_the_known_tables_of_the_examples(name: str) -> None:
    rows = good("theory", str(ROOT / "examples" / name), "--input", "224x224x3", "-f", "json").json
    found = [(row["rf"], row["jump"], row["padding"]) for row in rows]
    for expected in NETWORKS[name]:
        assert expected in found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("3x3, 5x5", "theory walks one stem at a time, and '3x3, 5x5' has commas; name one of them"),
        ("luo2016", "'luo2016' is a preset, and theory walks one stem; write one, such as 4x3x3"),
    ],
)
def test_theory_walks_one_stem(text: str, said: str) -> None:
    ended = erfsweep("theory", text)
    assert (ended.code, ended.out, ended.err) == (2, "", f"erfsweep: {said}\n")


def test_theory_follows_the_arithmetic_of_a_plain_stack() -> None:
    rows = good("theory", "4x3x3", "-f", "json").json
    assert [row["rf"] for row in rows] == [3, 5, 7, 9]
    assert [row["index"] for row in rows] == [0, 1, 2, 3]
    rows = good("theory", "2x3x5/2x1", "--input", "32x64", "-f", "json").json
    assert [(row["rf_y"], row["rf"], row["jump_y"], row["jump"]) for row in rows] == [(3, 5, 2, 1), (7, 9, 4, 1)]


def test_theory_says_where_the_plane_is_covered() -> None:
    err = good("theory", "20x3x3", "--input", "21").err
    assert "layer 9 is the first whose centre unit sees the whole plane along x" in err
    assert "layers that add nothing along x: 10 to 19" in err


UNET = "3x3 cat(|max2x2/2p0 3x3 up2)#skip 3x3"


def test_theory_shows_joins_marks_and_the_narrowest_way() -> None:
    rows = good("theory", f"{UNET} res(3x3)#r", "--input", "64", "-f", "json").json
    joins = [(row["layer"], row["rf"], row["rf_min"]) for row in rows if row["layer"].startswith(("cat", "res"))]
    assert joins == [("cat#skip", 8, 3), ("res sum#r", 12, 5)]


def test_theory_says_that_the_arithmetic_is_no_units_window() -> None:
    err = good("theory", "up2 3x3", "--input", "64").err
    assert "rf 2 along x" not in err  # which both phases have
    err = good("theory", "up3 3x3", "--input", "64").err
    assert "by position, windows are 1 or 2 px" in err
    assert "halo, for tiles: top 0.666667, bottom 0.666667, left 0.666667, right 0.666667 px" in err


def test_theory_says_which_layer_reads_the_whole_plane() -> None:
    err = good("theory", "3x3 gn2 3x3", "--input", "21").err
    assert "layer 1, gn2, reads the whole plane: windows behind it are all of it" in err
    assert "halo" not in err


def test_the_output_alone_has_its_halo_and_its_windows() -> None:
    last = good("theory", UNET, "--input", "64", "--last", "-f", "json").json
    assert (last["layer"], last["rf"], last["rf_min"], last["window_widths"]) == ("3x3", 10, 5, "10")
    assert [last[f"halo_{side}"] for side in ("top", "bottom", "left", "right")] == [5, 5, 5, 5]
    assert good("theory", "gap", "--last", "-f", "json").json["halo_top"] is None
    err = good("theory", "20x3x3 up2", "--input", "21", "--last").err
    assert "by position" not in err
    assert "halo, for tiles" in err
    assert "layers that add nothing" not in err  # which is said of the rows, and these are not asked for


def test_the_region_of_a_unit_is_clipped_and_not() -> None:
    seen = good("theory", "cat(|3x5:4)", "--input", "64", "--unit", "0,63", "-f", "json").json
    assert [seen[side] for side in ("top", "bottom", "left", "right")] == [-1, 1, 61, 65]
    assert [seen[f"clipped_{side}"] for side in ("top", "bottom", "left", "right")] == [0, 1, 61, 63]
    assert (seen["pixels"], seen["saturated"], seen["channel"]) == (6, True, None)
    seen = good("theory", "cat(|3x5:4)", "--input", "64", "--unit", "0,63", "--channel", "0", "-f", "csv").out
    assert "\nwidth,1\n" in seen


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("--unit", "21,0"),
            "there is no unit 21,0 in an output of 21 x 21; rows go from 0 to 20, columns from 0 to 20",
        ),
        (("--unit", "3"), "--unit '3' is no place in the output; write its row and its column: --unit 3,5"),
        (("--unit", "3,3", "--channel", "4"), "there is no channel 4 in an output of 4; they go from 0"),
        (("--channel", "0"), "--channel needs a unit; name one by --unit Y,X"),
        (("--unit", "3,3", "--last"), "--unit and --last are two questions; ask one at a time"),
    ],
)
def test_units_that_are_not_there_are_refused(options: tuple[str, ...], said: str) -> None:
    ended = erfsweep("theory", "3x3", "--input", "21", *options)
    assert (ended.code, ended.out, ended.err) == (2, "", f"erfsweep: {said}\n")


def test_a_stem_file_may_hold_comments_and_lines() -> None:
    Path("mine.stem").write_text("# two layers\n3x3  # the first\n\n5x5\n")
    assert [row["layer"] for row in good("theory", "mine.stem", "-f", "json").json] == ["3x3", "5x5"]


def test_a_preset_is_a_sweep_file_to_start_from() -> None:
    for name in (row["preset"] for row in good("presets", "-f", "json").json):
        Path("mine.yaml").write_text(good("presets", name).out)
        assert "new" in good("run", "mine.yaml", "--dry-run").out


def test_schemas_are_json_and_know_every_field() -> None:
    assert "grid" in str(good("schema", "sweep").json)
    text = str(good("schema", "config").json)
    for field in ("stem", "input", "init", "probes", "readout", "dtype", "lecun_uniform", "relu_sum"):
        assert field in text


def test_fields_have_a_meaning_each() -> None:
    rows = good("fields", "-f", "json").json
    assert all(row["meaning"] for row in rows)
    assert {"eff_rf", "luo", "replknet_99", "pred_luo", "state"} <= {row["field"] for row in rows}
    assert erfsweep("fields", "extra").code == 2
