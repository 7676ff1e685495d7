"""Tables in every format: for a terminal, a pipe, the original's layout, CSV, JSON, Markdown and LaTeX."""

import csv
import io
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from cli.options import TableFormat

MISSING = "-"


class Table(NamedTuple):
    """Names of columns, and rows of values: str, int, float, bool or None."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    def dicts(self) -> list[dict[str, Any]]:
        """The rows by column."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def default_format() -> TableFormat:
    """`table` on a terminal, `plain` in a pipe."""
    return "table" if sys.stdout.isatty() else "plain"


def print_table(table: Table, format_: TableFormat | None) -> None:
    """Prints a table to stdout."""
    chosen = format_ or default_format()
    if chosen == "table":
        from cli.render.terminal import print_pretty

        print_pretty(table)
    else:
        sys.stdout.write(RENDERERS[chosen](table))


def print_one(fields: Mapping[str, Any], format_: TableFormat | None) -> None:
    """Prints one object: as `json` an object, in the other formats a row for each field."""
    if format_ == "json":
        sys.stdout.write(json_text(dict(fields)) + "\n")
    else:
        print_table(Table(("field", "value"), [(name, value) for name, value in fields.items()]), format_)


def cell(value: Any) -> str:
    """A value for a reader: whole numbers as such, others to four digits, `-` for what is not there."""
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e9 else f"{value:.4g}"
    return str(value)


def exact(value: Any) -> str:
    """A value for a program: every digit, nothing for what is not there."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else repr(value)
    if not isinstance(value, str):
        return json_text(value, indent=0)
    return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value  # a spreadsheet would run it


def json_text(value: Any, indent: int = 2) -> str:
    """JSON, indented (in one line with 0); NaN and infinities, which JSON has not, as null."""
    import msgspec

    return msgspec.json.format(msgspec.json.encode(value), indent=indent).decode()


def numeric_columns(table: Table) -> list[bool]:
    """Which columns hold numbers, and so stand to the right."""
    return [
        all(isinstance(row[i], int | float) or row[i] is None for row in table.rows)
        and any(row[i] is not None and not isinstance(row[i], bool) for row in table.rows)
        for i in range(len(table.columns))
    ]


def plain(table: Table) -> str:
    """Columns of text, aligned with spaces: a line for the names, a line for each row."""
    lines = [list(table.columns), *([cell(value) for value in row] for row in table.rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    numeric = numeric_columns(table)
    out = []
    for line in lines:
        parts = [
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(line, widths, numeric, strict=True)
        ]
        out.append("  ".join(parts).rstrip() + "\n")
    return "".join(out)


def csv_text(table: Table) -> str:
    """CSV with a header, every digit, nothing for NULL (RFC 4180, but lines end in a line feed)."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows([exact(value) for value in row] for row in table.rows)
    return stream.getvalue()


def markdown(table: Table) -> str:
    """A pipe table (GitHub Flavored Markdown)."""

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cells) + " |\n"

    rule = ["---:" if numeric else "---" for numeric in numeric_columns(table)]
    rows = [[_escaped(cell(value), _MARKDOWN) for value in row] for row in table.rows]
    return line(table.columns) + line(rule) + "".join(line(row) for row in rows)


def latex(table: Table) -> str:
    """A `tabular` with the rules of the package booktabs."""

    def line(cells: Sequence[str]) -> str:
        return " & ".join(_escaped(text, _LATEX) for text in cells) + " \\\\\n"

    layout = "".join("r" if numeric else "l" for numeric in numeric_columns(table))
    rows = "".join(line([cell(value) for value in row]) for row in table.rows)
    head = f"\\begin{{tabular}}{{{layout}}}\n\\toprule\n{line(table.columns)}\\midrule\n"
    return f"{head}{rows}\\bottomrule\n\\end{{tabular}}\n"


_MARKDOWN = {"|": "\\|", "\\": "\\\\", "*": "\\*", "_": "\\_", "`": "\\`", "<": "&lt;", "\n": " "}
_LATEX = {
    "\\": "\\textbackslash{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    "<": "\\textless{}",
    ">": "\\textgreater{}",
    "\n": " ",
}


def _escaped(text: str, signs: Mapping[str, str]) -> str:
    return "".join(signs.get(sign, sign) for sign in text)


CLASSIC_COLUMNS = ("config", "stem", "theo_rf", "eff_rf", "ratio", "height", "width", "channels", "probes_count")


def classic(table: Table) -> str:
    """The layout of the program that this one replaces, byte for byte; needs the columns of `CLASSIC_COLUMNS`."""
    from pipeline.notation import original_label

    rows = table.dicts()
    planes = {f"{row['height']}x{row['width']}x{row['channels']}" for row in rows}
    counts = {row["probes_count"] for row in rows}
    grid = planes.pop() if len(planes) == 1 else "of several sizes"
    probes = counts.pop() if len(counts) == 1 else "several"
    rule = "-" * 50 + "\n"
    lines = [
        "=== Effective receptive-field growth sweep (Luo et al. 2016) ===\n",
        f"Input grid {grid}, {probes} synthetic probes, untrained frozen stems.\n",
        "\n",
        f"{'config':<12} {'theo_RF':>10} {'eff_RF_diam':>14} {'eff/theo':>10}\n",
        rule,
    ]
    for row in rows:
        ratio = MISSING if row["ratio"] is None else f"{row['ratio']:.2f}"
        name = row["config"] if row["config"] != row["stem"] else original_label(row["stem"])
        lines.append(f"{name:<12} {cell(row['theo_rf']):>10} {cell(row['eff_rf']):>14} {ratio:>10}\n")
    return "".join([*lines, rule])


def _json_rows(table: Table) -> str:
    return json_text(table.dicts()) + "\n"


RENDERERS: dict[TableFormat, Callable[[Table], str]] = {
    "plain": plain,
    "classic": classic,
    "csv": csv_text,
    "json": _json_rows,
    "markdown": markdown,
    "latex": latex,
}
