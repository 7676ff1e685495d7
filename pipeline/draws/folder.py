"""A folder of PNG, JPEG or WebP images, packed into one content by which it is known and sent to workers."""

import io
import os
import zipfile
from pathlib import Path

from pipeline.errors import InputError, amount, cannot_read, quote
from pipeline.limits import MAX_ARRAY
from pipeline.regular import read_regular

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
MAX_IMAGES = 100_000

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time that all entries of the archive have, which is the earliest that one can have."""


def image_paths(folder: str) -> list[Path]:
    """The images of a folder, by name, those in folders within it too.

    Raises InputError where there is none, or more than MAX_IMAGES.
    """
    place = Path(folder)
    try:
        found = [
            Path(where, name)
            for where, _, names in os.walk(place)
            for name in names
            if name.lower().endswith(SUFFIXES) and not name.startswith(".")
        ]
    except OSError as error:
        raise cannot_read(quote(folder), error) from None
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
