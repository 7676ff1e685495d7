"""A box of pixels on a plane: half-open rows and columns."""

import msgspec


class Box(msgspec.Struct, frozen=True):
    """Rows `top` to `bottom` and columns `left` to `right`, the ends not included."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def height(self) -> int:
        """Number of rows."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.right - self.left
