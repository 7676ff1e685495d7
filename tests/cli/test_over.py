"""`--over`: results grouped over an axis, with the spread of each column."""

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
