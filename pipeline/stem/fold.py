"""Padding that repeats pixels of the plane: which pixel each padded position stands for."""

from pipeline.stem.layers import PaddingMode


def folded(mode: PaddingMode, first: int, last: int, size: int) -> list[int]:
    """The pixels that positions `first` to `last` of a line of `size` pixels stand for.

    reflect mirrors without repeating the edge, replicate repeats it, circular wraps around.
    """
    positions = range(first, last + 1)
    if mode == "replicate":
        return [min(max(position, 0), size - 1) for position in positions]
    if mode == "circular":
        return [position % size for position in positions]
    period = max(2 * (size - 1), 1)
    return [min(position % period, period - position % period) if size > 1 else 0 for position in positions]
