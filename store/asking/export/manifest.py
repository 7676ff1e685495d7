"""The manifest of an export: what its files were made of, and which files they are."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from pipeline.errors import InputError, quote
from store.asking.choices import CenterName, MapName
from store.database.types import Kind

NAME = "manifest.json"
_MAX_BYTES = 2**30
"""Of a manifest that is read: those of a million files are shorter."""


class Query(msgspec.Struct, frozen=True):
    """What was asked of the store, by the options of the command."""

    sweep: str
    where: str | None
    over: str | None
    map: MapName | None
    mass: float
    center: CenterName


class Exporter(msgspec.Struct, frozen=True):
    """What exported: the version of erfsweep, and the version of the numbers that its kernel yields."""

    version: str
    kernel_version: int


class File(msgspec.Struct, frozen=True):
    """A file of the export: its name, its size in bytes, and the sha256 of its bytes in hexadecimal."""

    name: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What an export was made of.

    erfsweep: what exported. store: its address without secrets. query: what was asked. columns: the type of each column
    of the table, `int`, `float`, `bool`, `str` or `json`. complete: False while files are being replaced, and for good
    where that was interrupted. files: all of them, the manifest left out.
    """

    erfsweep: Exporter
    store: str
    query: Query
    columns: dict[str, Kind]
    complete: bool = True
    files: tuple[File, ...] = ()


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of the export in a folder, None where there is none that can be read."""
    path = folder / NAME
    try:
        if path.stat().st_size > _MAX_BYTES:
            return None
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError, UnicodeError):
        return None


def manifest_lines(manifest: Manifest, files: Iterable[File]) -> Iterator[bytes]:
    """The text of a manifest with these files, in UTF-8, line by line: an export may have very many files."""
    head = msgspec.json.format(msgspec.json.encode(msgspec.structs.replace(manifest, files=())), indent=2)
    yield head.removesuffix(b"[]\n}") + b"["
    between = b"\n    "
    for file in files:
        yield between + msgspec.json.format(msgspec.json.encode(file), indent=0)
        between = b",\n    "
    yield b"\n  ]\n}\n"


def refuse_strangers(folder: Path, sweep: str) -> None:
    """Raises InputError where a folder holds the export of another sweep, or files of something else.

    Hidden files, whose names begin with a dot, are nobody's.
    """
    there = read_manifest(folder)
    if there is not None:
        if there.query.sweep != sweep:
            raise InputError(
                f"{quote(folder)} holds the export of sweep {quote(there.query.sweep)}; choose another --to, or add "
                "--force"
            )
        return
    try:
        names = sorted(each.name for each in folder.iterdir()) if folder.is_dir() else []
    except OSError as error:
        raise InputError(f"cannot look into {quote(folder)}: {error.strerror}; choose another --to") from None
    others = [name for name in names if not name.startswith(".")]
    if others == [NAME]:
        raise InputError(f"{quote(folder)} holds a {NAME} that is no export's; choose another --to, or add --force")
    if others:
        first = next(name for name in others if name != NAME)
        raise InputError(
            f"{quote(folder)} holds {quote(first)}, which no {NAME} there lists; choose another --to, or add --force"
        )
