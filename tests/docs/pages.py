"""The pages as their tests read them: blocks of code, and what the comments before a block say about its test.

`<!-- tests skip: REASON -->` the block is not run; REASONS has what may be given.
`<!-- tests need: NAMES -->` it is run where these packages or programs are installed.
`<!-- tests first: NAMES -->` files that a reader has, made by `tests.docs.files`.
`<!-- tests run: COMMANDS -->` these smaller commands, a line each, are run in its place.
"""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FOR_DEVELOPERS = [ROOT / "CONTRIBUTING.md", ROOT / "docs" / "architecture.md", ROOT / "docs" / "layers.md"]
"""Pages whose Python is a part of this project's code, not an example."""
_EXAMPLE = "an example, which runs in tests/test_examples.py"
REASONS = ("installs", "runs make", "needs a cluster", "needs a server", "does not end", _EXAMPLE)
_CLOSE = 0.02
"""Numbers may differ by this share from those on a page, which shows few digits."""
_BLOCK = re.compile(r"^((?:<!-- tests \w+: [^>]*? -->\n)*)```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_SAID = re.compile(r"<!-- tests (\w+): (.*?) -->", re.DOTALL)


class Command(NamedTuple):
    """A line after a prompt, and the lines that the page shows as its output."""

    line: str
    shown: tuple[str, ...]


class Block(NamedTuple):
    """A block of code with what is said about its test."""

    language: str
    text: str
    skip: str = ""
    need: str = ""
    first: str = ""
    run: str = ""

    @property
    def commands(self) -> list[Command]:
        """The commands of a block of the language `console`, or those that are run in their place."""
        if self.run:
            return [Command(line, ()) for line in self.run.splitlines()]
        return [
            Command(said.splitlines()[0], tuple(said.splitlines()[1:]))
            for said in re.split(r"^\$ ", self.text, flags=re.MULTILINE)
            if said
        ]


def blocks(page: Path) -> list[Block]:
    """The blocks of a page in their order."""
    return [
        Block(language, text, **dict(_SAID.findall(said)))
        for said, language, text in _BLOCK.findall(page.read_text(encoding="utf-8"))
    ]


def is_alike(word: str, expected: str) -> bool:
    """Whether a word is the expected one, or both are numbers that differ by the rounding of another BLAS."""
    try:
        return word == expected or abs(float(word) - float(expected)) <= _CLOSE * abs(float(expected))
    except ValueError:
        return False
