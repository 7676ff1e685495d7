"""Files of stems: the notation over as many lines as it likes, with comments."""

import re
from pathlib import Path

from pipeline.errors import InputError, cannot_read, quote
from pipeline.stem.layers import MARK_PATTERN
from pipeline.stem.notation import MAX_CHARACTERS

SUFFIX = ".stem"
_MARK = re.compile(MARK_PATTERN)
_MARK_FIRST = re.compile(rf"\s*(#(?:{MARK_PATTERN}))")
_BRANCH_BEGINS = re.compile(r"(?:\b(?:add|cat|mul)\(|\|)\s{0,100}$")


def read_stem_file(path: Path) -> str:
    """The stem that a file holds, in one line of notation without its comments.

    Raises InputError for a file that cannot be read, is no UTF-8 text, is larger than any stem or holds none, and for a
    line that begins with a mark where a branch begins: it would be a comment.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_CHARACTERS + 1)
        lines = data.decode("utf-8-sig").splitlines()
    except OSError as error:
        raise cannot_read(f"stem file {quote(path)}", error) from None
    except UnicodeDecodeError:
        raise InputError(f"stem file {quote(path)} is not UTF-8 text; save it as text") from None
    if len(data) > MAX_CHARACTERS:
        raise InputError(f"stem file {quote(path)} has more than {MAX_CHARACTERS} bytes; shorten it")
    blocks: list[str] = []
    for number, line in enumerate(lines, 1):
        if (mark := _MARK_FIRST.match(line)) and _is_meant(mark[1], blocks):
            raise InputError(
                f"stem file {quote(path)}, line {number}: {mark[1]} begins a line, and so a comment; put the mark "
                "behind the '(' or '|' on the line before, or write a space behind the # of a comment"
            )
        blocks += without_comment(line).split()
    if not blocks:
        raise InputError(f"stem file {quote(path)} holds no stem; write one such as 7x7/2:64 max3x3/2")
    return " ".join(blocks)


def _is_meant(mark: str, blocks: list[str]) -> bool:
    """Whether a mark at the beginning of a line is likely meant as one: a branch begins there, and it is known."""
    begins = bool(blocks) and _BRANCH_BEGINS.search(blocks[-1][-110:]) is not None
    return begins and any(block.endswith(mark) or f"{mark}|" in block or f"{mark})" in block for block in blocks)


def without_comment(line: str) -> str:
    """A line up to its comment.

    A `#` begins a mark where a name follows it and a layer, a group or `|` stands right before it; white space may
    stand between it and `|`, or the bracket of add, cat or mul, where a branch begins. Any other `#` begins a comment.

    >>> without_comment("3x3#c1 cat(#c1| #c1 up2)  # a comment")
    '3x3#c1 cat(#c1| #c1 up2)  '
    """
    for found in re.finditer("#", line):
        before = line[: found.start()]
        is_glued = bool(before) and not before[-1].isspace() and before[-1] != ","
        if not _MARK.match(line, found.end()) or not (is_glued or _BRANCH_BEGINS.search(before[-110:])):
            return before
    return line
