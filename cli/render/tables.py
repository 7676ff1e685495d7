"""Tables in every format: for a terminal, a pipe, the original's layout, CSV, TSV, JSON, Markdown, LaTeX and HTML.

Each is written line by line, so that a table of any length takes no memory of its own as text.
"""

import csv
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from cli.options import MACHINE_FORMATS, TableFormat
from cli.render.cells import exact, json_text
from cli.render.classic import classic_lines
from cli.render.layout import layout_of
from cli.render.markup import latex_text, markdown_text
from cli.render.spreads import merged
from cli.render.visible import defused
from store.asking.html import html_lines
from store.asking.table import Table


def default_format() -> TableFormat:
    """`table` on a terminal, `plain` in a pipe."""
    return "table" if sys.stdout.isatty() else "plain"


def print_table(table: Table, format_: TableFormat | None, spare: Sequence[str] = ()) -> None:
    """Prints a table to stdout; for a reader, with each spread in one cell.

    A terminal that is too narrow may go without the columns of the fields `spare`.
    """
    chosen = format_ or default_format()
    if chosen == "table":
        from cli.render.terminal import print_pretty

        print_pretty(table, spare)
        return
    for text in RENDERERS[chosen](table if chosen in MACHINE_FORMATS else merged(table)):
        sys.stdout.write(text)


def print_one(fields: Mapping[str, Any], format_: TableFormat | None) -> None:
    """Prints one object: as `json` and `jsonl` an object, in the other formats a row for each field."""
    if format_ in ("json", "jsonl"):
        sys.stdout.write(json_text(dict(fields), indent=2 if format_ == "json" else -1) + "\n")
    else:
        print_table(Table(("field", "value"), [(name, value) for name, value in fields.items()]), format_)


def plain(table: Table) -> Iterator[str]:
    """Columns of text, aligned with spaces: a line for the names, a line for each row."""
    layout = layout_of(table)
    widths = layout.widths(layout.heads)

    def line(cells: Iterable[str]) -> str:
        parts = [
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(cells, widths, layout.is_number, strict=True)
        ]
        return "  ".join(parts).rstrip() + "\n"

    yield line(layout.heads)
    yield from map(line, layout.rows())


class _Echo:
    """A stream that gives back what is written to it, so that a writer of CSV makes lines."""

    def write(self, text: str) -> str:
        """The text itself."""
        return text


def csv_lines(table: Table) -> Iterator[str]:
    """CSV with a header, every digit, nothing for NULL (RFC 4180, but lines end in a line feed)."""
    return _separated(table, ",")


def tsv_lines(table: Table) -> Iterator[str]:
    """The same with tabs between the cells; one that holds a tab or a line feed stands in quotes."""
    return _separated(table, "\t")


def _separated(table: Table, sign: str) -> Iterator[str]:
    line = csv.writer(_Echo(), delimiter=sign, lineterminator="\n").writerow
    yield line(map(defused, table.columns))
    for row in table.rows:
        yield line(map(exact, row))


def markdown(table: Table) -> Iterator[str]:
    """A pipe table (GitHub Flavored Markdown)."""
    layout = layout_of(table)

    def line(cells: Iterable[str]) -> str:
        return "| " + " | ".join(cells) + " |\n"

    yield line(map(markdown_text, layout.heads))
    yield line("---:" if numeric else "---" for numeric in layout.is_number)
    for row in layout.rows():
        yield line(map(markdown_text, row))


def latex(table: Table) -> Iterator[str]:
    """A `tabular` with the rules of the package booktabs."""
    layout = layout_of(table)

    def line(cells: Iterable[str]) -> str:
        return " & ".join(latex_text(cell.strip()) for cell in cells) + " \\\\\n"

    columns = "".join("r" if numeric else "l" for numeric in layout.is_number)
    yield f"\\begin{{tabular}}{{{columns}}}\n\\toprule\n{line(layout.heads)}\\midrule\n"
    yield from map(line, layout.rows())
    yield "\\bottomrule\n\\end{tabular}\n"


def html(table: Table, images: Iterable[str] | None = None) -> Iterator[str]:
    """A `table` that needs no style sheet and no script; `images` are as `html_lines` has them."""
    layout = layout_of(table)
    return html_lines(layout.heads, layout.rows(), layout.is_number, images)


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
    "tsv": tsv_lines,
    "json": json_rows,
    "jsonl": jsonl,
    "markdown": markdown,
    "latex": latex,
    "html": html,
}

MACHINE_LINES: dict[str, Callable[[Table], Iterator[str]]] = {"csv": csv_lines, "json": json_rows, "jsonl": jsonl}
"""The formats of text that an export writes."""
