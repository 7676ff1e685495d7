"""Files that a config names: known by what they hold, and held against what the config needs of them."""

from pathlib import Path
from typing import TypeVar

from msgspec.structs import replace

from pipeline.config import FILED, PREPARATION, PREPARATIONS, Config, Init, Probes
from pipeline.errors import InputError, quote
from pipeline.regular import regular_file
from pipeline.stem import MAX_INTEGER

_Filed = TypeVar("_Filed", Init, Probes)


def hashed(part: str, own: _Filed, known: dict[str, str]) -> _Filed:
    """An init or probes with the sha256 of what they name, by a path that holds from any folder.

    known: the sha256 of what was looked at before, by kind and path; what is looked at is added.
    Raises InputError where a kind that needs a file names none, or the other way round, and for another sha256 than it
    should have.
    """
    if own.kind not in FILED:
        for field, value in (("path", own.path), ("sha256", own.sha256)):
            if value is not None:
                raise InputError(
                    f"{part}.{field} {quote(value)} is for {part}.kind file, not {own.kind}; "
                    f"set the kind, or drop the {field}"
                )
        return own
    if own.path is None:
        what = "folder" if own.kind == "images" else "file"
        raise InputError(f"{part}.kind {own.kind} needs the {what}; name it by {part}.path")
    place = f"{own.kind} {own.path}"  # a folder is something to the one kind, and nothing to the others
    found = known[place] = known.get(place) or _sha256(own)
    if own.sha256 not in (None, found):
        raise InputError(f"{quote(own.path)} has the sha256 {found}, not {part}.sha256 {own.sha256}; drop that field")
    return replace(own, sha256=found, path=str(Path(own.path).absolute()))


def _sha256(own: _Filed) -> str:
    from pipeline.draws import holds_images, image_paths, sha256_of  # NumPy, which most configs do without

    path = own.path or ""
    if own.kind == "images" and not holds_images(path):
        image_paths(path)  # says why
    elif own.kind != "images":
        with regular_file(path):
            pass  # a folder has a content too, but only as images
    return sha256_of(path)


def settled_probes(config: Config, counted: bool, known: dict[str, str]) -> Probes:
    """The probes of a config with what follows from their files and their other fields.

    counted: whether their number was written; it follows a file otherwise, and is 1 where one of them is chosen by its
    index. known: as `hashed` has it.
    Raises InputError for fields of other kinds, files that do not fit the input plane, and images that are not.
    """
    probes = hashed("probes", _prepared(config.probes), known)
    if probes.kind in FILED:
        probes = _counted(probes, config, counted)
    elif probes.index is not None and probes.kind == "neural_api":
        raise InputError("probes.index is not for probes.kind neural_api, whose probes are one stream; drop it")
    return probes if probes.index is None else replace(probes, count=1)


def _prepared(probes: Probes) -> Probes:
    """The probes with all that their preparation is, so that two ways to write it are one config."""
    written = {field: getattr(probes, field) for field in PREPARATION if getattr(probes, field) is not None}
    if probes.kind != "images":
        for field in (*(("prepare",) if probes.prepare else ()), *written):
            raise InputError(f"probes.{field} is for probes.kind images, not {probes.kind}; set the kind, or drop it")
        return probes
    usual = {"interpolation": "bilinear", "scale": 1 / 255, "order": "rgb"}
    meant = {**usual, **PREPARATIONS.get(probes.prepare or "", {}), **written}
    for field in ("resize", "crop"):
        side = meant.get(field)
        for number in (side,) if isinstance(side, int) else side or ():
            if not 1 <= number <= MAX_INTEGER:
                raise InputError(f"probes.{field} must be between 1 and {MAX_INTEGER}, not {number}")
    return replace(probes, prepare=None, **meant)


def _counted(probes: Probes, config: Config, counted: bool) -> Probes:
    """The probes of a file or a folder with their number, unless it was written."""
    from pipeline.draws import check_probe_shape, count_images, probe_shape

    if probes.kind == "images":
        found = count_images(probes, config.input)
        if counted and probes.count > found:
            raise InputError(f"{quote(probes.path)} holds {found} images, fewer than probes.count {probes.count}")
    else:
        shape = probe_shape(probes.path or "", probes.sha256 or "", config.dtype)
        found = min(max(shape[0], 1), MAX_INTEGER) if shape else 1
        check_probe_shape(shape, replace(probes, count=probes.count if counted else found), config.input)
    if probes.index is not None and probes.index >= found:
        raise InputError(
            f"probes.index {probes.index} is outside the {found} probes of {quote(probes.path)}; from 0 on"
        )
    return probes if counted else replace(probes, count=found)
