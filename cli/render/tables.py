"""Tables in every format: for a terminal, a pipe, the original's layout, CSV, JSON, Markdown and LaTeX."""

import csv
import io
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from cli.options import TableFormat
from cli.render.cells import cell, exact, json_text
from cli.render.classic import classic_text
from cli.render.markup import latex_text, markdown_text
from cli.render.visible import defused, visible


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


def numeric_columns(table: Table) -> list[bool]:
    """Which columns hold numbers, and so stand to the right."""
    return [
        all(isinstance(row[i], int | float) or row[i] is None for row in table.rows)
        and any(row[i] is not None and not isinstance(row[i], bool) for row in table.rows)
        for i in range(len(table.columns))
    ]


def plain(table: Table) -> str:
    """Columns of text, aligned with spaces: a line for the names, a line for each row."""
    lines = [[*map(visible, table.columns)], *([cell(value) for value in row] for row in table.rows)]
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
    writer.writerow(map(defused, table.columns))
    writer.writerows([exact(value) for value in row] for row in table.rows)
    return stream.getvalue()


def markdown(table: Table) -> str:
    """A pipe table (GitHub Flavored Markdown)."""

    def line(cells: Iterable[str]) -> str:
        return "| " + " | ".join(cells) + " |\n"

    rule = ["---:" if numeric else "---" for numeric in numeric_columns(table)]
    head = line(markdown_text(visible(name)) for name in table.columns)
    return head + line(rule) + "".join(line(markdown_text(cell(value)) for value in row) for row in table.rows)


def latex(table: Table) -> str:
    """A `tabular` with the rules of the package booktabs."""

    def line(cells: Iterable[str]) -> str:
        return " & ".join(map(latex_text, cells)) + " \\\\\n"

    layout = "".join("r" if numeric else "l" for numeric in numeric_columns(table))
    rows = "".join(line([cell(value) for value in row]) for row in table.rows)
    head = f"\\begin{{tabular}}{{{layout}}}\n\\toprule\n{line(map(visible, table.columns))}\\midrule\n"
    return f"{head}{rows}\\bottomrule\n\\end{{tabular}}\n"


def _classic(table: Table) -> str:
    return classic_text(table.dicts())


def _json_rows(table: Table) -> str:
    return json_text(table.dicts()) + "\n"


RENDERERS: dict[TableFormat, Callable[[Table], str]] = {
    "plain": plain,
    "classic": _classic,
    "csv": csv_text,
    "json": _json_rows,
    "markdown": markdown,
    "latex": latex,
}
