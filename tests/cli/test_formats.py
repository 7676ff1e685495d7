"""`--format`: the same rows for people and for programs."""

import csv
import io
import json

import pytest

from cli.render.tables import RENDERERS, Table
from tests.cli.command import erfsweep, good

COMMANDS = [
    ("table", "luo2016"),
    ("table", "luo2016", "--over", "seed"),
    ("table", "luo2016", "--mass", "0.3", "--center", "plane"),
    ("ls",),
    ("theory", "4x3x3"),
    ("fields",),
    ("presets",),
]
HOSTILE = Table(
    ("name", "value", "many"),
    [
        ('=1+1, "quoted"\nline', 1.5, None),
        ("a|b*c_d`e`<i>\\", -2, True),
        ("50% & #1 {x}~^$", 0.1 + 0.2, False),
        ("[red]x[/red]", 1e300, None),
        ("", 3.0, None),
    ],
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_csv_and_json_hold_the_same_rows(command: tuple[str, ...], luo2016: str) -> None:
    where = () if command[0] in ("theory", "fields", "presets") else ("--db", luo2016)
    listed = good(*command, *where, "-f", "json").json
    rows = good(*command, *where, "-f", "csv").rows
    assert isinstance(listed, list)
    assert len(rows) == len(listed) > 0
    for row, entry in zip(rows, listed, strict=True):
        assert list(row) == list(entry)
        for name, value in entry.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                assert float(row[name]) == value
            else:
                assert row[name] == {None: "", True: "true", False: "false"}.get(value, value)


@pytest.mark.parametrize("command", [("show", "luo2016:2"), ("status",), ("db", "info")], ids=" ".join)
def test_one_thing_is_one_json_object(command: tuple[str, ...], luo2016: str) -> None:
    assert isinstance(good(*command, "-f", "json", "--db", luo2016).json, dict)
    rows = good(*command, "-f", "csv", "--db", luo2016).rows
    assert set(rows[0]) == {"field", "value"}


def test_plain_is_the_default_in_a_pipe(luo2016: str) -> None:
    assert good("table", "--db", luo2016).out == good("table", "-f", "plain", "--db", luo2016).out
    lines = good("table", "--db", luo2016).out.splitlines()
    assert lines[0].split()[:3] == ["id", "config", "theo_rf"]
    assert len(lines) == 6


def test_csv_of_hostile_text_parses_back_and_runs_in_no_spreadsheet() -> None:
    rows = list(csv.reader(io.StringIO(RENDERERS["csv"](HOSTILE))))
    assert rows[1] == ['\'=1+1, "quoted"\nline', "1.5", ""]
    assert [float(row[1]) for row in rows[1:]] == [row[1] for row in HOSTILE.rows]
    assert [row[0] for row in rows[2:]] == [row[0] for row in HOSTILE.rows[1:]]


def test_json_of_hostile_text_parses_back() -> None:
    assert json.loads(RENDERERS["json"](HOSTILE)) == HOSTILE.dicts()
    assert json.loads(RENDERERS["json"](Table(("x",), [(float("nan"),), (float("inf"),)]))) == [{"x": None}] * 2


def test_markdown_has_a_line_for_each_row_and_no_markup_of_its_data() -> None:
    lines = RENDERERS["markdown"](HOSTILE).splitlines()
    assert lines[1] == "| --- | ---: | --- |"
    assert len(lines) == 2 + len(HOSTILE.rows)
    assert "a\\|b\\*c\\_d\\`e\\`&lt;i>\\\\" in lines[3]


def test_latex_escapes_what_tex_would_run() -> None:
    text = RENDERERS["latex"](HOSTILE)
    assert "50\\% \\& \\#1 \\{x\\}\\textasciitilde{}\\textasciicircum{}\\$" in text
    assert text.startswith("\\begin{tabular}{lrl}\n\\toprule\n")
    assert text.endswith("\\bottomrule\n\\end{tabular}\n")
    assert text.count("\\\\\n") == 1 + len(HOSTILE.rows)


def test_classic_belongs_to_tables_of_results(luo2016: str) -> None:
    for command in (("fields",), ("theory", "3x3"), ("ls", "--db", luo2016), ("show", "luo2016:0", "--db", luo2016)):
        ended = erfsweep(*command, "-f", "classic")
        assert (ended.code, ended.out) == (2, "")
        assert "'classic'" in ended.err


def test_a_table_without_rows_is_still_a_table(luo2016: str) -> None:
    none = ("table", "--where", "kernel == 99", "--db", luo2016)
    assert good(*none, "--mass", "0.5", "-f", "csv").err == "0 of 5 rows with --where 'kernel == 99'\n"
    assert good(*none, "-f", "json").json == []
    assert good(*none, "-f", "csv").out.startswith("id,config,")
    for name in ("plain", "markdown", "latex", "classic", "table"):
        assert good(*none, "-f", name).out
