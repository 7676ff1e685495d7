"""Results that a reader should not take at face value are told, with what to type."""

import shlex

import pytest

from cli.health import health_notes
from store.asking.health import Health
from tests.cli.command import erfsweep, good

GRID = (
    ("stems=1x3x3,4x3x3,4x5x5,6x9x9", "seed=range(0,4)", "input=21", "probes.count=8"),
    ("stems=3x3/2 3x3/2 3x3,7x7/2:64 max3x3/2,9x9", "seed=range(0,3)", "input=9x12"),
    ("stems=12x3x3:1,3x3 gap", "seed=range(0,6)", "input=31", "probes.count=5"),
)


@pytest.mark.parametrize("number", range(len(GRID)))
def test_they_are_counted_as_a_reader_of_the_table_would_count_them(number: int) -> None:
    stems, *axes = GRID[number]
    options = [word for axis in axes for word in ("-s", axis)]
    for place, stem in enumerate(stems.removeprefix("stems=").split(",")):
        good("run", stem, *options, "--name", f"s{place}")
        rows = good("table", f"s{place}", "-f", "json", "-c", COLUMNS).json
        used = [row["probes_count"] - row["n_zero"] - row["n_nan"] for row in rows]
        dead = sum(row["dead"] for row in rows)
        thin = sum(not row["dead"] and n < row["probes_count"] / 2 for row, n in zip(rows, used, strict=True))
        cut_off = sum(row["saturated"] and not row["is_global"] for row in rows)
        said = good("status", f"s{place}").err
        for what, found in (("dead", dead), ("thin", thin), ("cut off", cut_off)):
            assert (f"{found} of {len(rows)} configs {'is' if found == 1 else 'are'} {what}" in said) == (found > 0)
            assert found or what not in said


COLUMNS = "dead,n_zero,n_nan,probes_count,saturated,is_global"


@pytest.mark.parametrize(
    ("stem", "plane"),
    [("9x9", "5"), ("4x5x5", "9x15"), ("7x7/2:64 max3x3/2", "9"), ("5x5/3 5x5/3", "11"), ("2x4x4", "5")],
)
def test_the_plane_that_is_named_holds_the_window(stem: str, plane: str) -> None:
    said = good("run", stem, "-s", f"input={plane}", "--name", "small").err
    assert "1 of 1 config is cut off, as the window leaves the plane" in said
    side = said.partition("-s input=")[2].partition(",")[0]
    assert "cut off" not in good("run", stem, "-s", f"input={side}", "--name", "large").err
    assert "cut off" not in good("run", stem, "--name", "chosen").err


@pytest.mark.parametrize(
    ("stem", "layers", "plane"),
    [
        ("7x7/2:4 6x9x9:4 mul(|gap 1x1:4=sigmoid) 3x3", "0,3,6", "65"),
        ("4x9x9:4 adaptive7", "3", "21"),
        ("4x9x9:4 gap", "0,3", "21"),
        ("9x9#a 9x9#b up2", "b,a", "15"),
    ],
)
def test_the_plane_that_is_named_holds_the_window_of_each_layer(stem: str, layers: str, plane: str) -> None:
    """A layer behind them that sees the whole plane is given 224 pixels or fewer, which need not hold theirs."""
    axes = ("-s", f"readout.layer={layers}", "-s", "probes.count=1", "-s", "seed=0,1")
    said = good("run", stem, *axes, "-s", f"input={plane}", "--name", "small").err
    assert "cut off, as the window leaves the plane: take -s input=" in said
    cure = said.partition("-s input=")[2].splitlines()[0]
    side, _, out = cure.partition(",")
    assert "cut off" not in good("run", stem, *axes, "-s", f"input={side}", "--name", "large").err
    assert ("cut off" in good("run", stem, *axes, "--name", "chosen").err) is (out == "")


def test_a_unit_at_the_border_is_cut_off_on_any_plane() -> None:
    """No plane is named for it: its window leaves one of a thousand pixels, too."""
    said = good("run", "9x9", "-s", "readout.position=[0,0]", "--name", "corner").err
    assert "1 of 1 config is cut off, as the window leaves the plane: take -s readout.position=center\n" in said
    said = good("run", "9x9", "-s", "readout.position=center,[0,0]", "-s", "input=5", "--name", "both").err
    assert "2 of 2 configs are cut off" in said
    assert "take -s input=21, or leave input out, and -s readout.position=center\n" in said
    assert "cut off" not in good("run", "9x9", "-s", "readout.position=center", "-s", "input=21", "--name", "mid").err


def test_nothing_is_said_where_all_is_well() -> None:
    assert good("run", "4x5x5=linear").err.count("\n") == 2
    assert good("status").err == ""


def test_what_failed_is_told_with_a_command_that_says_why() -> None:
    ended = erfsweep("run", "3x3", "-s", "seed=0,1", "--memory", "10", "--name", "mine")
    assert "2 of 2 configs are without a result: `erfsweep table mine --where" in ended.err
    command = shlex.split(ended.err.partition("`")[2].partition("`")[0])
    assert command[0] == "erfsweep"
    assert len(good(*command[1:], "-f", "csv").rows) == 2
    assert "mine" not in good("status").err.partition("without a result")[2].partition("says why")[0]


def test_the_sum_of_channels_is_advised_only_to_those_who_read_one() -> None:
    one = Health(configs=1620, dead=152, thin=693, of_one_channel=845, cut_off=0, off_centre=0, failed=0, killed=0)
    assert [note.text for note in health_notes(one, "growth")] == [
        "152 of 1,620 configs are dead, no probe's gradient reaches the input: "
        "try -s readout.channel=sum or other seeds",
        "693 of 1,620 configs are thin, with a gradient from fewer than half of their probes: "
        "try -s readout.channel=sum or other seeds",
    ]
    (note,) = health_notes(
        Health(configs=2, dead=0, thin=1, of_one_channel=1, cut_off=0, off_centre=0, failed=0, killed=0), None
    )
    assert note.text.startswith("1 of 2 configs is thin, with a gradient from fewer than half of its probes: ")
    summed = Health(configs=1, dead=1, thin=0, of_one_channel=0, cut_off=0, off_centre=0, failed=0, killed=0)
    (note,) = health_notes(summed, "growth")
    assert "readout" not in note.text


def test_probes_without_a_gradient_are_shown_where_there_are_any() -> None:
    good("run", "4x3x3", "-s", "seed=range(0,3)", "--name", "zeros")
    zeros = [row["n_zero"] for row in good("table", "zeros", "-c", "n_zero", "-f", "csv").rows]
    assert [row["n_zero"] for row in good("table", "zeros", "-f", "csv").rows] == zeros
    assert f"n_zero, their gradient is zero            {zeros[0]} of 16" in good("show", "zeros:0", "-f", "plain").out
    good("run", "4x3x3=linear", "--name", "full")
    assert "n_zero" not in good("table", "full").out
    assert "n_zero, their gradient is zero            0 of 16" in good("show", "full:0", "-f", "plain").out
