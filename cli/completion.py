"""Completion in the shell: what bash says of the line that is being written, and the names that options take."""

import os
from contextlib import suppress

INSTRUCTION = "_ERFSWEEP_COMPLETE"
"""The variable by which a shell asks for completions (`complete_bash`) or for its script (`source_bash`)."""


def mend_words() -> None:
    """Takes the equals signs out of the words of bash, so that `--format=c` is completed as `--format c` is.

    Bash breaks words at `=`, and gives `--format`, `=` and `c` in COMP_WORDS with the place of the last in COMP_CWORD.
    """
    if os.environ.get(INSTRUCTION) != "complete_bash":
        return
    line = os.environ.get("COMP_WORDS", "")
    separator = "\n" if "\n" in line else " "  # the script of Typer joins the words with line feeds
    words = line.split(separator)
    place = len(words)
    with suppress(ValueError):
        place = int(os.environ.get("COMP_CWORD", ""))
    os.environ["COMP_WORDS"] = separator.join(word for word in words if word != "=")
    os.environ["COMP_CWORD"] = str(place - words[:place].count("="))


def columns(incomplete: str) -> list[str]:
    """Names between commas, as `--columns` takes them, that the last of them may become."""
    from store.asking.fields import ALL
    from store.database.fields import FIELDS, GROUPS

    return _after_comma(incomplete, [*(each.name for each in FIELDS), *GROUPS, ALL])


def sorting(incomplete: str) -> list[str]:
    """The same for `--sort`, where a dash may stand before a name."""
    from store.database.fields import FIELDS

    dash = "-" if incomplete.rpartition(",")[2].startswith("-") else ""
    return _after_comma(incomplete, [f"{dash}{each.name}" for each in FIELDS])


def sizes(incomplete: str) -> list[str]:
    """The sizes that a name may become."""
    from store.asking.selection import SIZES

    return sorted(name for name in SIZES if name.startswith(incomplete))


def axes(incomplete: str) -> list[str]:
    """The axes of a config that a name may become."""
    from pipeline.config import AXIS_PATHS
    from pipeline.sweep.grid import PATHS, STACK_AXES

    return [name for name in (*STACK_AXES, *AXIS_PATHS, *PATHS) if name.startswith(incomplete)]


def _after_comma(incomplete: str, names: list[str]) -> list[str]:
    before, comma, last = incomplete.rpartition(",")
    written = before.split(",")
    return [f"{before}{comma}{name}" for name in names if name.startswith(last) and name not in written]
