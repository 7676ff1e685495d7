"""A user's text in a picture: nothing in it is taken for markup, breaks a line or has no sign in the font."""

from functools import lru_cache
from typing import Any

from cli.render.visible import visible

ELLIPSIS = "…"
PT = 72
"""Points to an inch."""
_WIDTH = 0.64
"""Of a character of DejaVu Sans, on the average of labels, as a share of the size of its letters."""


def shown(text: str, most: int) -> str:
    """The text in at most so many characters, cut in its middle where it is longer.

    What is not printable, and what the font has no sign for, stands there as its escape.
    """
    safe = "".join(each if _has_sign(each) else each.encode("unicode_escape").decode() for each in visible(text))
    if len(safe) <= most:
        return safe
    end = (most - 1) // 2
    return f"{safe[: most - 1 - end]}{ELLIPSIS}{safe[len(safe) - end :]}"


def fitting(inches: float, size: float) -> int:
    """How many characters of so many points fit a width, at least 8."""
    return max(8, int(inches * PT / (size * _WIDTH)))


def all_shown(texts: list[str], most: int) -> list[str]:
    """Texts in at most so many characters, numbered where two that differ are the same when they are cut."""
    cut = [shown(text, most) for text in texts]
    twice = {each for each in cut if cut.count(each) > 1} if len(cut) < 1000 else set(cut)
    number = len(str(len(texts)))
    return [
        f"{i}: {shown(text, max(most - number - 2, 8))}" if short in twice else short
        for i, (text, short) in enumerate(zip(texts, cut, strict=True))
    ]


def axis_name(column: str) -> str:
    """What an axis says that has the values of a column: its name and its unit, `-` where it is a plain quotient.

    >>> axis_name("luo"), axis_name("macs"), axis_name("ratio")
    ('luo [px]', 'macs [count]', 'ratio [-]')
    """
    from store.asking.fields import BY_NAME

    field = BY_NAME[column]
    return f"{column} [{field.unit or ('count' if field.type == 'int' else '-')}]"


@lru_cache(maxsize=4096)
def _has_sign(character: str) -> bool:
    return bool(_font().get_char_index(ord(character)))


@lru_cache(maxsize=1)
def _font() -> Any:
    from matplotlib import font_manager

    return font_manager.get_font(font_manager.findfont("DejaVu Sans"))
