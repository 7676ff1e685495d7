"""Paths of files of sweeps and stems, where a stem or a name could stand as well."""

import re
from pathlib import Path

from pipeline.errors import InputError, quote
from pipeline.sentence import nearest
from pipeline.stem import is_notation
from pipeline.sweep.names import SUFFIXES

_TEXT = ".txt"
"""The notation may stand in it, for `theory`."""
_BEGINNINGS = ("/", "./", "../", "~")
_FOLDER = re.compile(r"([\w.-]+)/(?!\s*[0-9])")
"""The first folder of a path, and its slash; behind the slash of a stride is a number."""
_SIDES = re.compile(r"[0-9][xX][0-9]")
"""Of a kernel, misspelt or not, which makes what stands before a slash a layer."""


def is_file(path: Path) -> bool:
    """Whether a regular file is there; what no file can be called is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def missing_file(text: str) -> InputError | None:
    """The sentence about a path at which there is no regular file; None for a text that may be something else.

    A path ends as files of sweeps and stems do, begins as no stem does, or begins with a folder.
    """
    path = Path(text)
    if is_file(path):
        return None
    if path.suffix.lower() not in (*SUFFIXES, _TEXT) and not text.startswith(_BEGINNINGS) and not _has_folder(text):
        return None
    try:
        if path.is_dir():
            return InputError(f"{quote(text)} is a folder; name a file in it")
        beside = [each.name for each in path.parent.iterdir() if each.suffix.lower() in SUFFIXES and each.is_file()]
    except (OSError, ValueError):  # a folder that may not be read, a name that no file can have
        beside = []
    hint = nearest(path.name, beside) or "; check the path"
    return InputError(f"there is no regular file {quote(text)}{hint}")


def _has_folder(text: str) -> bool:
    """Whether a text begins with a folder rather than with a layer and the slash of its stride."""
    found = _FOLDER.match(text)
    return found is not None and _SIDES.search(found[1]) is None and not is_notation(found[1])
