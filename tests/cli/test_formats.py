"""`--format`: the same rows for people and for programs."""

import csv
import io
import json
import re
import shutil
import subprocess
from contextlib import redirect_stdout, suppress
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from cli.options import TableFormat
from cli.render import classic
from cli.render.tables import RENDERERS
from cli.render.terminal import print_pretty
from cli.render.visible import visible
from store.asking.heads import unit
from store.asking.table import Table
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


def text_of(format_: TableFormat, table: Table) -> str:
    """A table as a format writes it."""
    return "".join(RENDERERS[format_](table))


CONTROLS = "a\x1b]0;x\x07\x9b2J\u202eb\u2066\u200b\u2028\ufeff\x00\x7f\U000e0041z"

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
    rows = list(csv.reader(io.StringIO(text_of("csv", HOSTILE))))
    assert rows[1] == ['\'=1+1, "quoted"\nline', "1.5", ""]
    assert [float(row[1]) for row in rows[1:]] == [row[1] for row in HOSTILE.rows]
    assert [row[0] for row in rows[2:]] == [row[0] for row in HOSTILE.rows[1:]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("=1+1", "'=1+1"),
        (" =1+1", "' =1+1"),
        ("\n\t =cmd()", "'\n\t =cmd()"),
        ("＝1+1", "'＝1+1"),
        ("＋1", "'＋1"),
        (" －1+1", "' －1+1"),
        ("＠SUM(A1)", "'＠SUM(A1)"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("-x", "'-x"),
        ("\tx", "'\tx"),
        ("\r=1", "\\r=1"),
        ("\u00a0=1", "\\xa0=1"),
        ("\u200b=1", "\\u200b=1"),
        ("-\u0661\u0662", "'-\u0661\u0662"),  # Arabic digits: no number to every program
        ("-2.5", "-2.5"),
        ("+1e-3", "+1e-3"),
        ("4x3x3", "4x3x3"),
        ("a=b", "a=b"),
        ("", ""),
    ],
)
def test_a_cell_that_a_spreadsheet_would_run_stands_behind_a_quote(text: str, expected: str) -> None:
    written = text_of("csv", Table((text, "n"), [(text, -2.5), ("b", -3)]))
    rows = list(csv.reader(io.StringIO(written)))
    assert rows[0][0] == rows[1][0] == expected
    assert [row[1] for row in rows[1:]] == ["-2.5", "-3"]


@given(st.text(max_size=30))
def test_no_cell_begins_as_a_formula(text: str) -> None:
    (row,) = list(csv.reader(io.StringIO(text_of("csv", Table(("x",), [(text,)])))))[1:] or [[""]]
    written = row[0] if row else ""
    with suppress(ValueError):
        float(written)
        return
    assert written.lstrip()[:1] not in tuple("=+-@＝＋－＠")


def test_json_of_hostile_text_parses_back() -> None:
    assert json.loads(text_of("json", HOSTILE)) == [*HOSTILE.dicts()]
    assert json.loads(text_of("json", Table(("x",), [(float("nan"),), (float("inf"),)]))) == [{"x": None}] * 2


@given(st.text(max_size=20))
@example(CONTROLS)
def test_no_format_writes_a_character_that_is_not_printable(text: str) -> None:
    table = Table(("name", text), [(text, 1.5), (text + text, None)])
    for name in RENDERERS:
        if name == "classic":
            row = dict.fromkeys(classic.COLUMNS, 1) | {"config": text, "stem": "3x3", "ratio": None}
            written = text_of(name, Table(tuple(row), [tuple(row.values())]))
        else:
            written = text_of(name, table)
        left = {each for each in written if not each.isprintable()}
        assert left <= {"\n", "\t"} if name in ("csv", "tsv") else left <= {"\n"}
        if name == "json":
            assert json.loads(written) == [*table.dicts()]
    capture = io.StringIO()
    with redirect_stdout(capture):
        print_pretty(table)
    assert {each for each in capture.getvalue() if not each.isprintable()} <= {"\n"}


def test_what_is_not_printable_is_shown_as_its_escape() -> None:
    assert r"a\x1b]0;x\x07\x9b2J\u202eb\u2066\u200b\u2028\ufeff\x00\x7f\U000e0041z" in text_of(
        "plain", Table(("x",), [(CONTROLS,)])
    )
    assert '"a\\u001b]0;x\\u0007\\u009b2J\\u202eb' in text_of("json", Table(("x",), [(CONTROLS,)]))


def test_tsv_parses_back_as_csv_does() -> None:
    rows = list(csv.reader(io.StringIO(text_of("tsv", HOSTILE)), delimiter="\t"))
    assert rows == list(csv.reader(io.StringIO(text_of("csv", HOSTILE))))


_CELLS = st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False))
_PLAIN_TEXT = st.text("abc xyz0.,;'\"\t\n|é", max_size=8)


@given(st.lists(st.tuples(_CELLS, _PLAIN_TEXT), max_size=5))
def test_what_a_machine_reads_has_every_value_type_and_null(rows: list[tuple[object, str]]) -> None:
    rows = [(None if value in (float("inf"), float("-inf")) else value, text) for value, text in rows]
    table = Table(("v", "t"), rows)
    lines = text_of("jsonl", table).splitlines()
    assert [json.loads(line) for line in lines] == [*table.dicts()] == json.loads(text_of("json", table))
    assert [type(json.loads(line)["v"]) for line in lines] == [type(value) for value, _ in rows]
    for name, sign in (("csv", ","), ("tsv", "\t")):
        read = list(csv.reader(io.StringIO(text_of(name, table), newline=""), delimiter=sign))[1:]
        for (value, text), (cell, written) in zip(rows, read, strict=True):
            assert written in (text, f"'{text}")  # behind a quote where a spreadsheet would run it
            if isinstance(value, bool) or value is None:
                assert cell == {None: "", True: "true", False: "false"}[value]
            else:
                assert type(value)(cell) == value


class _Seen(HTMLParser):
    """The texts of the cells, and every tag and attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.is_open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag in ("td", "th"):
            self.cells.append("")
            self.is_open = True

    def handle_endtag(self, tag: str) -> None:
        self.is_open = self.is_open and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self.is_open:
            self.cells[-1] += data


@given(st.one_of(st.text(max_size=30), st.sampled_from(["<script>alert(1)</script>", "\"onload='x'", "&lt;", "</td>"])))
@example(CONTROLS)
def test_html_has_no_markup_of_its_data_and_reads_back(text: str) -> None:
    assume(not unit(text))  # the name of a column, behind which its unit stands
    written = text_of("html", Table((text, "n"), [(text, 1.5), (text + "<b>", None)]))
    assert written.isascii()
    seen = _Seen()
    seen.feed(written)
    seen.close()
    assert seen.tags == {"table", "thead", "tbody", "tr", "th", "td"}
    assert seen.attributes == {"style"}
    shown = visible(text).strip()
    assert seen.cells == [shown, seen.cells[1], shown, "1.5", visible(text + "<b>").strip(), "-"]


def test_html_needs_nothing_from_elsewhere(luo2016: str) -> None:
    for command in (("table", "luo2016"), ("show", "luo2016:2"), ("table", "luo2016", "--over", "seed")):
        page = good(*command, "-f", "html", "--db", luo2016).out
        assert not re.search(r"(?i)src=|href=|url\(|<script|<link|@import", page)
        assert page.count("<table") == page.count("</table>") > 0


def test_markdown_has_a_line_for_each_row_and_no_markup_of_its_data() -> None:
    lines = text_of("markdown", HOSTILE).splitlines()
    assert lines[1] == "| --- | ---: | --- |"
    assert len(lines) == 2 + len(HOSTILE.rows)
    assert "a\\|b\\*c\\_d\\`e\\`&lt;i>\\\\" in lines[3]
    assert "\\[red\\]x" in lines[5]
    (head, *_) = text_of("markdown", Table(("a|b_c", "<b>&amp;"), [])).splitlines()
    assert head == "| a\\|b\\_c | &lt;b>&amp;amp; |"


@given(st.text("ab|\\`*<&\n\r$~", max_size=12))
def test_a_row_of_markdown_has_as_many_cells_as_columns(text: str) -> None:
    for line in text_of("markdown", Table((text, "n"), [(text, text)])).splitlines():
        assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) == 3


def test_latex_escapes_what_tex_would_run() -> None:
    text = text_of("latex", HOSTILE)
    assert "50\\% \\& \\#1 \\{x\\}\\textasciitilde{}\\textasciicircum{}\\$" in text
    assert text.startswith("\\begin{tabular}{lrl}\n\\toprule\n")
    assert text.endswith("\\bottomrule\n\\end{tabular}\n")
    assert text.count("\\\\\n") == 1 + len(HOSTILE.rows)
    assert "a\\textbar{}b" in text
    assert "\\texttt{\\char34}quoted\\texttt{\\char34}" in text
    assert "\n{[}red]x{[}/red]" in text  # a bracket behind the end of a row would be its argument
    assert "{-}{-}" in text_of("latex", Table(("a--b",), []))


@given(st.text(max_size=20))
def test_latex_has_no_bare_sign_of_the_data(text: str) -> None:
    (row,) = text_of("latex", Table(("x",), [(text,)])).splitlines()[4:-2]
    left = row.removesuffix(" \\\\")
    for command in (
        r"\\text\w+\{\}",
        r"\\texttt\{\\char34\}",
        r"\\[&%$#_{}]",
        r"\{[\[*`'-]\}",
        r"\\ensuremath\{\\\w+\}",
    ):
        left = re.sub(command, "", left)
    assert not set(left) & set('\\&%$#_{}~^<>|"`[*')


def test_latex_has_letters_of_its_fonts_formulas_for_greek_and_escapes_for_the_rest() -> None:
    (row,) = text_of("latex", Table(("x",), [("Å é – σ Σ ≤ 中 \u202e 😀",)])).splitlines()[4:-2]
    assert row == (
        "Å é – \\ensuremath{\\sigma} \\ensuremath{\\Sigma} \\ensuremath{\\leq} "
        "\\textbackslash{}u4e2d \\textbackslash{}u202e \\textbackslash{}U0001f600 \\\\"
    )


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
@pytest.mark.parametrize("what", ["hostile", "letters", "show"])
def test_latex_compiles(what: str, luo2016: str) -> None:
    letters = [chr(code) for code in (*range(0x20, 0x250), *range(0x370, 0x400), *range(0x2000, 0x2300), 0x1F600)]
    body = {
        "hostile": lambda: text_of("latex", HOSTILE),
        "letters": lambda: text_of("latex", Table(("x", "y"), [(letter, f"a{letter}{letter}b") for letter in letters])),
        "show": lambda: good("show", "luo2016:2", "-f", "latex", "--db", luo2016).out,
    }[what]()
    page = f"\\documentclass{{article}}\\usepackage{{booktabs}}\\begin{{document}}\n{body}\\end{{document}}\n"
    Path("page.tex").write_text(page)
    subprocess.run(["pdflatex", "-halt-on-error", "-no-shell-escape", "page.tex"], check=True, capture_output=True)


def test_show_is_a_page_of_its_format(luo2016: str) -> None:
    page = good("show", "luo2016:2", "-f", "latex", "--db", luo2016).out
    assert page.startswith("\\section*{4x3x3 ")
    opened = re.findall(r"\\begin\{(\w+)\}", page)
    assert opened == re.findall(r"\\end\{(\w+)\}", page)
    assert opened.count("flushleft") == 1  # the heatmap
    outside = re.sub(r"(?s)\\begin\{(\w+)\}.*?\\end\{\1\}", "", page)
    assert re.fullmatch(r"\\section\*\{[^\n]*\}\s*", outside)
    page = good("show", "luo2016:2", "-f", "markdown", "--db", luo2016).out
    assert page.startswith("# 4x3x3 ")
    assert page.count("\n```") == 2
    heatmap = page.split("```")[1].partition("window:")[0]
    assert set(heatmap.removeprefix("text")) <= set(" .:-=+*#%@\n><─│┌┐└┘0123456789")
    outside = re.sub(r"(?s)```.*?```", "", page)
    assert all(line.startswith(("| ", "# ")) for line in outside.splitlines() if line)


def test_columns_for_programs_do_not_depend_on_the_rows(luo2016: str) -> None:
    good("run", "3x3p0 up4", "--name", "dead", "-s", "input=3")
    good("submit", "4x3x3", "--name", "queued", "-s", "seed=1,2")
    good("run", "4x3x3", "--name", "done", "-s", "input=9,21")
    for command in (("table",), ("table", "--over", "seed", "--map", "mean")):
        for place in ("-f", "csv"), ("-f", "json"):
            heads = set()
            for name in ("dead", "done", "queued"):
                for where in ((), ("--where", "kernel == 99")):
                    ended = good(*command, name, *where, *place)
                    if place[1] == "csv":
                        heads.add(tuple(next(csv.reader(io.StringIO(ended.out)))))
                    else:
                        heads |= {tuple(row) for row in ended.json}
            assert len(heads) == 1
            assert {"config", "dead", "seed", "state"} - {*heads.pop()} <= (
                {"seed", "state"} if "--over" in command else set()
            )
    shown = {tuple(good("show", f"{name}:0", "-f", "json").json) for name in ("dead", "done", "queued")}
    assert len(shown) == 1
    for name in ("dead", "done", "queued"):
        good("export", name, "--to", name, "--over", "seed")
    assert len({Path(name, "table.csv").read_text().partition("\n")[0] for name in ("dead", "done", "queued")}) == 1


def test_classic_tells_own_weights_and_probes_and_has_room_for_labels() -> None:
    np.savez("weights.npz", **{"layer0.weight": np.ones((3, 3, 1, 1), np.float32)})
    np.save("probes.npy", np.ones((2, 21, 21, 1), np.float32))
    weights = ("-s", "init.kind=file", "-s", "init.path=weights.npz")
    probes = ("-s", "probes.kind=file", "-s", "probes.path=probes.npy")
    good("run", "3x3:1", *weights, *probes, "--name", "own")
    good("run", "7x7/2:64 max3x3/2 2x3x3:8=gelu, 3x3", "--name", "long", "-s", "input=21")
    assert "2 own probes, frozen stems with weights of files." in good("table", "own", "-f", "classic").out
    lines = good("table", "long", "-f", "classic").out.splitlines()
    assert "16 synthetic probes, untrained frozen stems." in lines[1]
    table = lines[3:]
    assert len({len(line) for line in table} - {len(table[1])}) == 1
    assert len(table[1]) == len(table[0]) + 1 == len("7x7/2:64 max3x3/2 2x3x3:8=gelu") + 38
    assert "several" not in lines[1]
    assert "some with weights of files" in good("table", "-f", "classic").out


def test_classic_says_nothing_of_the_settings_of_no_rows(luo2016: str) -> None:
    text = good("table", "luo2016", "-f", "classic", "--where", "seed == 99", "--db", luo2016).out
    assert text.splitlines()[1] == "No rows."
    assert "several" not in text


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
