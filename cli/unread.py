"""stderr whose reader may leave: what nobody reads any more is no reason to stop measuring."""

import io
import os
import sys
from contextlib import suppress


class Unread(io.TextIOWrapper):
    """Text written to a file descriptor; once its reader is gone, or its disk full, to nowhere."""

    def write(self, text: str) -> int:
        """The number of characters, whether somebody reads them or not."""
        with suppress(OSError):
            super().write(text)
        return len(text)

    def flush(self) -> None:
        """Writes out what is buffered, if somebody reads it."""
        with suppress(OSError):
            super().flush()


def make_stderr_unread() -> None:
    """Puts such a stream in the place of stderr."""
    raw = io.FileIO(os.dup(sys.stderr.fileno()), "w")
    sys.stderr = Unread(raw, sys.stderr.encoding, "backslashreplace", line_buffering=True)
