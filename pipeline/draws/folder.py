"""A folder of PNG, JPEG or WebP images, packed into one content by which it is known and sent to workers."""

import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import InputError, amount, quote
from pipeline.limits import MAX_ARRAY
from pipeline.regular import read_regular

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
MAX_IMAGES = 100_000

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time that all entries of the archive have, which is the earliest that one can have."""


def holds_images(path: str) -> bool:
    """Whether a path is that of a folder, and there is an image in it."""
    return os.path.isdir(path) and any(_found(path))  # noqa: PTH112  # a path that none can have is told no other way


def _found(folder: str) -> Iterator[Path]:
    for where, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name[0] != "."]  # os.walk goes no further into those that are dropped
        yield from (Path(where, name) for name in names if name.lower().endswith(SUFFIXES) and name[0] != ".")


def image_paths(folder: str) -> list[Path]:
    """The images of a folder, by name, those in folders within it too, but nothing hidden.

    Raises InputError where there is none, or more than MAX_IMAGES.
    """
    place, found = Path(folder), [*_found(folder)]
    if not os.path.isdir(folder):  # noqa: PTH112  # as above
        raise InputError(f"{quote(folder)} is not a folder; name one with images in it")
    if not found:
        raise InputError(f"{quote(folder)} holds no image; images end in {', '.join(SUFFIXES)}")
    if len(found) > MAX_IMAGES:
        raise InputError(f"{quote(folder)} holds {len(found)} images, more than {MAX_IMAGES}; name a smaller folder")
    return sorted(found, key=lambda path: path.relative_to(place).as_posix())


def pack(folder: str) -> bytes:
    """The images of a folder as one archive, the same bytes for the same names and contents.

    Raises InputError as `image_paths` does, and for more than 1 GiB.
    """
    paths = image_paths(folder)
    packed, total = io.BytesIO(), 0
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for path in paths:
            data = read_regular(str(path), MAX_ARRAY)
            total += len(data)
            if total > MAX_ARRAY:
                raise InputError(f"the images of {quote(folder)} have more than {amount(MAX_ARRAY)}; use fewer")
            archive.writestr(zipfile.ZipInfo(path.relative_to(folder).as_posix(), _EPOCH), data)
    return packed.getvalue()
