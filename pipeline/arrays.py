"""The arrays of a result as bytes: each a compressed `.npy`, with one checksum over both."""

import io
import zlib
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import StoreError, amount
from pipeline.limits import MAX_ARRAY
from pipeline.result import Arrays, checksum

_LEVEL = 1  # mantissas hardly compress at any level, the zeros around a window do at the first
_PREFIX = 10  # bytes of an `.npy` of version 1.0 that end in the length of its header, in two bytes
_HEADER = 2**10  # at most, of such a header
_CURVES = 4
_BLOCK = 2**15
_START, _END = b"\x78\x01", b"\x03\x00"  # of a stream of zlib: its kind, and a last piece that holds nothing
_ADLER = 65521


def pack(
    heatmap: npt.NDArray[np.float64],
    curves: npt.NDArray[np.float64] | None,
    corner: tuple[int, int] = (0, 0),
    plane: tuple[int, ...] | None = None,
) -> Arrays:
    """A heatmap and its curves as compressed `.npy` bytes.

    heatmap: float64 [height, width]. curves: float64 [4, radii], None for a dead heatmap.

    The heatmap is the whole plane, or the part of it that begins at `corner`, outside which it is zero.
    """
    packed = _packed(heatmap, corner, plane or heatmap.shape), b"" if curves is None else _packed(curves)
    return Arrays(*packed, checksum(*packed))


def unpack_heatmap(arrays: Arrays, plane: tuple[int, int]) -> npt.NDArray[np.float64]:
    """The heatmap of a config on a plane (height, width), float64 [height, width], read-only.

    Raises StoreError where its bytes are not what was saved, or not a heatmap of that plane: nothing is unpacked then.
    """
    _check(arrays)
    return _unpacked(arrays.heatmap, plane, plane)


def unpack_curves(arrays: Arrays, radii: int) -> npt.NDArray[np.float64] | None:
    """The curves, float64 [4, at most radii], read-only, None for a dead config. Raises StoreError as `unpack_heatmap`.

    `pipeline.sizes.curves.radius_count` says how many there can be.
    """
    _check(arrays)
    return _unpacked(arrays.curves, (_CURVES, 1), (_CURVES, radii)) if arrays.curves else None


def _check(arrays: Arrays) -> None:
    if checksum(arrays.heatmap, arrays.curves) != arrays.checksum:
        raise StoreError("a stored heatmap does not match its checksum; restore the database from a backup")


def _packed(
    part: npt.NDArray[np.float64], corner: tuple[int, int] = (0, 0), shape: tuple[int, ...] | None = None
) -> bytes:
    """An array of the shape, zero but for the part, as one stream of zlib (RFC 1950).

    Most zeros before and after the part's rows are blocks that were compressed once for all. Each piece of the stream
    ends on a whole byte and looks back at nothing before it, so pieces stand behind one another as they are.
    """
    (height, width), (top, left) = shape or part.shape, corner
    line = width * part.itemsize
    lines = part
    if part.shape[1] < width:
        lines = np.zeros((len(part), width))
        lines[:, left : left + part.shape[1]] = part
    above, before = divmod(top * line, _BLOCK)
    below, after = divmod((height - top - len(part)) * line, _BLOCK)
    header, check = _header((height, width))
    body = b"".join((bytes(before), lines.tobytes(), bytes(after)))
    check = _check_after_zeros(below * _BLOCK, zlib.adler32(body, _check_after_zeros(above * _BLOCK, check)))
    zeros = _block_of_zeros()
    return b"".join((_START, header, zeros * above, _piece(body), zeros * below, _END, check.to_bytes(4, "big")))


def _piece(data: bytes) -> bytes:
    deflate = zlib.compressobj(_LEVEL, wbits=-zlib.MAX_WBITS)
    return deflate.compress(data) + deflate.flush(zlib.Z_FULL_FLUSH)


@lru_cache(maxsize=1)
def _block_of_zeros() -> bytes:
    return _piece(bytes(_BLOCK))


def _check_after_zeros(count: int, check: int) -> int:
    """Adler-32 of so many zeros behind what has this one: its first sum stays, and goes into the second each time."""
    first, second = check & 0xFFFF, check >> 16
    return (second + count * first) % _ADLER << 16 | first


@lru_cache(maxsize=256)
def _header(shape: tuple[int, ...]) -> tuple[bytes, int]:
    """(its piece, its check)."""
    stream = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)
    return _piece(stream.getvalue()), zlib.adler32(stream.getvalue())


@lru_cache(maxsize=256)
def _read_header(header: bytes) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """(shape, whether columns come first, dtype) of an `.npy` of version 1.0; most of a sweep's are alike."""
    stream = io.BytesIO(header)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError("it is an .npy of another version")
    return np.lib.format.read_array_header_1_0(stream)


def _unpacked(packed: bytes, least: tuple[int, int], most: tuple[int, int]) -> npt.NDArray[np.float64]:
    """The array of a packed `.npy`, whose sides are at least and at most these.

    Its header is read before the rest, so that no more is ever unpacked than an array of these sides takes.
    """
    try:
        inflate = zlib.decompressobj()
        prefix = inflate.decompress(packed, _PREFIX)
        length = int.from_bytes(prefix[-2:], "little")
        header = inflate.decompress(inflate.unconsumed_tail, length) if 0 < length <= _HEADER else b""
        shape, by_columns, dtype = _read_header(prefix + header)
        if by_columns or dtype != np.dtype("<f8") or len(shape) != 2:
            raise ValueError(f"it holds {dtype} of shape {shape}")
        if not all(low <= side <= high for side, low, high in zip(shape, least, most, strict=True)):
            raise ValueError(f"it holds {shape[0]}x{shape[1]} numbers instead of {most[0]}x{most[1]}")
        size = shape[0] * shape[1] * dtype.itemsize
        if size > MAX_ARRAY:
            raise ValueError(f"it holds {amount(size)}, and at most {amount(MAX_ARRAY)} are read")
        data = inflate.decompress(inflate.unconsumed_tail, size + 1)  # the last byte is of what should not be there
        if len(data) != size or not inflate.eof:
            raise ValueError("its data are longer or shorter than its header says")
    except (zlib.error, ValueError, EOFError, SyntaxError, TypeError) as error:
        raise StoreError(f"a stored array cannot be read ({error}); restore the database from a backup") from None
    return np.frombuffer(data, "<f8").reshape(shape)
