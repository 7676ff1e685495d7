"""An example: a file in `examples/` whose head says what it asks, what one learns, and how it is run and drawn."""

import os
import re
import shlex
from pathlib import Path

import msgspec

FOLDER = Path(__file__).parents[1] / "examples"
ORDER = (
    *("depth", "activations", "growth", "strides", "skips", "kernels"),
    *("classic", "width", "padding", "trained"),
)
"""The examples, as the page has them."""
_COMMAND = re.compile(r"^(?:# \$ )?(erfsweep .*)$", re.MULTILINE)


class Example(msgspec.Struct, frozen=True):
    """An example as its file has it.

    file: its path from the root of the project. title, question: the first line of its head. lessons: the paragraphs
    below it. commands: the lines that run and draw it, as one types them in the root of the project.
    """

    file: str
    title: str
    question: str
    lessons: tuple[str, ...]
    commands: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of its file without the suffix."""
        return Path(self.file).stem

    @property
    def pictures(self) -> tuple[str, ...]:
        """The names of the files that its commands draw."""
        return tuple(words[words.index("-o") + 1] for words in map(shlex.split, self.commands) if words[1] == "plot")


def examples() -> list[Example]:
    """Every example in the order of the page."""
    return [_example(next(FOLDER.glob(f"{name}.[ys][ah]*"))) for name in ORDER]


def words_of(command: str) -> list[str]:
    """The arguments of a command without the program, with the variables of the environment filled in.

    Raises LookupError, whose argument is its name, for a variable that is not set.
    """
    for name in re.findall(r"\$(\w+)", command):
        if name not in os.environ:
            raise LookupError(name)
    program, *words = shlex.split(os.path.expandvars(command))
    if program != "erfsweep":
        raise ValueError(command)
    return words


def _example(path: Path) -> Example:
    text = path.read_text(encoding="utf-8")
    head = "\n".join(line.removeprefix("#").strip() for line in text.splitlines() if re.match(r"#(?! \$)", line))
    first, *paragraphs = [" ".join(each.split()) for each in head.split("\n\n") if each.strip()]
    title, _, question = first.partition(": ")
    return Example(f"examples/{path.name}", title, question, tuple(paragraphs), tuple(_COMMAND.findall(text)))
