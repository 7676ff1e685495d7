"""Writing a file: whole or not at all."""

import os
import tempfile
from pathlib import Path

from pipeline.errors import InputError, quote


def write_bytes(path: Path, data: bytes) -> None:
    """Writes a file beside its place and moves it there, so that no reader sees half of it.

    Raises InputError where it cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
            Path(name).chmod(_permissions(0o666))
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(f"cannot write {quote(path)}: {error.strerror}; choose another place") from None


def _permissions(mode: int) -> int:
    """The mode that a file made with `mode` has for this user."""
    mask = os.umask(0)
    os.umask(mask)
    return mode & ~mask
