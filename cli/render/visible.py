"""Text of others, as it may be shown: nothing in it moves a cursor, hides a character or runs in a spreadsheet."""

import re
from functools import lru_cache

from store.asking.shown import visible as visible

_FORMULA = r"\s*[=+\-@＝＋－＠]|[\t\r]"
"""What a spreadsheet takes for a formula, also behind blanks and line feeds, and in full width."""
_NUMBER = r"(?ai)[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?"


def visible_lines(text: str) -> str:
    """The same for text of several lines, whose ends and tabs stay."""
    return visible(text, "\n\t")


def visible_json(text: str) -> str:
    """JSON with its own escapes for what is not printable, which stands within its strings alone.

    The line feeds of its layout stay.
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each == "\n" else _json_escape(each) for each in text)


@lru_cache(maxsize=1024)  # most cells of a column are alike
def defused(text: str) -> str:
    """The text as a cell of a CSV file: behind a quote where a spreadsheet would run it. Numbers stay numbers."""
    shown = visible_lines(text)
    return f"'{shown}" if re.match(_FORMULA, shown) and not re.fullmatch(_NUMBER, shown) else shown


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
