"""Printing the same again and again: in its own place on a terminal, one below the other elsewhere."""

import sys
from typing import Any, Self, TextIO


class Redrawn:
    """Stands in for stdout while it is open, and counts the lines of what is printed, so that it can be taken back."""

    def __init__(self) -> None:
        self._stream: TextIO = sys.stdout
        self._lines = 0

    def __enter__(self) -> Self:
        sys.stdout = self
        return self

    def __exit__(self, *error: object) -> None:
        sys.stdout = self._stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Passes text on."""
        self._lines += text.count("\n")
        return self._stream.write(text)

    def begin(self) -> None:
        """What was printed since the last call makes room for what comes, on a terminal."""
        if self._lines and self._stream.isatty():
            self._stream.write(f"\x1b[{self._lines}A\x1b[J")
        self._lines = 0
