"""Damage: values of a store that nothing of ours can have written.

Readers leave their rows out and answer with the others; the command names them and ends with exit code 3.
"""

from collections.abc import Iterator

import msgspec

MOST = 1000
"""Places that are kept to be named; more are only counted."""


class Damage(msgspec.Struct, frozen=True):
    """A damaged value: the table and column that hold it, the key of its row, the config where it is known, and what.

    `what` goes on from "the value ...": "is text instead of a number".
    """

    table: str
    column: str
    row: str
    config: str | None
    what: str

    def __str__(self) -> str:
        of = f" ({self.config})" if self.config else ""
        return f"row {self.row}{of} of table {self.table}, column {self.column}: {self.what}"


class Damages:
    """What readers of a store have met, each place once."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str], Damage] = {}
        self.more = 0

    def tell(self, damage: Damage) -> None:
        """Keeps it, to be named at the end."""
        place = damage.table, damage.column, damage.row
        if place in self._found:
            return
        if len(self._found) < MOST:
            self._found[place] = damage
        else:
            self.more += 1

    def taken(self) -> list[Damage]:
        """What was kept, which is let go of."""
        found = [*self._found.values()]
        self._found.clear()
        return found

    def __iter__(self) -> Iterator[Damage]:
        return iter(self._found.values())

    def __len__(self) -> int:
        return len(self._found) + self.more
