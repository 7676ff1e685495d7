"""Tables as HTML that needs no style sheet and no script, and in which no text is taken for markup."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, repeat

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


def html_lines(
    heads: Sequence[str],
    rows: Iterable[Iterable[str]],
    is_number: Sequence[bool],
    images: Iterable[str] | None = None,
) -> Iterator[str]:
    """A `table` of these cells, line by line, in ASCII, so that no encoding has to be told; numbers stand to the right.

    heads, and the cells of each row: text of the columns. is_number: which columns hold numbers. images: an element for
    each row, as HTML, in a column of its own before the others.
    """
    sides = ["right" if numeric else "left" for numeric in is_number]

    def line(tag: str, cells: Iterable[str], style: str = "", before: str | None = None) -> str:
        made = (
            f'<{tag} style="{_CELL};text-align:{side}{style}">{html_text(text.strip())}</{tag}>'
            for text, side in zip(cells, sides, strict=True)
        )
        first = "" if before is None else f'<{tag} style="{_CELL}{style}">{before}</{tag}>'
        return f"<tr>{first}{''.join(made)}</tr>\n"

    yield '<table style="border-collapse:collapse;font-variant-numeric:tabular-nums">\n<thead>\n'
    yield line("th", heads, f";{_RULE}", None if images is None else "heatmap")
    yield "</thead>\n<tbody>\n"
    for row, image in zip(rows, repeat(None) if images is None else images, strict=False):
        yield line("td", row, before=image)
    yield "</tbody>\n</table>\n"


def html_table(table: Table, images: Iterable[str] | None = None) -> str:
    """The first rows as a notebook shows them, and how many there are if there are more; numbers have four digits.

    images: as `html_lines` has them.
    """
    first = list(islice(iter(table.rows), ROWS_SHOWN))
    columns = list(zip(*first, strict=True)) or [()] * len(table.columns)
    is_number = [all(_is_number(value) for value in column if value is not None) for column in columns]
    heads = [
        f"{visible(name)} [{unit}]" if unit else visible(name)
        for name, unit in zip(table.columns, units(table), strict=True)
    ]
    more = f"<p>... of {len(table.rows):,} rows</p>\n" if len(table.rows) > ROWS_SHOWN else ""
    return "".join(html_lines(heads, (map(shown, row) for row in first), is_number, images)) + more


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
