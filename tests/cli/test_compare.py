"""`erfsweep compare`: what it prints in each format, whom it names, and how it ends."""

import pytest

from tests.cli.command import erfsweep, good


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Linear stacks of equal weights with kernel 3 (depths 1, 2, 3) and 5 (depths 1, 2), whose windows are known."""
    url = f"sqlite:///{tmp_path_factory.mktemp('compare')}/c.db"
    axes = ("-s", "init.kind=uniform_kernel", "-s", "probes.count=1", "-s", "input=21")
    for kernel, depths in ((3, (1, 2, 3)), (5, (1, 2))):
        stems = ",".join(f"{depth}x{kernel}x{kernel}=linear" for depth in depths)
        good("run", stems, *axes, "--name", f"k{kernel}", "--db", url)
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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("k3", "nope"), "called 'nope'"),
        (("k3", "k5", "--size", "lou"), "did you mean luo"),
        (("k3", "k5", "--size", "config"), "'config' is no size"),
        (("k3", "k5", "--size", "luo,luo"), "--size names 'luo' twice"),
        (("k3", "k5", "--where", "depth > 9"), "no result of 'k3'"),
        (("k3", "k5", "--size", "theo_rf", "--mass", "0.5"), "--mass 0.5 changes nothing"),
        (("k3",), "missing argument 'B'"),
    ],
)
def test_wrong_input_is_one_sentence(db: str, arguments: tuple[str, ...], message: str) -> None:
    ended = erfsweep("compare", *arguments, "--db", db)
    assert (ended.code, ended.out) == (2, "")
    assert message.lower() in ended.err.lower()
    assert ended.err.count("\n") == 1
