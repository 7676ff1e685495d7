"""A table as a notebook shows it: HTML in which no text of a table is taken for markup."""

from html import escape
from itertools import islice
from typing import Any

from store.asking.table import Table

ROWS_SHOWN = 20


def html_table(table: Table) -> str:
    """The first rows as an HTML table, and how many there are where there are more; numbers have four digits."""
    head = "".join(f"<th>{_text(name)}</th>" for name in table.columns)
    rows = "".join(
        f"<tr>{''.join(_cell(value) for value in row)}</tr>\n" for row in islice(iter(table.rows), ROWS_SHOWN)
    )
    more = f"<p>... of {len(table.rows):,} rows</p>\n" if len(table.rows) > ROWS_SHOWN else ""
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n{more}"


def _cell(value: Any) -> str:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return f'<td style="text-align: {"right" if is_number else "left"}">{_text(value)}</td>'


def _text(value: Any) -> str:
    """A value as text, `-` for NULL; characters that are not printable, such as marks of direction, as escapes."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e9 else f"{value:.4g}"
    shown = (each if each.isprintable() else each.encode("unicode_escape").decode() for each in str(value))
    return escape("".join(shown))
