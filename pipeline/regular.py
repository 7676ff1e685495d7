"""Regular files that users name, opened so that nothing else is waited for or read without end."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from pipeline.errors import InputError, amount, cannot_read, quote

_OPENING = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)


@contextmanager
def regular_file(path: str) -> Iterator[IO[bytes]]:
    """A file, open for reading. Raises InputError where there is none that can be read, a pipe, or a device."""
    try:
        _check(path, os.stat(path))  # noqa: PTH116  # opening some devices does something
        with open(os.open(path, _OPENING), "rb") as stream:  # noqa: PTH123  # a descriptor; a pipe would be waited for
            _check(path, os.fstat(stream.fileno()))  # it may have been replaced meanwhile
            yield stream
    except OSError as error:
        raise cannot_read(quote(path), error) from None
    except ValueError:  # a zero character
        raise InputError(f"{quote(path)} is not a path; check it") from None


def read_regular(path: str, most: int) -> bytes:
    """A file's bytes. Raises InputError as `regular_file` does, and for more than `most` bytes."""
    with regular_file(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        if size > most:
            raise InputError(
                f"{quote(path)} has {amount(size)}, more than the {amount(most)} that are read; make it smaller"
            )
        return stream.read(size)  # and no further, should it be growing


def _check(path: str, known: os.stat_result) -> None:
    if not stat.S_ISREG(known.st_mode):  # a pipe or a device could go on for ever
        raise InputError(f"{quote(path)} is not a regular file; name one")
