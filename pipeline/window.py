"""The window of a unit: which input pixels it could see, as unclipped intervals (design of the theory, exact)."""

import msgspec


class Window(msgspec.Struct, frozen=True):
    """Inclusive, unclipped bounds on the input plane, in pixels; they may leave it."""

    top: int
    bottom: int
    left: int
    right: int
    misaligned: bool = False
    is_global: bool = False

    @property
    def height(self) -> int:
        """The theoretical receptive field along y."""
        return self.bottom - self.top + 1

    @property
    def width(self) -> int:
        """The theoretical receptive field along x."""
        return self.right - self.left + 1

    @property
    def center(self) -> tuple[float, float]:
        """(y, x) of the unit's own centre; between two pixels where the window is even."""
        return (self.top + self.bottom) / 2, (self.left + self.right) / 2
