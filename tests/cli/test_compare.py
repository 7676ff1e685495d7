"""`erfsweep compare`: what it prints in each format, whom it names, and how it ends."""

from pathlib import Path

import numpy as np
import pytest

from tests.cli.command import erfsweep, good

AXES = ("-s", "init.kind=uniform_kernel", "-s", "probes.count=1", "-s", "input=21")


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Linear stacks of equal weights with kernel 3 (depths 1, 2, 3) and 5 (depths 1, 2), whose windows are known."""
    url = f"sqlite:///{tmp_path_factory.mktemp('compare')}/c.db"
    for kernel, depths in ((3, (1, 2, 3)), (5, (1, 2))):
        stems = ",".join(f"{depth}x{kernel}x{kernel}=linear" for depth in depths)
        good("run", stems, *AXES, "--name", f"k{kernel}", "--db", url)
    return url


def test_a_program_reads_one_object(db: str) -> None:
    found = good("compare", "k3", "k5", "--size", "theo_rf", "-f", "json", "--db", db).json
    # Windows of 3 and 5 pixels against 5 and 9: 2 and 4 more. The resamples of two pairs lie between these.
    assert found == {
        "a": {"name": "k3", "results": 3, "alone": 1},
        "b": {"name": "k5", "results": 2, "alone": 0},
        "paired_by": ["depth"],
        "differs": [{"axis": "kernel", "a": [3], "b": [5]}],
        "pairs": 2,
        "sizes": [
            {
                "size": "theo_rf",
                "unit": "px",
                "a": 4,
                "b": 7,
                "difference": 3,
                "low": 2,
                "high": 4,
                "larger": "b",
                "pairs": 2,
                "n_a": 2,
                "n_b": 2,
                "reason": None,
            }
        ],
    }


def test_tables_have_a_row_for_each_size(db: str) -> None:
    (row,) = good("compare", "k3", "k5", "--size", "theo_rf", "-f", "csv", "--db", db).rows
    assert (row["size"], row["difference"], row["larger"], row["reason"]) == ("theo_rf", "3", "b", "")
    (one,) = good("compare", "k3:0", "k5:0", "--size", "eff_square", "-f", "csv", "--db", db).rows
    assert (one["a"], one["b"], one["difference"], one["low"], one["reason"]) == ("3", "5", "2", "", "one pair")
    rows = good("compare", "k3", "k5", "-f", "csv", "--db", db).rows
    assert [row["size"] for row in rows] == ["theo_rf", "eff_rf", "ratio", "eff_square", "luo", "sigma_x"]


def test_a_reader_is_told_the_pairs_the_differences_and_the_sizes(db: str) -> None:
    out = good("compare", "k3", "k5", "--size", "theo_rf,ratio", "-f", "plain", "--db", db).out
    sides, differences, sizes = (part.splitlines() for part in out.split("\n\n"))
    assert sides[1].split() == ["A", "k3", "3", "2", "1", "depth"]
    assert differences[1].split() == ["kernel", "3", "5"]
    assert sizes[0].split() == ["size", "unit", "A", "B", "B", "-", "A", "low", "high", "larger", "pairs"]
    size, unit, *numbers, larger, pairs = sizes[1].split()
    assert (size, unit, larger, pairs) == ("theo_rf", "px", "B", "2")
    assert [*map(float, numbers)] == [4, 7, 3, 2, 4]  # with as many decimals as the other rows need
    for format_ in ("markdown", "latex", "table"):
        assert "kernel" in good("compare", "k3", "k5", "-f", format_, "--db", db).out


def test_those_without_a_partner_are_named_where_one_asks(db: str) -> None:
    assert good("compare", "k3", "k5", "-f", "csv", "--db", db).err == ""
    said = good("compare", "k3", "k5", "-v", "-f", "csv", "--db", db).err.splitlines()
    (alone,) = good("table", "k3", "-c", "id,config", "--where", "depth == 3", "-f", "csv", "--db", db).rows
    assert said == [f"only in A: {alone['id']} {alone['config']}"]
    found = good("compare", "k3", "k5", "-v", "-f", "json", "--db", db).json
    assert found["a"]["only"] == [alone]


def test_other_shares_of_the_mass_and_other_results_are_compared(db: str) -> None:
    (row,) = good("compare", "k3", "k5", "--size", "hdr", "--mass", "1", "-f", "csv", "--db", db).rows
    assert (row["a"], row["b"]) == ("4", "7")  # the whole windows: of 3 and 5, of 5 and 9
    (row,) = good("compare", "k3", "k5", "--size", "theo_rf", "--where", "depth == 2", "-f", "csv", "--db", db).rows
    assert (row["a"], row["b"], row["pairs"]) == ("5", "9", "1")


def test_many_values_of_an_axis_are_counted() -> None:
    for kernel in (3, 5):
        seeds = f"seed=range({kernel * 10},{kernel * 10 + 6})"
        good("run", f"{kernel}x{kernel}", "-s", seeds, "-s", "probes.count=1", "--name", f"k{kernel}")
    out = good("compare", "k3", "k5").out
    assert "30, 31, 32, 33, ... of 6" in out
    assert "n_a" in out


def test_the_halves_of_a_sweep_are_what_two_sweeps_of_them_are(db: str) -> None:
    good("run", "1x3x3=linear,2x3x3=linear,1x5x5=linear,2x5x5=linear", *AXES, "--name", "both", "--db", db)
    by = good("compare", "both", "--by", "kernel", "-f", "json", "--db", db).json
    apart = good("compare", "k3", "k5", "--where", "depth < 3", "-f", "json", "--db", db).json
    assert (by["a"]["name"], by["b"]["name"]) == ("kernel=3", "kernel=5")
    for name in ("paired_by", "differs", "pairs", "sizes"):
        assert by[name] == apart[name]
    turned = good("compare", "both", "--by", "kernel=5,3", "--size", "theo_rf", "-f", "json", "--db", db).json
    assert [turned["sizes"][0][name] for name in ("a", "b", "larger")] == [7, 4, "a"]


@pytest.mark.parametrize("by", ["init", "init.kind", "init.kind=file,uniform_kernel"])
def test_trained_weights_are_compared_with_all_untrained_draws(by: str) -> None:
    """The seed of weights that come from a file decides nothing: it is not the first of the untrained ones."""
    np.savez("w.npz", **{"layer0.weight": np.ones((3, 3, 1, 1), np.float32)})
    Path("net.yaml").write_text("{stem: '3x3:1=linear', input: 9, init: {kind: file, path: w.npz}}")
    kinds = "init.kind=file,uniform_kernel" if "uniform" in by else "init.kind=file,he_normal"
    good("run", "net.yaml", "-s", kinds, "-s", "seed=0,1,2", "--name", "net")
    found = good("compare", "net", "--by", by, "--size", "eff_rf", "-f", "json").json
    draws = 1 if "uniform" in by else 3
    assert (found["pairs"], found["a"]["alone"], found["b"]["alone"]) == (1, 0, 0)
    assert (found["sizes"][0]["n_a"], found["sizes"][0]["n_b"]) == (1, draws)
    seeds = [each for each in found["differs"] if each["axis"] == "init.seed"]
    assert seeds == ([] if "uniform" in by else [{"axis": "init.seed", "a": [None], "b": [0, 1, 2]}])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("k3", "nope"), "called 'nope'"),
        (("k3", "k5", "--size", "lou"), "did you mean luo"),
        (("k3", "k5", "--size", "config"), "'config' is no size"),
        (("k3", "k5", "--size", "luo,luo"), "--size names 'luo' twice"),
        (("k3", "k5", "--where", "depth > 9"), "no result of 'k3'"),
        (("k3", "k5", "--size", "theo_rf", "--mass", "0.5"), "--mass 0.5 changes nothing"),
        (("k3",), "a comparison is of two sides"),
        (("k3", "k5", "--by", "depth"), "so there is no 'k5'"),
        (("k3", "--by", "depth"), "have 3 values of depth: 1, 2, 3; choose two, as in --by 'depth=1,2'"),
        (("k3", "--by", "kernel"), "have one value of kernel, 3;"),
        (("k3", "--by", "depth=1,4"), "--by 'depth=1,4' does not name two of the values"),
        (("k3", "--by", "depth=1,1"), "does not name two of the values"),
        (("k3", "--by", "dept"), "there is no axis 'dept'; did you mean depth"),
        (("3x3=linear", "--by", "label"), "labels are given by sweeps"),
        (("k3", "--by", "depth", "--where", "depth > 9"), "no result of 'k3' meets"),
    ],
)
def test_wrong_input_is_one_sentence(db: str, arguments: tuple[str, ...], message: str) -> None:
    ended = erfsweep("compare", *arguments, "--db", db)
    assert (ended.code, ended.out) == (2, "")
    assert message.lower() in ended.err.lower()
    assert ended.err.count("\n") == 1
