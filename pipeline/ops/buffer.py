"""Memory of the kernel: arrays that begin on a cache line, in blocks that each thread takes up again.

Fresh pages of memory cost more than passing over them, and a matrix product whose rows straddle cache lines is up to a
third slower. So blocks stay with the thread that made them, and one is free again when no array refers to
it any more.
"""
# ruff: noqa: PIE796  # places that share memory are aliases of one member

import threading
from enum import Enum
from functools import lru_cache
from math import prod
from sys import getrefcount
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from pipeline.limits import LARGEST_KEPT

Array: TypeAlias = npt.NDArray[np.floating[Any]]
"""An array of the kernel: float32 or float64."""

LINE = 64
SMALL = 2**14
"""Bytes below which NumPy allocates an array itself."""
MAX_KEPT = 4 * LARGEST_KEPT
"""Bytes that a thread keeps at most; memory beyond these goes back to the system."""


class Place(Enum):
    """What an array of scratch memory is for, and so which of them may be alive together.

    Names with different numbers are different memory. Names with one number share it, so that of them only one may be
    alive at a time: asking for it, within a step or in the next one, ends the life of what it held. All steps share all
    places, so that what lies between their arrays is little memory, and stays in the cache; the larger arrays of a step
    have the lower numbers. A result outlives its step, and lies in a place of its own number; see `room`.
    """

    RESULT = -1  # of a step
    KERNEL = -2  # a weight in the order that products read it, one for each phase of the row stride
    BIAS = -3  # by channel
    REORDERED = -5  # fourier: a weight
    SPECTRUM = -6  # fourier: of the weight
    PLANE = -4  # a plane with its padding, or with its pixels apart, for steps that bind others

    UNFOLDED = 0  # unfolded, windowed: columns unfolded, u, or their gradient, du
    TAPS = 0  # folded, winograd, fourier: products before they are summed, z, m and p
    PHASES = 0  # maxpool: columns apart by phase
    POOLED = 0  # maxpool: the gradient with its padding
    MAGNITUDE = 0  # gelu: |z|

    OPERAND = 1  # a copy of the operand: masked, padded, or in lines on cache lines
    HALVES = 1  # winograd: even and odd columns
    LATER = 1  # winograd: the sum that goes one tile on
    ROW_LARGEST = 1  # maxpool: of each row of a window
    INDEX = 1  # maxpool: the pixel that each output came from, as NumPy wants it
    BELL = 1  # gelu: exp(-z^2 / 2)

    PRODUCT = 2  # unfolded, windowed, join, resample: a product that is not yet in its place, or not the last
    TRANSFORMED = 2  # winograd, fourier, thin: the operand, transformed, or with some taps unfolded
    LARGEST = 2  # maxpool: of each window
    PIXEL = 2  # maxpool: the pixel that each output came from
    RECIPROCAL = 2  # gelu

    SUMS = 3  # folded, refold, pool, norm, prelu: what was summed, before it is copied
    TURNED = 3  # fourier: rows and columns exchanged
    MASKED = 3  # passes: a masked array whose lines are too short to mask where they go
    ROW_TAP = 3  # maxpool: the tap of each row's largest
    OFFSET = 3  # maxpool: of a pixel in its line
    SPARE = 3  # gelu

    IS_LARGER = 4  # maxpool, activation
    GRADIENT = 4  # maxpool: masked
    IS_POSITIVE = 4  # gelu

    SHARE = 5  # maxpool: a tap's number where it is the largest
    ROW = 5  # maxpool: of a tap
    TAP = 6  # maxpool: of each window's largest


class _Block(NamedTuple):
    """Memory, where its first cache line starts, and how many bytes it can hold from there on."""

    memory: npt.NDArray[np.uint8]
    start: int
    size: int


class _Blocks(threading.local):
    """The blocks of one thread, and its scratch space by place: that which it keeps, and that which is too large."""

    def __init__(self) -> None:
        self.blocks: list[_Block] = []
        self.scratch: dict[tuple[Place, int], _Block] = {}
        self.large: dict[tuple[Place, int], _Block] = {}
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
        if size <= LARGEST_KEPT:
            self._keep(block)
        return block

    def _keep(self, block: _Block) -> None:
        self.blocks.insert(0, block)
        position = len(self.blocks) - 1
        while sum(block.size for block in self.blocks) > MAX_KEPT and position > 0:
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
    """Returns an array of `shape` [...] and `dtype` with arbitrary content, which begins on a cache line.

    An array of fewer than SMALL bytes is left to NumPy.
    """
    size = prod(shape) * dtype.itemsize
    if size < SMALL:
        return np.empty(shape, dtype)
    return _placed(_mine.take(size), shape, dtype)


def scratch(place: Place, shape: tuple[int, ...], dtype: np.dtype[Any], number: int = 0) -> npt.NDArray[Any]:
    """Returns an array of `shape` [...] and `dtype` with arbitrary content, which begins on a cache line.

    It is valid until this thread asks for the same place again; `number` distinguishes arrays of one place that are
    alive together. Memory that is too large to be kept is shared by the blocks of rows of one step, until `free_large`.
    """
    size = prod(shape) * dtype.itemsize
    key = place, number
    for shelf in (_mine.scratch, _mine.large):
        block = shelf.get(key)
        if block is not None and block.size >= size:
            return _placed(block, shape, dtype)
    eighth = 2 ** max(size.bit_length() - 4, 0)
    block = _block(-(-size // eighth) * eighth)
    if size <= LARGEST_KEPT:
        _mine.scratch[key] = block
        _mine.growth += 1
    else:
        _mine.large[key] = block
    return _placed(block, shape, dtype)


def view(a: Array, start: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> Array:
    """Returns a view of `shape` [...] on a contiguous array, of its dtype: the numbers from `start` on.

    Strides are counted in numbers; what they address may overlap.
    """
    item = a.itemsize
    return np.ndarray(shape, a.dtype, a, start * item, tuple(stride * item for stride in strides))


def free_large() -> bool:
    """Frees this thread's scratch memory that is too large to be kept; returns whether there was any."""
    any_was_large = bool(_mine.large)
    _mine.large.clear()
    return any_was_large


def clear() -> None:
    """Frees all memory that this thread keeps; arrays that are still referred to stay valid."""
    for shelf in (_mine.blocks, _mine.scratch, _mine.large):
        shelf.clear()
    _mine.growth += 1


def growth() -> int:
    """Returns how often this thread's scratch memory has grown: what was bound before keeps smaller blocks alive."""
    return _mine.growth


def room(place: int | None, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Returns an array of `shape` [...] and `dtype` with arbitrary content, for a result in the place of this number.

    Whoever numbers the places sees to it that none is asked for while what lies there is needed. Without a number it is
    an array of its own.
    """
    if place is None:
        return empty(shape, dtype)
    return scratch(Place.RESULT, shape, dtype, place)


_POISON = 0xFF
"""A byte of which NaN consists in both precisions, -1 among integers, and what is no truth value."""

poisoning = False
"""A switch for tests: memory is filled with NaN when it is asked for or released, and a result before each run."""


def release() -> None:
    """Fills this thread's scratch memory with NaN, but for results: no step may read what another left there."""
    for shelf in (_mine.scratch, _mine.large):
        for (place, _), block in shelf.items():
            if place is not Place.RESULT:
                block.memory.fill(_POISON)


def poison(array: npt.NDArray[Any]) -> None:
    """Fills an array [...] of any dtype with NaN, -1, or a byte that is neither True nor False."""
    if array.size and array.dtype != object:
        array.fill(np.frombuffer(bytes([_POISON]) * array.itemsize, array.dtype)[0])


def zeros(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Returns zeros of `shape` [...] and `dtype` to compare with, shared and read-only.

    NumPy's maximum of two arrays is three times as quick as that of an array and a number.
    """
    size = prod(shape)
    return _zeros(max(size - 1, 0).bit_length(), dtype)[:size].reshape(shape)


@lru_cache(maxsize=256)
def scalar(value: float, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Returns a number as a read-only array [()] of `dtype`, without dimensions.

    NumPy converts this form soonest: it takes half the time of a small call.
    """
    array: npt.NDArray[Any] = np.array(value, dtype)
    array.flags.writeable = False
    return array


@lru_cache(maxsize=64)
def _zeros(bits: int, dtype: np.dtype[Any]) -> Array:
    array: Array = np.zeros(2**bits, dtype)
    array.flags.writeable = False
    return array


def _placed(block: _Block, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    array: Array = np.ndarray(shape, dtype, block.memory, block.start)
    if poisoning:
        poison(array)
    return array
