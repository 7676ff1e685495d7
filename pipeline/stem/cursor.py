"""A place in a line of notation, and what can be read there."""

import re
from typing import NoReturn

from pipeline.errors import quote
from pipeline.stem.layers import MAX_INTEGER

_SPACE = re.compile(r"\s*")
_INTEGER = re.compile(r"[0-9]+")
_BLOCK = re.compile(r"[^\s()|]*")


class MisreadError(Exception):
    """Text that is not in the notation: what is wrong, and at which offset."""

    def __init__(self, problem: str, at: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.at = at


class Cursor:
    """Reads a text from left to right; `at` is the offset of the next character.

    Every method raises MisreadError where the text is not what it reads.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    @property
    def sign(self) -> str:
        """The next character; empty at the end."""
        return self.text[self.at : self.at + 1]

    def fail(self, problem: str, at: int | None = None) -> NoReturn:
        """Raises MisreadError for a problem at a character, the next one unless another is named."""
        raise MisreadError(problem, self.at if at is None else at)

    def found(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """The match of a pattern at this place, which is read; None where it does not match."""
        match = pattern.match(self.text, self.at)
        if match is not None:
            self.at = match.end()
        return match

    def space(self) -> bool:
        """Skips white space of any kind, and says whether there was some."""
        before = self.at
        self.found(_SPACE)
        return self.at > before

    def integer(self, what: str, least: int) -> int:
        """The integer at this place, of at least `least`; `what` names it in the error."""
        match = self.found(_INTEGER)
        if match is None:
            self.fail(f"expected an integer for {what}")
        return self.number(match[0], match.start(), what, least)

    def number(self, digits: str, at: int, what: str, least: int) -> int:
        """The number that digits stand for, from `least` to MAX_INTEGER; `at` is where they begin."""
        if len(digits) > len(str(MAX_INTEGER)) or not least <= int(digits) <= MAX_INTEGER:
            self.fail(f"{what} must be between {least} and {MAX_INTEGER}, not {digits[:20]}", at)
        return int(digits)

    def unknown(self, what: str, written: str, words: tuple[str, ...], at: int, more: str = "") -> NoReturn:
        """Raises MisreadError for a word that is none of `words`; `what` names them, `more` says what to do instead."""
        start, end = block_at(self.text, at)
        written = written or self.text[at:end]
        named = quote(written) if written else f"behind {quote(self.text[max(at - 1, start) : at])}"
        self.fail(f"there is no {what} {named} (choose from {', '.join(words)}){more and f'; {more}'}", at)


def block_at(text: str, at: int) -> tuple[int, int]:
    """(start, end) of the piece of a stem, between white space, brackets and `|`, in which an offset lies."""
    start = at
    while start > 0 and not text[start - 1].isspace() and text[start - 1] not in "()|":
        start -= 1
    match = _BLOCK.match(text, start)
    return start, match.end() if match else start
