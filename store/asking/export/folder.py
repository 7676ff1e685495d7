"""The folder of an export: written whole or not at all, in place of the last export there."""

import hashlib
import io
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, TypeAlias

import msgspec

from pipeline.errors import InputError, quote
from store.asking.export.manifest import NAME, File, Manifest, manifest_lines, read_manifest
from store.asking.export.names import is_ours
from store.asking.export.staging import staged
from store.asking.packed import PackedRows

Contents: TypeAlias = tuple[str, Callable[[IO[bytes]], object]]
"""The name of a file, and what writes its bytes to a stream."""


class _Hashed(io.BufferedIOBase):
    """A file that is written from its beginning to its end, with its size and its sha256."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._sha256 = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.size

    def write(self, data: Any) -> int:
        """Appends bytes."""
        count = self._stream.write(data)
        self._sha256.update(data)
        self.size += count
        return count

    @property
    def sha256(self) -> str:
        """Of all that was written, in hexadecimal."""
        return self._sha256.hexdigest()


def write_folder(folder: Path, files: Iterable[Contents], manifest: Manifest, *, force: bool = False) -> int:
    """Writes files and their manifest into a folder, and removes what the manifest there lists; how many files.

    All of them are written beside their places first, so that nothing changes where one cannot be made or written.
    Raises InputError where the folder cannot be written, and where a file that its manifest does not list has the name
    of one that is written; with `force` that file is replaced, too.
    """
    written = PackedRows()
    try:
        is_new = not folder.exists()
        beside = folder.parent if is_new else folder
        beside.mkdir(parents=True, exist_ok=True)
        with staged(beside) as staging:
            for name, write in files:
                written.append(_write(staging, name, write))
            if is_new:
                _write_manifest(staging, manifest, written)
                staging.rename(folder)
            else:
                _replace(folder, staging, manifest, written, force=force)
    except OSError as error:
        raise _unwritable(folder, error) from None
    return len(written)


def _write(folder: Path, name: str, write: Callable[[IO[bytes]], object]) -> tuple[str, int, str]:
    """(name, size, sha256) of a file that was written."""
    with open(os.path.join(folder, name), "xb") as file:  # noqa: PTH118, PTH123  # a Path takes as long as its file
        hashed = _Hashed(file)
        write(hashed)  # type: ignore[arg-type]  # a stream of bytes in all but its declared base
        return name, hashed.size, hashed.sha256


def _replace(folder: Path, staging: Path, manifest: Manifest, written: PackedRows, *, force: bool) -> None:
    before = read_manifest(folder)
    listed = {file.name: file for file in before.files if is_ours(file.name)} if before else {}
    names = {name for name, _, _ in written}
    _refuse_others(folder, (names | {NAME}) - listed.keys(), allowed={NAME} if before else set(), force=force)
    gone = [file for name, file in listed.items() if name not in names]
    unfinished = msgspec.structs.replace(manifest, complete=False)
    _write_manifest(staging, unfinished, written, gone)
    (staging / NAME).replace(folder / NAME)
    for file in gone:
        (folder / file.name).unlink(missing_ok=True)
    for name in names:
        (staging / name).replace(folder / name)
    _write_manifest(staging, manifest, written)
    (staging / NAME).replace(folder / NAME)


def _refuse_others(folder: Path, names: set[str], *, allowed: set[str], force: bool) -> None:
    """Raises InputError for what is there under a name of a new file and not of the last export."""
    for name in sorted(names - allowed):
        place = folder / name
        if place.is_dir() or (not force and os.path.lexists(place)):
            way = "choose another --to" if place.is_dir() else "choose another --to, or add --force"
            raise InputError(f"{quote(folder)} holds {quote(name)}, which no {NAME} there lists; {way}")


def _write_manifest(folder: Path, manifest: Manifest, written: PackedRows, more: Iterable[File] = ()) -> None:
    def files() -> Iterator[File]:
        yield from (File(*row) for row in written)
        yield from more

    with (folder / NAME).open("wb") as stream:
        stream.writelines(manifest_lines(manifest, files()))


def _unwritable(folder: Path, error: OSError) -> InputError:
    return InputError(f"cannot write into {quote(folder)}: {error.strerror or error}; choose another --to")
