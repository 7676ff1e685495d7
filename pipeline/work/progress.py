"""Who hears how a run goes on."""

from typing import Protocol


class Progress(Protocol):
    """Hears how a run goes on. `say` may be called from any thread, the others by the thread that runs."""

    def begin(self, configs: int, seconds: float) -> None:
        """So many configs are left, which are expected to take so many seconds on one core."""

    def advance(self, done: int, failed: int, seconds: float) -> None:
        """More configs are finished, well or not, of so many expected seconds."""

    def say(self, text: str) -> None:
        """What the user should know meanwhile, a sentence."""


class Silence:
    """A `Progress` that nobody hears."""

    def begin(self, configs: int, seconds: float) -> None:
        """See `Progress.begin`."""

    def advance(self, done: int, failed: int, seconds: float) -> None:
        """See `Progress.advance`."""

    def say(self, text: str) -> None:
        """See `Progress.say`."""
