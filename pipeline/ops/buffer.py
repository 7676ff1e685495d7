"""Memory of the kernel: arrays that begin on a cache line, in blocks that each thread takes up again.

Fresh pages of memory cost more than passing over them, and a matrix product whose rows straddle cache lines is up to a
third slower. So blocks stay with the thread that made them, and one is free again when no array refers to
it any more.
"""

import threading
from functools import lru_cache
from math import prod
from sys import getrefcount
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.ops.array import Array

LINE = 64
SMALL = 2**14
"""Bytes below which an array is left to NumPy."""
KEPT = 2**26
"""Bytes that a thread keeps at most; larger arrays, and what is beyond, go back to the system."""


class _Block(NamedTuple):
    """Memory, where its first cache line starts, and how many bytes it can hold from there on."""

    memory: npt.NDArray[np.uint8]
    start: int
    size: int


class _Blocks(threading.local):
    """The blocks of one thread, and its scratch space by place: that which it keeps, and that which is too large."""

    def __init__(self) -> None:
        self.blocks: list[_Block] = []
        self.scratch: dict[int | str, _Block] = {}
        self.large: dict[int | str, _Block] = {}
        self.growth = 0

    def take(self, size: int) -> _Block:
        """A block of at least `size` bytes that nothing refers to, the smallest that will do."""
        fit: _Block | None = None
        for block in self.blocks:
            if size <= block.size <= 4 * size and getrefcount(block.memory) == _FREE:
                fit = block if fit is None or block.size < fit.size else fit
        if fit is not None:
            return fit
        block = _block(size)
        if size <= KEPT // 4:
            self._keep(block)
        return block

    def _keep(self, block: _Block) -> None:
        self.blocks.insert(0, block)
        position = len(self.blocks) - 1
        while sum(block.size for block in self.blocks) > KEPT and position > 0:
            if getrefcount(self.blocks[position].memory) == _FREE:
                del self.blocks[position]
            position -= 1


def _block(size: int) -> _Block:
    memory = np.empty(size + LINE, np.uint8)
    return _Block(memory, -memory.__array_interface__["data"][0] % LINE, size)


_probe = _block(1)
_FREE = getrefcount(_probe.memory)
"""What getrefcount says of memory that only its block refers to; it differs between versions of Python."""

_mine = _Blocks()


def empty(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """An array with arbitrary content that begins on a cache line, unless it is too small for that to matter."""
    size = prod(shape) * dtype.itemsize
    if size < SMALL:
        return np.empty(shape, dtype)
    return _placed(_mine.take(size), shape, dtype)


def scratch(place: int | str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """An array with arbitrary content, valid until this thread asks for the same place again.

    Arrays that a step needs at one time have places of their own, the larger ones the lower numbers. All steps share
    these, so that what is between their arrays is little memory, and stays in the cache. What is too large to be kept
    is shared too, by the blocks of rows of one step, until `free_large`.
    """
    size = prod(shape) * dtype.itemsize
    for shelf in (_mine.scratch, _mine.large):
        block = shelf.get(place)
        if block is not None and block.size >= size:
            return _placed(block, shape, dtype)
    eighth = 2 ** max(size.bit_length() - 4, 0)
    block = _block(-(-size // eighth) * eighth)
    if size <= KEPT // 4:
        _mine.scratch[place] = block
        _mine.growth += 1
    else:
        _mine.large[place] = block
    return _placed(block, shape, dtype)


def free_large() -> bool:
    """Lets go of this thread's scratch space that is too large to be kept; whether there was any."""
    any_was_large = bool(_mine.large)
    _mine.large.clear()
    return any_was_large


def growth() -> int:
    """How often this thread's scratch space has grown; what was bound to it before keeps smaller blocks alive."""
    return _mine.growth


def room(slot: str | None, given: Array, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """An array to be made of `given`: without a slot one of its own, else that one of the slot's two that is not given.

    What a slot holds is valid until the next but one is made there.
    """
    if slot is None:
        return empty(shape, dtype)
    for side in (f"{slot} 0", f"{slot} 1"):
        blocks = [shelf[side] for shelf in (_mine.scratch, _mine.large) if side in shelf]
        if not any(np.may_share_memory(block.memory, given) for block in blocks):
            break
    return scratch(side, shape, dtype)


def zeros(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Zeros to compare with, shared and not to be written: NumPy's maximum with an array is three times as quick."""
    size = prod(shape)
    return _zeros(max(size - 1, 0).bit_length(), dtype)[:size].reshape(shape)


@lru_cache(maxsize=256)
def scalar(value: float, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """A number in the form that NumPy takes soonest, an array without dimensions: half the time of a small call."""
    made: npt.NDArray[Any] = np.array(value, dtype)
    made.flags.writeable = False
    return made


@lru_cache(maxsize=64)
def _zeros(bits: int, dtype: np.dtype[Any]) -> Array:
    made: Array = np.zeros(2**bits, dtype)
    made.flags.writeable = False
    return made


def _placed(block: _Block, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    return np.ndarray(shape, dtype, block.memory, block.start)
