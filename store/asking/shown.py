"""A value as text for a reader, wherever it is shown: in a terminal, in a document, in a notebook."""

from typing import Any

MISSING = "-"
"""What stands where there is no value."""


def shown(value: Any) -> str:
    """Whole numbers as such, others to four digits, `yes` and `no`, text as `visible` has it, `-` for NULL."""
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e9 else f"{value:.4g}"
    return visible(str(value))


def visible(text: str, keep: str = "") -> str:
    r"""The text with every character that is not printable as its escape: controls, bidirectional marks, odd blanks.

    Those in `keep` stay as they are.

    >>> visible("a\x1b[2J\u202eb\n")
    'a\\x1b[2J\\u202eb\\n'
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each in keep else escape(each) for each in text)


def escape(character: str) -> str:
    r"""A character as its escape in Python.

    >>> escape("\n"), escape("λ")
    ('\\n', '\\u03bb')
    """
    written = character.encode("unicode_escape").decode()
    return written if written != character else f"\\x{ord(character):02x}"
