"""Writing files: whole or not at all."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from pipeline.errors import InputError, quote


def made_directory(path: Path) -> None:
    """Makes a directory and its parents. Raises InputError where that cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the directory {quote(path)}: {error.strerror}; choose another --to") from None


def write_bytes(path: Path, data: bytes) -> None:
    """Writes a file beside its place and moves it there, so that no reader sees half of it.

    Raises InputError where it cannot be written.
    """
    _write(path, (data,))


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """The same for lines of text, in UTF-8, which are made as they are written."""
    _write(path, (line.encode() for line in lines))


def _write(path: Path, parts: Iterable[bytes]) -> None:
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.writelines(parts)
            Path(name).chmod(permissions(0o666))
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(f"cannot write {quote(path)}: {error.strerror}; choose another place") from None


def permissions(mode: int) -> int:
    """The mode that a file made with `mode` has for this user."""
    mask = os.umask(0)
    os.umask(mask)
    return mode & ~mask
