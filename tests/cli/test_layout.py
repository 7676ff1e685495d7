"""How a table looks to a reader: decimals, points below each other, units, spreads in one cell."""

import io
import math
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.render.digits import formats
from cli.render.spreads import merged
from cli.render.tables import print_table
from cli.render.terminal import print_pretty
from store.asking.table import Table
from tests.cli.command import erfsweep, good


def written(values: list[object]) -> list[str]:
    table = Table(("luo",), [(value,) for value in values])
    (write,) = formats(table)
    return [write(value) for value in values]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([3.0, 5.0, None], ["3", "5", "-"]),
        ([3.0, 5.5], ["3.0", "5.5"]),
        ([0.7777777, 1.0], ["0.778", "1.000"]),
        ([0.7777777, 0.8], ["0.7778", "0.8000"]),
        ([16.2172, 3.4789], ["16.22", "3.48"]),
        ([1234.5678, 0.125], ["1234.57", "0.12"]),  # the small one keeps two digits
        ([123456.75], ["123457"]),
        ([-1e-7, 5.25], ["-1e-07", "5.25"]),  # too far apart for one number of decimals
        ([1e-9, 2e-9], ["1e-09", "2e-09"]),
        ([-0.0, 0.5], ["0.0", "0.5"]),
        ([1, 2.5, True], ["1", "2.5", "yes"]),
        ([math.nan, 0.5, math.inf], ["nan", "0.5", "inf"]),
        ([1e12, 0.5], ["1e+12", "0.5"]),
    ],
)
def test_a_column_has_the_decimals_that_it_needs(values: list[object], expected: list[str]) -> None:
    assert written(values) == expected


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1))
def test_numbers_are_right_to_what_is_shown_and_align(values: list[float]) -> None:
    texts = written(values)
    with_point = {len(text.partition(".")[2]) for text in texts} if not any("e" in text for text in texts) else set()
    assert len(with_point) <= 1 or max(map(abs, values)) >= 1e9 or any(0 < abs(value) < 1e-4 for value in values)
    for text, value in zip(texts, values, strict=True):
        if "e" not in text and len(with_point) == 1:
            assert abs(float(text) - value) <= 0.5000001 * 10 ** -with_point.copy().pop()
        else:
            assert float(text) == pytest.approx(value, rel=6e-4)


def test_a_column_of_several_quantities_has_the_digits_of_each() -> None:
    """As the sizes of one config, below each other."""
    write = formats(Table(("size", "value"), [("luo", 16.2172), ("ratio", 0.7777777), ("eff_rf", 7.0)]))[1]
    assert [write(value) for value in (16.2172, 0.7777777, 7.0)] == ["16.22", "0.7778", "7"]


SPREAD = Table(
    ("depth", "n", "luo", "luo_n", "luo_sd", "luo_low", "luo_high"),
    [(1, 6, 3.0, 6, 0.0, 3.0, 3.0), (4, 6, 15.6085, 4, 0.9119, 14.7852, 16.3409), (9, 6, None, 0, None, None, None)],
)


def test_a_spread_is_one_cell_for_a_reader() -> None:
    found = merged(SPREAD)
    assert found.columns == ("depth", "n", "luo")
    assert [row[2] for row in found.rows] == [
        " 3.00 ± 0.00 [ 3.00,  3.00]    ",
        "15.61 ± 0.91 [14.79, 16.34] n=4",
        None,
    ]


def test_a_single_draw_has_no_spread() -> None:
    table = Table(("x", "x_n", "x_sd", "x_low", "x_high"), [(2.5, 1, None, None, None), (3.0, 1, None, None, None)])
    assert [row[0] for row in merged(table).rows] == ["2.5", "3.0"]


def printed(table: Table, columns: int, monkeypatch: pytest.MonkeyPatch, spare: Sequence[str] = ()) -> tuple[str, str]:
    monkeypatch.setenv("COLUMNS", str(columns))
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        print_pretty(table, spare)
    return out.getvalue(), err.getvalue()


def test_units_stand_in_the_head(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = printed(SPREAD, 80, monkeypatch)
    head, units, *_ = out.splitlines()
    assert head.split() == ["depth", "n", "luo"]
    assert units.split() == ["px"]
    assert err == ""
    out = io.StringIO()
    with redirect_stdout(out):
        print_table(SPREAD, "plain")
    assert out.getvalue().splitlines()[0].endswith("  luo [px]")


def test_a_table_too_wide_loses_what_is_the_same_in_all_rows_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [("a" * 20, 21, "k" * 20, 1.5, 0), ("b" * 20, 21, "k" * 20, 2.5, 1)]
    table = Table(("id", "height", "kind", "luo", "seed"), rows)
    out, err = printed(table, 60, monkeypatch)
    assert "height" in out
    assert err == ""
    out, err = printed(table, 40, monkeypatch)
    assert err == f"left out for the width of the terminal, the same in all rows: height 21, kind {'k' * 20}\n"
    assert "height" not in out
    assert "a" * 20 in out
    out, err = printed(table, 20, monkeypatch)  # too narrow even so: everything, field by field
    assert err == ""
    assert "height" in out
    assert "1.5 px" in out


def test_a_table_too_wide_for_its_intervals_has_means_and_deviations_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    columns = ("config", *(f"luo{part}" for part in ("", "_n", "_sd", "_low", "_high")), "n")
    table = Table(columns, [("4x3x3", 8.25, 2, 0.5, 7.75, 8.75, 2), ("8x3x3", 13.5, 1, None, None, None, 3)])
    out, err = printed(table, 60, monkeypatch)
    assert "8.25 ± 0.50 [7.75, 8.75]" in out
    assert err == ""
    out, err = printed(table, 30, monkeypatch)
    assert err == "left out for the width of the terminal: the intervals of spreads\n"
    assert [line.split() for line in out.splitlines()[3:]] == [
        ["4x3x3", "8.25", "±", "0.50", "2"],
        ["8x3x3", "13.50", "3"],
    ]


def test_a_table_of_usual_columns_loses_the_spare_ones_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table(("id", "luo", "eff_rf@0.5", "n_zero"), [("a" * 20, 1.5, 2.5, 0), ("b" * 20, 2.5, 3.5, 1)])
    for width, heads, left_out in (
        (45, ["id", "luo", "eff_rf@0.5", "n_zero"], None),
        (40, ["id", "luo", "eff_rf@0.5"], "n_zero"),
        (25, ["id", "luo"], "n_zero, eff_rf@0.5"),
    ):
        out, err = printed(table, width, monkeypatch, ("n_zero", "sigma_x", "eff_rf"))
        assert out.splitlines()[0].split() == heads
        said = f"left out for the width of the terminal: {left_out} (-c chooses columns)\n"
        assert err == ("" if left_out is None else said)


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
def test_no_number_of_a_spread_is_wrapped(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = Table((*SPREAD.columns, "note"), [(*row, "words " * 12) for row in SPREAD.rows])
    out, _ = printed(wide, columns, monkeypatch)
    assert "15.61 ± 0.91 [14.79, 16.34] n=4" in out


def test_nothing_found_says_of_how_many(luo2016: str) -> None:
    none = ("--where", "seed == 99", "--db", luo2016)
    assert good("table", "luo2016", *none).err == "0 of 5 rows with --where 'seed == 99'\n"
    assert good("table", "-c", "sweep,id", *none).err == "0 of 5 rows with --where 'seed == 99'\n"
    assert good("table", "luo2016", "--over", "seed", *none).err == "0 of 5 rows with --where 'seed == 99'\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--mass", "0.5,x"), "--mass '0.5,x' is not a share of the mass; write 0.5, or several as 0.5,0.9"),
        (("--mass", "0.5,0.50"), "--mass '0.5,0.50' names a share twice"),
        (("--mass", "0.5,nan"), "--mass nan is not a share of the mass"),
        (("--pivot", "depth,", "--value", "ratio"), "--pivot 'depth,' lacks a name"),
        (("--diff", "-f", "classic"), "it goes without --over, --columns, --diff"),
    ],
)
def test_options_of_a_table_that_are_wrong_are_told(arguments: tuple[str, ...], said: str, luo2016: str) -> None:
    ended = erfsweep("table", "luo2016", *arguments, "--db", luo2016)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


def test_a_turned_table_of_the_original() -> None:
    good("run", "3x3,2x3x3", "-s", "init.kind=uniform_kernel", "-s", "input=21,25", "--name", "turned")
    out = good("table", "turned", "--pivot", "height,depth", "--value", "theo_rf", "-f", "csv").out
    assert out == "height,depth=1,depth=2\n21,3,5\n25,3,5\n"
