"""Files of probes (.npy) and of weights (.npz): read without pickle, sizes checked before memory is taken."""

import hashlib
import io
import lzma
import struct
import tokenize
import zipfile
import zlib
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from pipeline.config import Init, Probes
from pipeline.draws.folder import holds_images, image_paths, pack
from pipeline.errors import InputError, amount, quote
from pipeline.limits import MAX_ARRAY
from pipeline.regular import read_regular
from pipeline.stem import Plane

_MOST_CHANNELS = 4
"""Of an image: a first side that is no larger may be meant as its channels."""

_DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, ValueError, EOFError, OSError)
"""What reading a damaged or hostile file raises."""

_shipped: dict[str, bytes] = {}
"""Content by sha256 that came with the graph: workers on other machines have no files."""


def ship(contents: dict[str, bytes]) -> None:
    """Makes file contents available in this process under their sha256."""
    _shipped.update(contents)


def read_content(path: str) -> bytes:
    """A file's bytes, or the images of a folder packed into one archive.

    Raises InputError where it is neither and can be read, or holds more than 1 GiB.
    """
    if holds_images(path):
        return pack(path)
    return read_regular(path, MAX_ARRAY)


def sha256_of(path: str) -> str:
    """The sha256 of a file's content, in hexadecimal. Raises InputError as `read_content` does."""
    try:
        paths = _paths(path)
        known = [each.stat() for each in paths]
    except (OSError, ValueError):
        return hashlib.sha256(read_content(path)).hexdigest()
    return _sha256(path, tuple((each.st_ino, each.st_size, each.st_mtime_ns) for each in known), *map(str, paths))


@lru_cache(maxsize=64)  # the configs of a sweep share their files
def _sha256(path: str, marks: tuple[tuple[int, int, int], ...], *names: str) -> str:
    return hashlib.sha256(read_content(path)).hexdigest()


def _paths(path: str) -> list[Path]:
    """The files that make up the content of a path. Raises InputError for a folder that holds too many images."""
    return image_paths(path) if holds_images(path) else [Path(path)]


@lru_cache(maxsize=64)  # the configs of a sweep share their files
def content_size(path: str, sha256: str | None) -> int:
    """Bytes of a file's content, or of the images of a folder; 0 where there is none, of which reading it tells."""
    if sha256 in _shipped:
        return len(_shipped[sha256])
    try:
        return sum(each.stat().st_size for each in _paths(path))
    except (OSError, ValueError, InputError):
        return 0


def content(path: str | None, sha256: str | None) -> bytes:
    """The content that a config was digested with, from the graph or from its path.

    Raises InputError where the file has changed since.
    """
    if sha256 in _shipped:
        return _shipped[sha256]
    try:
        data = read_content(path or "")
    except InputError as error:
        if sha256 is None:
            raise
        raise InputError(f"{error}, or run the sweep again with the new path of the file") from None
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
        raise InputError(f"{quote(path)} has changed since its config was queued; queue a config for the new content")
    return data


def _header(stream: IO[bytes], what: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, Fortran order and dtype that an .npy stream declares; leaves the stream at the data."""
    try:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(stream)
    except (*_DAMAGE, tokenize.TokenError, SyntaxError, RecursionError, MemoryError, TypeError) as error:
        raise InputError(f"{what} is not an .npy array ({_damage(error)}); write it with numpy.save") from None

    if dtype.kind not in "fiu" or dtype.hasobject:
        raise InputError(f"{what} holds {quote(dtype)}, but real numbers are needed; convert it to float32")
    if any(side < 0 for side in shape) or _size(shape) * max(dtype.itemsize, _made_of(dtype).itemsize) > MAX_ARRAY:
        raise InputError(
            f"{what} declares shape {quote(shape)}, which needs more than {amount(MAX_ARRAY)}; make it smaller"
        )
    return shape, fortran, dtype


def _damage(error: Exception) -> str:
    """What is wrong with a header, without NumPy's words for a file that has none."""
    problem = str(error).partition("\n")[0][:100]
    return "it does not begin as one" if "magic string" in problem else problem


def _made_of(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """float32 where it holds as many bytes as what is stored, else float64."""
    return np.dtype(np.float64 if dtype.itemsize > 4 else np.float32)


def _size(shape: tuple[int, ...]) -> int:
    size = 1  # Python's integers: a declared product must not wrap around
    for side in shape:
        size *= side
    return size


def _array(stream: IO[bytes], what: str) -> npt.NDArray[Any]:
    shape, fortran, dtype = _header(stream, what)
    needed = _size(shape) * dtype.itemsize
    data = stream.read(needed)
    if len(data) != needed:
        raise InputError(f"{what} ends after {len(data)} of the {needed} bytes it declares; write it again")
    array = np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")
    if not np.isfinite(array).all():
        raise InputError(f"{what} holds a NaN or an infinity; replace it")
    return array.astype(_made_of(dtype))


def check_range(array: npt.NDArray[Any], dtype: str, what: str) -> None:
    """Raises InputError where an array, float32 or float64 [...], holds numbers that overflow in `dtype`."""
    if array.dtype.itemsize > np.dtype(dtype).itemsize:
        largest = float(np.abs(array).max(initial=0.0))
        if largest > float(np.finfo(dtype).max):
            raise InputError(f"{what} holds {largest:.3g}, beyond {dtype}; scale it down, or set dtype to float64")


@lru_cache(maxsize=64)  # the configs of a sweep share their files
def probe_shape(path: str, sha256: str, dtype: str) -> tuple[int, ...]:
    """The shape of a file of probes, after its content was looked through.

    Raises InputError where it is no array of real and finite numbers within the range of the dtype.
    """
    with io.BytesIO(content(path, sha256)) as stream:
        array = _array(stream, quote(path))
    check_range(array, dtype, quote(path))
    return array.shape


@lru_cache(maxsize=2)
def probe_file(probes: Probes, plane: Plane) -> npt.NDArray[Any]:
    """The probes of a file: [n, height, width, channels], float32 or float64 as stored.

    Raises InputError where the file is no such array or does not match the input plane and the count.
    """
    with io.BytesIO(content(probes.path, probes.sha256)) as stream:
        array = _array(stream, quote(probes.path))
    check_probe_shape(array.shape, probes, plane)
    return array


def check_probe_shape(shape: tuple[int, ...], probes: Probes, plane: Plane) -> None:
    """Raises InputError unless a file of probes fits the input plane and holds as many as are asked for."""
    expected = (plane.height, plane.width, plane.channels)
    if len(shape) != 4 or shape[1:] != expected or shape[0] < 1:
        needed = f"[n, {plane.height}, {plane.width}, {plane.channels}]"
        raise InputError(
            f"{quote(probes.path)} has shape {list(shape)}, the input plane needs {needed}{_fit(shape, plane)}"
        )
    if shape[0] < probes.count:
        raise InputError(f"{quote(probes.path)} holds {shape[0]} probes, fewer than probes.count {probes.count}")


def _fit(shape: tuple[int, ...], plane: Plane) -> str:
    """How an array of another shape can be made to fit the plane, or the plane the array."""
    expected = (plane.height, plane.width, plane.channels)
    if shape == expected:
        return "; put an axis of 1 in front for a single probe"
    if len(shape) != 4 or shape[0] < 1:
        return " (probes, height, width, channels)"
    if (*shape[2:], shape[1]) == expected:
        return "; its channels come first, as PyTorch's do: transpose it by 0, 2, 3, 1"
    height, width, channels = shape[1:]
    if height < min(width, channels) and height <= _MOST_CHANNELS:
        return f"; if its channels come first, transpose it by 0, 2, 3, 1 and set input to {width}x{channels}x{height}"
    return f"; set input to {height}x{width}x{channels}, or cut the probes"


@lru_cache(maxsize=2)
def weight_file(init: Init) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a file of weights by name, float32 or float64 [...] as stored.

    Raises InputError where it is no .npz, or declares more than 1 GiB.
    """
    data = content(init.path, init.sha256)
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (*_DAMAGE, NotImplementedError):
        raise InputError(f"{quote(init.path)} is not an .npz archive; write it with numpy.savez") from None
    with archive:
        members = archive.infolist()
        declared = sum(member.file_size for member in members)
        if declared > MAX_ARRAY:
            raise InputError(
                f"{quote(init.path)} unpacks to {amount(declared)}, more than {amount(MAX_ARRAY)}; make it smaller"
            )
        arrays = {}
        for member in members:
            name = member.filename.removesuffix(".npy")
            if name in arrays:
                raise InputError(f"{quote(init.path)} holds {quote(name)} twice; write it again")
            try:
                with archive.open(member) as stream:
                    arrays[name] = _array(stream, f"{quote(name)} in {quote(init.path)}")
            except (*_DAMAGE, NotImplementedError, RuntimeError) as error:
                what = f"{quote(name)} in {quote(init.path)}"
                raise InputError(f"{what} cannot be unpacked ({error}); write it again") from None
    return arrays
