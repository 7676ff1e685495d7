"""Sizes through the command, held against closed forms."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from tests.boxes import BOXES
from tests.cli.command import erfsweep, good

STEMS = "\n".join(f'  - "{depth}x{kernel}x{kernel}=linear"' for kernel, depth, *_ in BOXES)
SWEEP = f"name: boxes\ninput: 121\ninit: {{kind: uniform_kernel}}\nprobes: {{count: 1}}\nstems:\n{STEMS}\n"


@pytest.fixture(scope="module")
def boxes(tmp_path_factory: pytest.TempPathFactory) -> str:
    directory = tmp_path_factory.mktemp("boxes")
    (directory / "boxes.yaml").write_text(SWEEP)
    url = f"sqlite:///{directory}/boxes.db"
    good("run", str(directory / "boxes.yaml"), "--db", url)
    return url


def test_sizes_of_uniform_kernels_are_those_of_the_convolved_boxes(boxes: str) -> None:
    columns = "theo_rf,sigma_x,sigma_y,eff_square,eff_rf,eff_rf_y,luo,pred_sigma,pred_eff_rf,pred_luo"
    rows = good("table", "boxes", "-c", columns, "-f", "json", "--db", boxes).json
    for row, (_, _, theory, sigma, _, square, axis, luo, *_) in zip(rows, BOXES, strict=True):
        assert row["theo_rf"] == theory
        assert row["sigma_x"] == pytest.approx(sigma, abs=1e-4)
        assert row["sigma_y"] == pytest.approx(sigma, abs=1e-4)
        assert (row["eff_square"], row["eff_rf"], row["eff_rf_y"]) == (square, axis, axis)
        assert row["luo"] == pytest.approx(luo, abs=5e-5)
        assert row["pred_sigma"] == pytest.approx(sigma, abs=1e-6)
        assert row["pred_eff_rf"] == axis
        assert row["pred_luo"] == pytest.approx(luo, abs=5e-5)


def test_another_fraction_is_read_from_the_same_heatmaps(boxes: str) -> None:
    rows = good("table", "boxes", "--mass", "0.5", "-c", "eff_square", "-f", "json", "--db", boxes).json
    assert [row["eff_square"] for row in rows] == [box.square_50 for box in BOXES]


def test_predicted_luo_of_random_wide_layers_is_that_of_the_square_rooted_map() -> None:
    stems = [f"{depth}x{kernel}x{kernel}" for kernel, depth, *_ in BOXES]
    Path("wide.yaml").write_text(f"input: 121\nprobes: {{count: 1}}\nstems: {stems}\n")
    rows = good("run", "wide.yaml", "-f", "csv").rows
    assert len(rows) == len(BOXES)
    rows = good("table", "wide", "-c", "pred_luo", "-f", "json").json
    assert [row["pred_luo"] for row in rows] == [pytest.approx(box.luo_root, abs=5e-5) for box in BOXES]


def test_weights_and_probes_of_files_are_measured_as_they_are() -> None:
    box = np.full((3, 3, 1, 1), 1 / 9, np.float32)
    np.savez("weights.npz", **{"layer0.weight": box, "layer1.weight": box})
    np.save("probes.npy", np.ones((2, 21, 21, 1), np.float32))
    weights = ("-s", "init.kind=file", "-s", "init.path=weights.npz")
    probes = ("-s", "probes.kind=file", "-s", "probes.path=probes.npy")
    good("run", "2x3x3:1", *weights, *probes, "--name", "files")
    (row,) = good("table", "files", "-c", "eff_rf,luo,sigma_x,probes_count", "-f", "json").json
    assert row == {"eff_rf": 5, "luo": 5, "sigma_x": pytest.approx(1.154701, abs=1e-6), "probes_count": 2}


def test_on_an_even_plane_the_planes_centre_gives_more_than_theory_allows() -> None:
    # One uniform 3x3 kernel on a plane of side 20: the unit stands at 10, and 9, 10, 11 hold a third each. About the
    # plane's centre, 9.5, the integer half-width 1 holds 9 and 10 only, so that 2 is needed: 5 pixels of a window of 3.
    good("run", "3x3=linear", "-s", "init.kind=uniform_kernel", "-s", "input=20", "--name", "even")
    columns = ("-c", "theo_rf,eff_rf,eff_rf_y,eff_square,center_x", "-f", "json")
    (plane,) = good("table", "even", "--center", "plane", *columns).json
    (unit,) = good("table", "even", *columns).json
    assert unit == {"theo_rf": 3, "eff_rf": 3, "eff_rf_y": 3, "eff_square": 3, "center_x": 10}
    assert plane == {"theo_rf": 3, "eff_rf": 5, "eff_rf_y": 5, "eff_square": 5, "center_x": 10}


def test_on_an_odd_plane_both_centres_agree(luo2016: str) -> None:
    plane = good("table", "luo2016", "--center", "plane", "-f", "csv", "--db", luo2016)
    assert plane.out == good("table", "luo2016", "-f", "csv", "--db", luo2016).out


def test_the_paper_s_growth_laws_come_out() -> None:
    good("run", "luo2016-growth")
    rows = good("growth", "luo2016-growth", "-f", "json").json
    slopes = {(row["growth"], row["with"]): row["slope"] for row in rows}
    assert slopes["luo", "depth"] == pytest.approx(0.56, abs=0.06)
    assert slopes["luo / theo_rf", "depth"] == pytest.approx(-0.43, abs=0.06)
    assert {row["draws"] for row in rows} == {180}
    assert {row["points"] for row in rows} == {9}


def test_the_mean_squared_map_of_256_draws_has_the_closed_forms_width() -> None:
    axes = ("-s", "probes.count=1", "-s", "readout.gradient=square", "-s", "seed=range(0,256)")
    good("run", "4x3x3", *axes, "--name", "draws")
    (row,) = good("table", "draws", "--over", "seed", "--map", "mean", "-c", "sigma_x,sigma_y", "-f", "json").json
    assert row["n"] == 256
    assert row["sigma_x_map"] == pytest.approx(1.632993, rel=0.05)
    assert row["sigma_y_map"] == pytest.approx(1.632993, rel=0.05)


def test_sizes_taken_anew_from_stored_heatmaps_are_those_that_were_stored() -> None:
    good("run")
    columns = ",".join(row["field"] for row in good("fields", "-f", "csv").rows if row["field"] != "position")
    before = good("table", "-c", columns, "-f", "csv").out
    assert "5 results" in good("measure", "--again").out
    assert good("table", "-c", columns, "-f", "csv").out == before


@pytest.mark.parametrize(
    "words",
    [
        ("growth", "boxes", "--mass", "0.5"),
        ("growth", "boxes", "--mass", "0.5", "--size", "sigma_x"),
        ("growth", "boxes", "--center", "plane", "--size", "participation"),
        ("table", "boxes", "--mass", "0.5", "-c", "config,luo,gauss_r2"),
        ("table", "boxes", "--center", "plane", "-c", "config,hdr"),
        ("table", "boxes", "--over", "seed", "--mass", "0.5", "-c", "config,area_99"),
    ],
)
def test_an_option_that_changes_nothing_asked_for_is_refused(boxes: str, words: tuple[str, ...]) -> None:
    ended = erfsweep(*words, "--db", boxes)
    option = "--mass 0.5" if "--mass" in words else "--center plane"
    assert (ended.code, ended.out) == (2, "")
    assert f"{option} changes nothing here: it changes eff_rf, " in ended.err


def test_an_option_may_change_what_is_only_asked_or_sorted_by(boxes: str) -> None:
    columns = ("table", "boxes", "--mass", "0.5", "-c", "luo", "-f", "csv", "--db", boxes)
    assert len(good(*columns, "--where", "eff_square == 3").rows) == sum(box.square_50 == 3 for box in BOXES)
    widest = max(BOXES, key=lambda box: box.square_50)
    (row,) = good(*columns, "--sort", "-eff_square", "--limit", "1").rows
    assert float(row["luo"]) == pytest.approx(widest[7], abs=5e-5)


def test_fields_say_which_options_change_them() -> None:
    options = {row["field"]: row["options"] for row in good("fields", "-f", "json").json}
    assert (options["eff_rf"], options["hdr"], options["luo"]) == ("mass, center", "mass", "center")
    assert options["sigma_x"] is options["replknet_50"] is options["theo_rf"] is None


def test_reasons_are_those_of_the_sizes_beside_them() -> None:
    # The corner unit of a max-pool on constant probes has its own pixel, and nothing at the middle of the plane.
    corner = ("-s", "readout.position=[0,0]", "-s", "init.kind=uniform_kernel")
    good("run", "5x5=linear", *corner, "-s", "input=11", "--name", "corner")
    columns = ("-c", "luo,fwhm_x,reasons", "-f", "json")
    (unit,) = good("table", "corner", *columns).json
    (plane,) = good("table", "corner", "--center", "plane", *columns).json
    assert (unit["luo"], unit["fwhm_x"]) == (3, None)
    assert {"fwhm_x": "at the border"}.items() <= json.loads(unit["reasons"]).items()
    assert (plane["luo"], plane["fwhm_x"]) == (None, None)
    zero = dict.fromkeys(("luo", "luo_ratio", "fwhm_x", "fwhm_y"), "centre is zero")
    assert zero.items() <= json.loads(plane["reasons"]).items()
    asked = ("--where", "like(reasons, '*centre is zero*')", "-f", "csv")
    assert len(good("table", "corner", "--center", "plane", *asked).rows) == 1
    assert good("table", "corner", *asked).rows == []
    good("export", "corner", "--to", "out", "--center", "plane")
    with Path("out/table.csv").open() as stream:
        (row,) = csv.DictReader(stream)
    assert json.loads(row["reasons"]) == json.loads(plane["reasons"])


def test_no_area_is_larger_than_the_plane() -> None:
    # A uniform kernel of 25 on 21 pixels: at (15, 15) it sees the rows 3 to 20. The square of 99 % has a side of 25,
    # 1.417 times the pixels of the plane, of which 18 x 18 are there. About (10, 10) only the whole plane holds it.
    units = "readout.position=[10,10],[15,15]"
    good("run", "25x25=linear", "-s", "init.kind=uniform_kernel", "-s", "input=21", "-s", units, "--name", "wide")
    columns = ("-c", "area_50,area_99", "-f", "json")
    middle, aside = good("table", "wide", *columns).json
    assert (middle["area_99"], aside["area_99"]) == (1, pytest.approx((18 / 21) ** 2, rel=1e-12))
    # Half of the 18 x 18 alike ones is in the half-width 7, rows 8 to 20; 12 of them would be 0.44.
    assert aside["area_50"] == pytest.approx((13 / 21) ** 2, rel=1e-12)
    middle, aside = good("table", "wide", *columns, "--center", "plane").json
    assert middle["area_99"] == aside["area_99"] == 1
