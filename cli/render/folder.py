"""The folder of an export: written whole or not at all, with a manifest that says what it holds."""

import re
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

import msgspec

from cli.render.files import made_directory, permissions, write_bytes, write_lines
from pipeline.errors import InputError, quote

MANIFEST = "manifest.json"
_OURS = re.compile(r"table\.csv|erf_sweep_\d+\.csv")


class Manifest(msgspec.Struct, frozen=True):
    """What an export was made of, by the options of the command, and the names of its files."""

    sweep: str
    store: str
    version: str
    where: str | None
    over: str | None
    map: str | None
    mass: float
    center: str
    files: tuple[str, ...] = ()
    complete: bool = False
    """False while files are being replaced, and for good where that was interrupted."""


def check_folder(folder: Path, sweep: str) -> None:
    """Raises InputError where the folder holds the export of another sweep, or files like ours that no export lists."""
    before = _manifest(folder)
    if before is not None and before.sweep != sweep:
        raise InputError(
            f"{quote(folder)} holds the export of sweep {quote(before.sweep)}; choose another --to, or add --force"
        )
    if before is None and (found := _written(folder)):
        raise InputError(
            f"{quote(folder)} holds {quote(found[0].name)}, which no {MANIFEST} there lists; choose another --to, or "
            "add --force"
        )


def write_folder(folder: Path, files: Iterable[tuple[str, Iterable[str]]], made_of: Manifest) -> int:
    """Writes (name, lines) into a folder in place of the last export there; how many files that is.

    All of them are written beside their places first, so that nothing changes where one cannot be made or written.
    Raises InputError where the folder cannot be written.
    """
    try:
        is_new = not folder.exists()
        made_directory(folder.parent if is_new else folder)
        staging = Path(tempfile.mkdtemp(dir=folder.parent if is_new else folder, prefix=".export-"))
    except OSError as error:
        raise InputError(f"cannot write into {quote(folder)}: {error.strerror}; choose another --to") from None
    try:
        names = []
        for name, lines in files:
            write_lines(staging / name, lines)
            names.append(name)
        made_of = msgspec.structs.replace(made_of, files=(*names,))
        if is_new:
            _write_manifest(staging, made_of, complete=True)
            staging.chmod(permissions(0o777))
            staging.rename(folder)
        else:
            _replace(folder, staging, made_of)
    except OSError as error:
        raise InputError(f"cannot write into {quote(folder)}: {error.strerror}; choose another --to") from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return len(names)


def _replace(folder: Path, staging: Path, made_of: Manifest) -> None:
    _write_manifest(folder, made_of, complete=False)
    for old in _written(folder):
        if old.name not in made_of.files:
            old.unlink()
    for name in made_of.files:
        (staging / name).replace(folder / name)
    _write_manifest(folder, made_of, complete=True)


def _write_manifest(folder: Path, made_of: Manifest, *, complete: bool) -> None:
    text = msgspec.json.encode(msgspec.structs.replace(made_of, complete=complete))
    write_bytes(folder / MANIFEST, msgspec.json.format(text, indent=2) + b"\n")


def _manifest(folder: Path) -> Manifest | None:
    """The manifest of a folder; None where there is none that can be read."""
    try:
        return msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError):
        return None


def _written(folder: Path) -> list[Path]:
    """The files of a folder that an export could have written."""
    try:
        listed = list(folder.iterdir()) if folder.is_dir() else []
        return sorted(path for path in listed if _OURS.fullmatch(path.name) and path.is_file())
    except OSError as error:
        raise InputError(f"cannot look into {quote(folder)}: {error.strerror}; choose another --to") from None
