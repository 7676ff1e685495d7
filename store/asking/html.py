"""Tables as HTML that needs no style sheet and no script, and in which no text is taken for markup."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from store.asking.heads import units
from store.asking.shown import shown, visible
from store.asking.table import Table

ROWS_SHOWN = 20
"""Of a table in a notebook."""
_RULE = "border-bottom:1px solid"
_CELL = "padding:0.2em 0.6em"


def html_text(text: str) -> str:
    """One line of text, for an element or an attribute in quotes; what is not ASCII by its number."""
    from html import escape  # its names of characters take as long to load as all that prints tables

    return escape(text).encode("ascii", "xmlcharrefreplace").decode()


def html_lines(heads: Sequence[str], rows: Iterable[Iterable[str]], is_number: Sequence[bool]) -> Iterator[str]:
    """A `table` of these cells, line by line, in ASCII, so that no encoding has to be told; numbers stand to the right.

    heads, and the cells of each row: text of the columns. is_number: which columns hold numbers.
    """
    sides = ["right" if numeric else "left" for numeric in is_number]

    def line(tag: str, cells: Iterable[str], style: str = "") -> str:
        made = (
            f'<{tag} style="{_CELL};text-align:{side}{style}">{html_text(text.strip())}</{tag}>'
            for text, side in zip(cells, sides, strict=True)
        )
        return f"<tr>{''.join(made)}</tr>\n"

    yield '<table style="border-collapse:collapse;font-variant-numeric:tabular-nums">\n<thead>\n'
    yield line("th", heads, f";{_RULE}")
    yield "</thead>\n<tbody>\n"
    for row in rows:
        yield line("td", row)
    yield "</tbody>\n</table>\n"


def html_table(table: Table) -> str:
    """The first rows as a notebook shows them, and how many there are if there are more; numbers have four digits."""
    first = list(islice(iter(table.rows), ROWS_SHOWN))
    columns = list(zip(*first, strict=True)) or [()] * len(table.columns)
    is_number = [all(_is_number(value) for value in column if value is not None) for column in columns]
    heads = [
        f"{visible(name)} [{unit}]" if unit else visible(name)
        for name, unit in zip(table.columns, units(table), strict=True)
    ]
    more = f"<p>... of {len(table.rows):,} rows</p>\n" if len(table.rows) > ROWS_SHOWN else ""
    return "".join(html_lines(heads, (map(shown, row) for row in first), is_number)) + more


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
