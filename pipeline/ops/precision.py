"""The precision in which numbers are normalised, without NumPy, as costs are counted with it too."""

FEW = 8
"""Up to so many numbers are normalised in float64. A norm takes the mean and the scale out of a gradient, and of two
numbers nothing else is left: float32 would round off what the epsilon lets through."""


def normalised_item(item: int, together: int) -> int:
    """Returns the bytes of a number, 4 or 8, while `together` numbers of `item` bytes are normalised."""
    return 8 if together <= FEW else item
