"""What a config is called in tables: its notation, or the label that its sweep gives it."""

from pathlib import Path

import pytest

from tests.cli.command import REFERENCE, erfsweep, good

LABELLED = """
stems:
  - {stem: "3x3 dw5x5", label: narrow}
  - {stem: 5x5, label: "a|b_c", init.seed: 3}
  - 7x7
grid: {seed: [1, 2]}
"""


def names(sweep: str, *more: str) -> list[tuple[str, str]]:
    return [
        (row["config"], row["stem"])
        for row in good("table", *([sweep] if sweep else []), "-c", "config,stem", "-f", "csv", *more).rows
    ]


def test_a_label_stands_for_every_config_of_its_entry() -> None:
    Path("some.yaml").write_text(LABELLED)
    good("submit", "some.yaml")
    expected = [("narrow", "3x3 dw5x5")] * 2 + [("a|b_c", "5x5")] + [("7x7", "7x7")] * 2
    assert names("some") == names("") == expected
    assert names("some", "--where", "config == 'narrow'") == expected[:2]
    assert names("some", "--where", "like(stem, '*dw*')") == expected[:2]
    assert names("some", "--sort", "config")[0] == ("7x7", "7x7")
    assert good("show", "some:2").out.startswith("a|b_c  g")
    shown = good("show", "some:2", "-f", "json").json
    assert (shown["config"], shown["stem"]) == ("a|b_c", "5x5")


def test_two_sweeps_may_call_a_config_differently() -> None:
    Path("one.yaml").write_text("stems: [{stem: 3x3, label: first}, 5x5]\n")
    Path("two.yaml").write_text("stems: [{stem: 3x3, label: second}, {stem: 5x5, label: fives}]\n")
    good("run", "one.yaml")
    assert ", 0 new" in good("submit", "two.yaml").out
    assert names("one") == [("first", "3x3"), ("5x5", "5x5")]
    assert names("two") == [("second", "3x3"), ("fives", "5x5")]
    assert names("") == [("first", "3x3"), ("fives", "5x5")]
    assert good("show", "two:0").out.startswith("second  ")
    assert good("show", "one:1").out.startswith("5x5  ")
    good("rm", "one", "--yes")
    assert names("") == [("second", "3x3"), ("fives", "5x5")]


def test_the_same_list_under_new_labels_takes_them_and_measures_nothing() -> None:
    Path("some.yaml").write_text("stems: [3x3, {stem: 5x5, label: old}]\n")
    good("run", "some.yaml")
    Path("some.yaml").write_text("stems: [{stem: 3x3, label: new}, 5x5]\n")
    assert "0 measured" in good("run", "some.yaml").err
    assert names("some") == [("new", "3x3"), ("5x5", "5x5")]
    good("submit", "some", "-s", "seed=0,1", "--name", "more")  # from what is stored
    assert names("more") == [("new", "3x3")] * 2 + [("5x5", "5x5")] * 2


def test_what_is_added_keeps_old_labels() -> None:
    Path("some.yaml").write_text("stems: [{stem: 3x3, label: old}]\n")
    good("submit", "some.yaml")
    Path("some.yaml").write_text("stems: [{stem: 3x3, label: other}, {stem: 5x5, label: fresh}]\n")
    good("submit", "some.yaml", "--append")
    assert names("some") == [("old", "3x3"), ("fresh", "5x5")]
    good("submit", "some.yaml", "--replace")
    assert names("some") == [("other", "3x3"), ("fresh", "5x5")]


def test_a_plain_stack_is_found_by_what_one_writes(luo2016: str) -> None:
    found = good("table", "luo2016", "--where", "config == '4x3x3'", "-f", "csv", "--db", luo2016).rows
    assert [row["config"] for row in found] == ["4x3x3"]
    assert good("table", "luo2016", "-f", "classic", "--db", luo2016).out == (REFERENCE / "luo2016.txt").read_text()


def test_the_classic_table_prints_labels_as_they_are() -> None:
    Path("some.yaml").write_text("stems: [{stem: 4x3x3, label: four}, 2x5x5, {stem: 9x9, label: 9x9}]\n")
    lines = good("run", "some.yaml", "-f", "classic").out.splitlines()
    assert [line[:12].strip() for line in lines[5:8]] == ["four", "2x 5x5", "1x 9x9"]


@pytest.mark.parametrize("label", ['"=1+1"', '"\\e[31m"', '""', "18", "5x5", "[a]", "x" * 65])
def test_a_hostile_label_is_refused(label: str) -> None:
    Path("some.yaml").write_text(f"stems: [{{stem: 3x3, label: {label}}}]\n")
    ended = erfsweep("run", "some.yaml")
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert not Path("erfsweep.db").exists()


def test_rows_that_differ_in_their_unit_are_told_apart() -> None:
    columns = good("run", "3x3", "-s", "readout.position=center,[3,4],[10,12]", "-f", "csv").rows
    assert [(row["unit_y"], row["unit_x"]) for row in columns] == [("10", "10"), ("3", "4"), ("10", "12")]
    ordinary = good("run", "3x3", "-s", "input=21,41,9x5", "-f", "plain").out
    assert "unit_y" not in ordinary  # there it follows from the plane
    both = good("table", "-c", "config,height,unit_y,unit_x", "--where", "height == 41", "-f", "csv").rows
    assert [(row["unit_y"], row["unit_x"]) for row in both] == [("20", "20")]
