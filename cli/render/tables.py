"""Tables in every format: for a terminal, a pipe, the original's layout, CSV, JSON, Markdown and LaTeX.

Each is written line by line, so that a table of any length takes no memory of its own as text.
"""

import csv
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from cli.options import TableFormat
from cli.render.cells import cell, exact, json_text
from cli.render.classic import classic_lines
from cli.render.layout import numeric_columns, widths_of
from cli.render.markup import latex_text, markdown_text
from cli.render.visible import defused, visible
from store.asking.table import Table


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
        for text in RENDERERS[chosen](table):
            sys.stdout.write(text)


def print_one(fields: Mapping[str, Any], format_: TableFormat | None) -> None:
    """Prints one object: as `json` an object, in the other formats a row for each field."""
    if format_ == "json":
        sys.stdout.write(json_text(dict(fields)) + "\n")
    else:
        print_table(Table(("field", "value"), [(name, value) for name, value in fields.items()]), format_)


def plain(table: Table) -> Iterator[str]:
    """Columns of text, aligned with spaces: a line for the names, a line for each row."""
    names = [visible(name) for name in table.columns]
    widths, numeric = widths_of(names, table), numeric_columns(table)

    def line(cells: Iterable[str]) -> str:
        parts = [
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(cells, widths, numeric, strict=True)
        ]
        return "  ".join(parts).rstrip() + "\n"

    yield line(names)
    for row in table.rows:
        yield line(map(cell, row))


class _Echo:
    """A stream that gives back what is written to it, so that a writer of CSV makes lines."""

    def write(self, text: str) -> str:
        """The text itself."""
        return text


def csv_lines(table: Table) -> Iterator[str]:
    """CSV with a header, every digit, nothing for NULL (RFC 4180, but lines end in a line feed)."""
    line = csv.writer(_Echo(), lineterminator="\n").writerow
    yield line(map(defused, table.columns))
    for row in table.rows:
        yield line(map(exact, row))


def markdown(table: Table) -> Iterator[str]:
    """A pipe table (GitHub Flavored Markdown)."""

    def line(cells: Iterable[str]) -> str:
        return "| " + " | ".join(cells) + " |\n"

    yield line(markdown_text(visible(name)) for name in table.columns)
    yield line("---:" if numeric else "---" for numeric in numeric_columns(table))
    for row in table.rows:
        yield line(markdown_text(cell(value)) for value in row)


def latex(table: Table) -> Iterator[str]:
    """A `tabular` with the rules of the package booktabs."""

    def line(cells: Iterable[str]) -> str:
        return " & ".join(map(latex_text, cells)) + " \\\\\n"

    layout = "".join("r" if numeric else "l" for numeric in numeric_columns(table))
    yield f"\\begin{{tabular}}{{{layout}}}\n\\toprule\n{line(map(visible, table.columns))}\\midrule\n"
    for row in table.rows:
        yield line(map(cell, row))
    yield "\\bottomrule\n\\end{tabular}\n"


def json_rows(table: Table) -> Iterator[str]:
    """A JSON array with an object for each row."""
    between = "[\n  "
    for row in table.dicts():
        yield between + json_text(row).replace("\n", "\n  ")  # no text holds a line feed: JSON escapes it
        between = ",\n  "
    yield "\n]\n" if len(table.rows) else "[]\n"


def jsonl(table: Table) -> Iterator[str]:
    """An object for each row in a line of its own (JSON Lines)."""
    return (json_text(row, indent=-1) + "\n" for row in table.dicts())


RENDERERS: dict[TableFormat, Callable[[Table], Iterator[str]]] = {
    "plain": plain,
    "classic": classic_lines,
    "csv": csv_lines,
    "json": json_rows,
    "markdown": markdown,
    "latex": latex,
}

MACHINE_LINES: dict[str, Callable[[Table], Iterator[str]]] = {"csv": csv_lines, "json": json_rows, "jsonl": jsonl}
"""The formats of text that an export writes."""
