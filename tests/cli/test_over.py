"""`--over`: results grouped over an axis, with the spread of each column."""

import io
import json
import sqlite3
import zlib
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from tests.cli.command import erfsweep, good

SWEEP = """
name: draws
grid: {kernel: 3, depth: [1, 3], features: 1, seed: "range(0, 12)"}
probes: {count: 1}
"""


@pytest.fixture(scope="module")
def draws(tmp_path_factory: pytest.TempPathFactory) -> str:
    directory = tmp_path_factory.mktemp("draws")
    (directory / "draws.yaml").write_text(SWEEP)
    url = f"sqlite:///{directory}/draws.db"
    good("run", str(directory / "draws.yaml"), "--db", url)
    return url


def test_mean_deviation_and_dead_draws_are_those_of_the_rows(draws: str) -> None:
    rows = good("table", "draws", "-c", "depth,luo,sigma_x,dead", "-f", "json", "--db", draws).json
    groups = good("table", "draws", "--over", "seed", "-c", "depth,luo,sigma_x", "-f", "json", "--db", draws).json
    assert [group["depth"] for group in groups] == [1, 3]
    for group in groups:
        members = [row for row in rows if row["depth"] == group["depth"]]
        assert group["n"] == len(members) == 12
        assert group["dead"] == sum(row["dead"] for row in members)
        for name in ("luo", "sigma_x"):
            values = [row[name] for row in members if row[name] is not None]
            assert group[name] == pytest.approx(np.mean(values), rel=1e-12)
            assert group[f"{name}_sd"] == pytest.approx(np.std(values, ddof=1), rel=1e-12)
            assert min(values) <= group[f"{name}_low"] <= group[name] <= group[f"{name}_high"] <= max(values)


def test_an_interval_is_about_two_standard_errors_wide(draws: str) -> None:
    (group, _) = good("table", "draws", "--over", "seed", "-c", "depth,sigma_x", "-f", "json", "--db", draws).json
    error = group["sigma_x_sd"] / np.sqrt(group["n"] - group["dead"])
    width = group["sigma_x_high"] - group["sigma_x_low"]
    assert width == pytest.approx(2 * 1.96 * error, rel=0.25)


def test_a_table_with_spread_is_the_same_each_time(draws: str) -> None:
    first = good("table", "draws", "--over", "seed", "-f", "csv", "--db", draws)
    assert good("table", "draws", "--over", "seed", "-f", "csv", "--db", draws).out == first.out


def test_groups_are_sorted_and_cut_as_groups(draws: str) -> None:
    grouped = ("table", "draws", "--over", "seed", "-c", "depth,luo", "-f", "json", "--db", draws)
    assert [row["depth"] for row in good(*grouped, "--sort", "-luo").json] == [3, 1]
    assert [row["depth"] for row in good(*grouped, "--sort", "-luo", "--limit", "1").json] == [3]
    assert [row["n"] for row in good(*grouped, "--where", "seed < 5").json] == [5, 5]


def test_grouping_over_depth_keeps_the_seeds_apart(draws: str) -> None:
    rows = good("table", "draws", "--over", "depth", "-c", "seed,luo", "-f", "json", "--db", draws).json
    assert [(row["seed"], row["n"]) for row in rows] == [(seed, 2) for seed in range(12)]


def test_the_mean_of_squared_maps_is_the_mean_of_maps_of_squares() -> None:
    for gradient in ("abs", "square"):
        axes = ("-s", "seed=range(0,6)", "-s", "probes.count=1", "-s", f"readout.gradient={gradient}")
        good("run", "2x3x3", *axes, "--name", gradient)
    grouped = ("--over", "seed", "-c", "sigma_x,hdr", "-f", "json")
    (squared,) = good("table", "abs", *grouped, "--map", "square").json
    (square,) = good("table", "square", *grouped, "--map", "mean").json
    assert squared["sigma_x_map"] == pytest.approx(square["sigma_x_map"], rel=1e-6)
    assert squared["hdr_map"] == square["hdr_map"]


def test_maps_of_different_windows_are_not_averaged() -> None:
    Path("mixed.yaml").write_text("grid: {kernel: 3, depth: [1, 2]}\n")
    good("run", "mixed.yaml")
    ended = erfsweep("table", "mixed", "--over", "depth", "--map", "mean")
    assert ended.code == 2
    assert "windows" in ended.err


def test_the_map_of_draws_with_few_and_many_probes_does_not_depend_on_their_order() -> None:
    axes = ("-s", "input=32", "-s", "init.kind=he_normal", "-s", "seed=3")
    for name, counts in (("up", "2,512"), ("down", "512,2")):
        good("run", "4x5x5:8", *axes, "-s", f"probes.count={counts}", "--name", name)
    columns = ("-c", "replknet_50,replknet_99,area_50,sigma_x", "-f", "json")
    alone = [row["replknet_50"] for row in good("table", "up", *columns).json]
    assert alone == [pytest.approx(81 / 1024), pytest.approx(81 / 1024)]
    (up,) = good("table", "up", "--over", "probes.count", "--map", "mean", *columns).json
    (down,) = good("table", "down", "--over", "probes.count", "--map", "mean", *columns).json
    assert up == down
    assert up["replknet_50_map"] == pytest.approx(81 / 1024)


def test_the_mean_map_is_that_of_the_stored_heatmaps_per_probe() -> None:
    good("run", "3x3x3", "-s", "input=15", "-s", "probes.count=1,9", "--name", "two")
    per_probe = [heatmap / count for heatmap, count in zip(heatmaps("two"), (1, 9), strict=True)]
    mean = sum(per_probe) / 2
    share, x = mean.sum(axis=0) / mean.sum(), np.arange(15)
    sigma = np.sqrt(share @ (x - share @ x) ** 2)
    grouped = ("table", "two", "--over", "probes.count", "-c", "sigma_x,participation", "-f", "json")
    (found,) = good(*grouped, "--map", "mean").json
    assert found["sigma_x_map"] == pytest.approx(sigma, rel=1e-12)
    assert found["participation_map"] == pytest.approx(mean.sum() / np.sqrt((mean**2).sum()), rel=1e-12)
    square = per_probe[0] ** 2 + per_probe[1] ** 2
    (found,) = good(*grouped, "--map", "square").json
    assert found["participation_map"] == pytest.approx(square.sum() / np.sqrt((square**2).sum()), rel=1e-12)


def test_probes_that_were_left_out_do_not_count_in_a_mean_map() -> None:
    # The mean of nine numbers near the largest of float64 is one of them; a sum of N(0, 1) shares of them is infinite.
    probes = np.ones((3, 21, 21, 1))
    probes[1] = 1.7e308
    np.save("probes.npy", probes)
    file = ("-s", "probes.kind=file", "-s", "probes.path=probes.npy", "-s", "dtype=float64")
    # At a smooth activation, which needs its numbers at their own scale.
    good("run", "3x3:1=softplus", *file, "-s", "init.kind=uniform_kernel,normal", "--name", "nan")
    rows = good("table", "nan", "-c", "n_nan,probes_count", "-f", "json").json
    assert [(row["n_nan"], row["probes_count"]) for row in rows] == [(0, 3), (1, 3)]
    per_probe = [heatmap / used for heatmap, used in zip(heatmaps("nan"), (3, 2), strict=True)]
    mean = sum(per_probe) / 2
    grouped = ("table", "nan", "--over", "init.kind", "--map", "mean", "-c", "participation", "-f", "json")
    (found,) = good(*grouped).json
    assert found["participation_map"] == pytest.approx(mean.sum() / np.sqrt((mean**2).sum()), rel=1e-12)


def heatmaps(sweep: str) -> list[np.ndarray]:
    """The stored heatmaps of a sweep, in its order, as docs/store.md reads them."""
    with closing(sqlite3.connect("erfsweep.db")) as database:
        found = database.execute(
            "SELECT heatmap FROM map JOIN sweep_config USING (config_id) JOIN sweep ON sweep.id = sweep_id "
            "WHERE name = ? ORDER BY position",
            (sweep,),
        ).fetchall()
    return [np.load(io.BytesIO(zlib.decompress(heatmap))) for (heatmap,) in found]


def test_maps_of_different_magnitudes_are_not_averaged() -> None:
    good("run", "2x3x3", "-s", "readout.gradient=abs,square", "--name", "both")
    ended = erfsweep("table", "both", "--over", "readout.gradient", "--map", "mean")
    assert ended.code == 2
    assert "differs in its readout.gradient, as abs and square" in ended.err
    assert len(good("table", "both", "--over", "readout.gradient", "-f", "csv").rows) == 1


def test_each_mean_says_how_many_draws_have_the_size() -> None:
    # One channel and a ReLU: about half of the draws are dead, and dead ones have no sizes.
    good("run", "3x3:1", "-s", "probes.count=1", "-s", "seed=range(0,40)", "--name", "thin")
    rows = good("table", "thin", "-c", "luo,dead", "-f", "json").json
    (group,) = good("table", "thin", "--over", "seed", "-c", "luo,n_zero", "-f", "json").json
    alive = sum(row["luo"] is not None for row in rows)
    assert 0 < alive < 40
    assert (group["n"], group["luo_n"], group["n_zero_n"]) == (40, alive, 40)
    assert group["dead"] == 40 - alive


def test_equal_draws_have_exactly_their_value() -> None:
    good("run", "3x3=linear", "-s", "probes.seed=range(0,7)", "--name", "alike")  # no probe changes a linear gradient
    row = good("table", "alike", "-c", "sigma_x,gauss_r2", "-f", "json").json[0]
    (group,) = good("table", "alike", "--over", "probes.seed", "-c", "sigma_x,gauss_r2", "-f", "json").json
    for name, value in row.items():
        assert [group[f"{name}{part}"] for part in ("", "_sd", "_low", "_high")] == [value, 0, value, value]
        assert group[f"{name}_n"] == 7


def test_stacks_that_differ_in_what_is_no_axis_are_no_draws_of_each_other() -> None:
    stems = "[3x3:8p0, 2x3x3:8p0, 3x3:8, 2x3x3:8, '3x5:8', '2x3x5:8', '5x3:8', '2x5x3:8', '3x3:8g1~reflect']"
    Path("unlike.yaml").write_text(f"stems: {stems}\n")
    good("run", "unlike.yaml")
    rows = good("table", "unlike", "--over", "depth", "-c", "luo", "-f", "json").json
    assert [row["n"] for row in rows] == [2, 2, 2, 2, 1]
    grown = good("growth", "unlike", "--size", "luo", "-f", "json").json
    assert [row["layer"] for row in grown[::4]] == ["3x3:8p0", "3x3:8", "3x5:8", "5x3:8"]
    assert all(row["points"] == row["draws"] == 2 for row in grown)


def test_an_empty_table_has_the_columns_of_a_full_one(draws: str) -> None:
    grouped = ("table", "draws", "--over", "seed", "-c", "depth,luo", "--map", "mean", "-f", "csv", "--db", draws)
    full, empty = good(*grouped), good(*grouped, "--where", "depth > 99")
    assert empty.out == full.out.partition("\n")[0] + "\n"


def test_seeds_that_draw_nothing_are_one_config() -> None:
    np.save("probes.npy", np.ones((2, 21, 21, 1), np.float32))
    for name, settings in {
        "kernel": ("init.kind=uniform_kernel", "seed=range(0,4)"),
        "constant": ("probes.kind=constant", "probes.seed=range(0,4)"),
        "pools": ("init.kind=he_normal", "seed=range(0,4)"),
        "file": ("probes.kind=file", "probes.path=probes.npy", "probes.seed=range(0,4)"),
    }.items():
        options = [word for setting in settings for word in ("-s", setting)]
        stem = "max3x3 avg3x3" if name == "pools" else "2x3x3"
        assert "1 new, 3 that come again" in good("run", stem, *options, "--name", name, "--dry-run").out
        assert "1 config, 1 new, 3 dropped that came again" in good("run", stem, *options, "--name", name).err
        (group,) = good("table", name, "--over", settings[-1].partition("=")[0], "-c", "luo", "-f", "json").json
        assert (group["n"], group["luo_sd"], group["luo_low"]) == (1, None, None)


def test_planes_that_follow_the_depth_keep_no_family_apart_and_others_do() -> None:
    # Chosen planes hold the window: 21 for one and two layers of 9x9, 25 for three, 33 for four.
    Path("chosen.yaml").write_text(
        "grid: {kernel: 9, depth: [1, 2, 3, 4], features: 2, activation: linear, seed: [0, 1]}\n"
    )
    good("run", "chosen.yaml", "-s", "input.channels=1,2", "--name", "chosen")
    rows = good("table", "chosen", "-c", "depth,height", "-f", "json", "--where", "seed == 0 and channels == 1").json
    assert [row["height"] for row in rows] == [21, 21, 25, 33]
    rows = good("growth", "chosen", "-f", "json").json
    assert [(row["points"], row["draws"], row["channels"]) for row in rows[::4]] == [(4, 8, 1), (4, 8, 2)]
    rows = good("table", "chosen", "--over", "depth", "-c", "channels,seed,height", "-f", "json").json
    assert [row["n"] for row in rows] == [4] * 4
    good("run", "chosen.yaml", "-s", "input=21,41", "--name", "given")
    rows = good("growth", "given", "-f", "json").json
    assert [(row["points"], row["draws"], row["height"]) for row in rows[::4]] == [(4, 8, 21), (4, 8, 41)]


def test_a_size_that_a_mean_map_does_not_have_has_its_reason() -> None:
    # Two draws whose unit stands in the corner, where the plane ends before the value falls to its half.
    good("run", "5x5:1=linear", "-s", "readout.position=[0,0]", "-s", "seed=0,1", "--name", "corner")
    grouped = ("table", "corner", "--over", "seed", "--map", "mean", "-f", "json")
    (group,) = good(*grouped, "-c", "fwhm_x,luo", "--center", "plane").json
    assert (group["fwhm_x_map"], group["luo_map"]) == (None, None)
    assert json.loads(group["reasons_map"]) == {"fwhm_x": "centre is zero", "luo": "centre is zero"}
    (group,) = good(*grouped, "-c", "sigma_x").json
    assert group["reasons_map"] is None
    good("submit", "3x3", "-s", "seed=0,1", "--name", "queued")
    (group,) = good("table", "queued", *grouped[2:], "-c", "luo").json
    assert (group["n"], group["luo_n"], group["luo_map"]) == (2, 0, None)
    assert json.loads(group["reasons_map"]) == {"luo": "not measured"}


def test_a_size_along_an_axis_grows_with_the_theory_along_that_axis() -> None:
    # A column of ones, k times: k * 4 + 1 high and 1 wide, whose sigma along y is sqrt(2 k), and along x 0.
    stems = ", ".join(f"'{depth}x5x1:1=linear'" for depth in (1, 2, 4, 8))
    Path("columns.yaml").write_text(f"stems: [{stems}]\ninput: 65\ninit: {{kind: uniform_kernel}}\n")
    good("run", "columns.yaml")
    rows = good("growth", "columns", "--size", "sigma_y", "-f", "json").json
    slopes = {(row["growth"], row["with"]): row["slope"] for row in rows}
    assert slopes["sigma_y", "depth"] == pytest.approx(0.5, abs=1e-6)
    depth, theory = np.log([1, 2, 4, 8]), np.log([5, 9, 17, 33])
    along = np.polyfit(theory, depth / 2, 1)[0]
    assert slopes["sigma_y", "theo_rf"] == pytest.approx(along, abs=1e-6)
    assert slopes["sigma_y / theo_rf", "theo_rf"] == pytest.approx(along - 1, abs=1e-6)
    ended = erfsweep("growth", "columns", "--size", "sigma_x")
    assert (ended.code, "no family has a sigma_x above 0" in ended.err) == (2, True)
    # Along x nothing grows with a theoretical RF of 1 at each depth.
    rows = good("growth", "columns", "--size", "eff_rf", "-f", "json").json
    assert {row["with"] for row in rows} == {"depth"}
