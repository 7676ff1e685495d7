"""The arrays of a result as bytes: each a compressed `.npy`, with one checksum over both."""

import io
import zlib
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import StoreError
from pipeline.result import Arrays, checksum

MAX_BYTES = 2**30
_LEVEL = 1  # mantissas hardly compress at any level, the zeros around a window do at the first


def pack(heatmap: npt.NDArray[np.float64], curves: npt.NDArray[np.float64] | None) -> Arrays:
    """A heatmap [height, width] and its curves [4, radii], None for a dead one, as compressed `.npy` bytes."""
    packed = _packed(heatmap), b"" if curves is None else _packed(curves)
    return Arrays(*packed, checksum(*packed))


def unpack_heatmap(arrays: Arrays) -> npt.NDArray[np.float64]:
    """The heatmap, float64 [height, width]. Raises StoreError where its bytes are not what was saved."""
    _check(arrays)
    return _unpacked(arrays.heatmap)


def unpack_curves(arrays: Arrays) -> npt.NDArray[np.float64] | None:
    """The curves, float64 [4, radii], None for a dead config. Raises StoreError where the bytes are not as saved."""
    _check(arrays)
    return _unpacked(arrays.curves) if arrays.curves else None


def _check(arrays: Arrays) -> None:
    if checksum(arrays.heatmap, arrays.curves) != arrays.checksum:
        raise StoreError("a stored heatmap does not match its checksum; restore the database from a backup")


def _packed(array: npt.NDArray[np.float64]) -> bytes:
    return zlib.compress(_header(array.shape) + array.tobytes(), _LEVEL)


@lru_cache(maxsize=256)
def _header(shape: tuple[int, ...]) -> bytes:
    stream = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.getvalue()


def _unpacked(packed: bytes) -> npt.NDArray[np.float64]:
    inflate = zlib.decompressobj()
    try:
        data = inflate.decompress(packed, MAX_BYTES)
        array: npt.NDArray[Any] = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    except (zlib.error, ValueError, EOFError) as error:
        raise StoreError(f"a stored heatmap cannot be read ({error}); restore the database from a backup") from None
    return array.astype(np.float64, copy=False)
