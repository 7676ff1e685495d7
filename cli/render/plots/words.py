"""A user's text in a picture: nothing in it is taken for markup, breaks a line or has no sign in the font."""

from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from cli.render.visible import visible

ELLIPSIS = "…"
PT = 72
"""Points to an inch."""
_LEAST = 4.0
"""Letters that are shown however narrow the room is, as multiples of their size."""


def shown(text: str, most: int) -> str:
    """The text in at most so many characters, cut in its middle where it is longer.

    What is not printable, and what the font has no sign for, stands there as its escape.
    """
    return _cut(_safe(text), lambda cut: len(cut) <= most)


def all_shown(texts: list[str], most: int) -> list[str]:
    """Texts in at most so many characters, numbered where two that differ are the same when they are cut."""
    return _told_apart(
        texts, [shown(text, most) for text in texts], lambda text, sign: sign + shown(text, max(most - len(sign), 8))
    )


def fitted(text: str, inches: float, size: float) -> str:
    """The text as `shown` has it, cut so that letters of `size` points are as wide as the room at most."""
    room = max(inches, _LEAST * size / PT)
    return _cut(_safe(text), lambda cut: width_of(cut, size) <= room)


def all_fitted(texts: list[str], inches: float, size: float) -> list[str]:
    """Texts as `fitted` has them, numbered where two that differ are the same when they are cut."""
    cut = [fitted(text, inches, size) for text in texts]
    return _told_apart(texts, cut, lambda text, sign: sign + fitted(text, inches - width_of(sign, size), size))


def width_of(text: str, size: float) -> float:
    """Inches that a text takes in letters of `size` points."""
    return sum(map(_advance, text)) * size / PT


def _safe(text: str) -> str:
    return "".join(each if _has_sign(each) else each.encode("unicode_escape").decode() for each in visible(text))


def _cut(text: str, fits: Callable[[str], bool]) -> str:
    """The text with as little left out in its middle as fits."""
    if fits(text):
        return text
    none, most = 0, len(text)  # characters of it that fit, and that do not
    while most - none > 1:
        middle = (none + most) // 2
        if fits(_shortened(text, middle)):
            none = middle
        else:
            most = middle
    return _shortened(text, none)


def _shortened(text: str, kept: int) -> str:
    end = kept // 2
    return f"{text[: kept - end]}{ELLIPSIS}{text[len(text) - end :]}"


def _told_apart(texts: list[str], cut: list[str], numbered: Callable[[str, str], str]) -> list[str]:
    several = Counter(cut)
    return [
        numbered(text, f"{i}: ") if several[short] > 1 else short
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


@lru_cache(maxsize=4096)
def _advance(character: str) -> float:
    """How wide a character is, as a multiple of the size of its letters."""
    return float(_font().load_char(ord(character)).linearHoriAdvance) / (1 << 16) / _MEASURED_AT


_MEASURED_AT = 100


@lru_cache(maxsize=1)
def _font() -> Any:
    """A font of its own: those that draw are shared, and have a size that changes."""
    from matplotlib import font_manager
    from matplotlib.ft2font import FT2Font

    font = FT2Font(font_manager.findfont("DejaVu Sans"))
    font.set_size(_MEASURED_AT, PT)
    return font
