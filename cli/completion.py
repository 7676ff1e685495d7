"""Completion in the shell: what bash says of the line that is being written, as the parser of arguments reads it."""

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
